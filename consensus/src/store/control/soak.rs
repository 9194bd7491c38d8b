//! What is stored of the soak of a phase.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::older;
use crate::error::Result;
use crate::migrate::soak::{Moment, Seen};

/// The soak as it was last seen.
pub(crate) fn seen(conn: &ReadConn<'_>) -> Result<Seen> {
    let query = "SELECT soak_since, max(0, soak_passed_ms), soak_seen_at, soak_seen_boot, soak_seen_boot_ms,
      max(0, soak_seen_writes) FROM migration_state WHERE id = 1";
    Ok(conn.query_row(query, [], |row| {
        Ok(Seen {
            since: row.get(0)?,
            passed_ms: row.get(1)?,
            at: row.get(2)?,
            boot: row.get(3)?,
            boot_ms: row.get(4)?,
            late_writes: row.get(5)?,
        })
    })?)
}

/// The soak begins now, or begins anew.
pub(crate) fn begin(tx: &WriteTx<'_>, now: &Moment) -> Result<()> {
    let late_writes = older::writes(tx)?.late;
    keep(
        tx,
        &Seen {
            since: Some(now.wall_ms),
            passed_ms: 0,
            at: Some(now.wall_ms),
            boot: Some(now.boot.clone()),
            boot_ms: Some(now.boot_ms),
            late_writes,
        },
    )
}

/// The soak begins anew: a difference was found, or mended.
pub(crate) fn restart(tx: &WriteTx<'_>) -> Result<()> {
    begin(tx, &Moment::of_system(tx.now_ms()))
}

/// Stores how it stands, so that a boot that ends does not take with it what passed in it.
pub(crate) fn keep(tx: &WriteTx<'_>, seen: &Seen) -> Result<()> {
    tx.execute(
        "UPDATE migration_state SET soak_since = ?1, soak_passed_ms = ?2, soak_seen_at = ?3,
           soak_seen_boot = ?4, soak_seen_boot_ms = ?5, soak_seen_writes = ?6 WHERE id = 1",
        params![seen.since, seen.passed_ms, seen.at, seen.boot, seen.boot_ms, seen.late_writes],
    )?;
    Ok(())
}
