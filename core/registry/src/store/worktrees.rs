//! The worktrees of builders, as their rows have them.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::time::text_of;

/// Records a worktree that is about to be made; `false` where there is no such builder, or one with another worktree.
pub(crate) fn record(
    tx: &WriteTx<'_>,
    id: &str,
    folder: &str,
    branch: &str,
    base_commit: &str,
) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE builders SET worktree = ?2, branch = ?3, base_commit = ?4, updated_at = ?5
          WHERE id = ?1 AND worktree IN ('', ?2)",
        params![id, folder, branch, base_commit, text_of(tx.now_ms())],
    )?;
    Ok(changed == 1)
}

/// Takes it back.
pub(crate) fn forget(tx: &WriteTx<'_>, id: &str, folder: &str) -> Result<()> {
    tx.execute(
        "UPDATE builders SET worktree = '', branch = '', base_commit = NULL, updated_at = ?3
          WHERE id = ?1 AND worktree = ?2",
        params![id, folder, text_of(tx.now_ms())],
    )?;
    Ok(())
}

/// All of them: id and folder.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<(String, String)>> {
    let sql = "SELECT id, worktree FROM builders WHERE worktree <> '' ORDER BY id";
    Ok(conn.query_all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
