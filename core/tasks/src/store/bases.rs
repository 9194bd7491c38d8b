//! What a file was when it was last equal to the store: the base of the next sync with it.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;

/// The base of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Base {
    /// The file as the store last took it in.
    pub(crate) taken: Vec<u8>,
    /// What was then about to be written to it; `None` where that was the same, or is known to be done.
    pub(crate) next: Option<Vec<u8>>,
}

/// The base of a file, `None` where it was never synced.
pub(crate) fn find(conn: &ReadConn<'_>, path: &str) -> Result<Option<Base>> {
    let sql = "SELECT base, next FROM task_sync_bases WHERE path = ?";
    Ok(conn.query_optional(sql, [path], |row| Ok(Base { taken: row.get(0)?, next: row.get(1)? }))?)
}

/// The store has taken a file in that has the bytes `base`; what is about to be written is `next`, `None` where that
/// is the same.
pub(crate) fn set(tx: &WriteTx<'_>, path: &str, base: &[u8], next: Option<&[u8]>) -> Result<()> {
    tx.execute(
        "INSERT INTO task_sync_bases(path, base, next, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (path) DO UPDATE SET base = excluded.base, next = excluded.next, at = excluded.at
           WHERE base <> excluded.base OR next IS NOT excluded.next",
        params![path, base, next, tx.now_ms()],
    )?;
    Ok(())
}
