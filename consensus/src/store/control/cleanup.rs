//! Dropping the legacy tables, and noticing that an older program has made them again.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::legacy_tables;
use crate::error::Result;
use crate::store::capture;

/// Drops the legacy tables with their triggers and indexes. The greatest ids that they ever gave stay in
/// `sqlite_sequence`: an older program that makes its tables anew goes on counting behind them, so that no id
/// ever comes twice.
pub(crate) fn drop_legacy_tables(tx: &WriteTx<'_>) -> Result<()> {
    for table in legacy_tables(tx)? {
        let greatest: Option<i64> =
            tx.query_optional("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))?;
        tx.execute_batch(&format!("DROP TABLE main.{table}"))?;
        if let Some(greatest) = greatest {
            tx.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?1, ?2)", params![table, greatest])?;
        }
    }
    capture::remove(tx)
}

/// The newest event of this kind since the phase began: its detail, and when, ms.
pub(crate) fn newest_in_phase(conn: &ReadConn<'_>, kind: &str) -> Result<Option<(String, i64)>> {
    let query = "SELECT detail, at FROM migration_events WHERE kind = ?1
      AND id > ifnull((SELECT max(id) FROM migration_events WHERE kind = 'phase'), 0) ORDER BY id DESC LIMIT 1";
    Ok(conn.query_optional(query, [kind], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
