//! Rows of the catalogue whose files go.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use crate::error::Result;
use crate::monitor::MonitorName;

/// Forgets an imported segment.
pub(crate) fn forget(tx: &WriteTx<'_>, monitor: &MonitorName, file: &str, bytes: u64) -> Result<()> {
    let sql =
        "DELETE FROM spool_segments WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND state = 'imported'";
    tx.execute(sql, params![monitor.as_str(), file, i64::try_from(bytes).unwrap_or(i64::MAX)])?;
    Ok(())
}
