//! The control row that long work looks at before each of its chunks.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::{ConsensusError, Result};

/// Who paused, and when, ms.
pub(crate) fn paused(conn: &ReadConn<'_>) -> Result<Option<(String, i64)>> {
    let query = "SELECT ifnull(paused_by, 'unknown'), paused_at FROM migration_state
      WHERE id = 1 AND paused_at IS NOT NULL";
    Ok(conn.query_optional(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Refuses the next chunk while the migration is paused.
pub(crate) fn refuse_while_paused(conn: &ReadConn<'_>) -> Result<()> {
    match paused(conn)? {
        Some((by, at)) => Err(ConsensusError::Paused { by, at }),
        None => Ok(()),
    }
}

/// Pauses; gives whether this call did.
pub(crate) fn pause(tx: &WriteTx<'_>, actor: &str) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE migration_state SET paused_by = ?1, paused_at = ?2 WHERE id = 1 AND paused_at IS NULL",
        params![actor, tx.now_ms()],
    )?;
    Ok(changed > 0)
}

/// Lets long work go on; gives whether it was paused.
pub(crate) fn resume(tx: &WriteTx<'_>) -> Result<bool> {
    let changed = tx.execute(
        "UPDATE migration_state SET paused_by = NULL, paused_at = NULL WHERE id = 1 AND paused_at IS NOT NULL",
        [],
    )?;
    Ok(changed > 0)
}
