//! Lines that were dropped, by monitor and reason; and what was folded in.

use std::collections::BTreeMap;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::drops::Drops;
use crate::error::Result;

/// Adds lines of a monitor.
pub(crate) fn add(tx: &WriteTx<'_>, monitor: &str, drops: &Drops) -> Result<()> {
    let sql = "INSERT INTO spool_drops(monitor, reason, events) VALUES(?1, ?2, ?3)
               ON CONFLICT(monitor, reason) DO UPDATE SET events = events + excluded.events";
    for (reason, events) in drops {
        // What is read from a file is far below what an integer of SQLite holds, and so is what is counted here.
        tx.execute(sql, params![monitor, reason, i64::try_from(*events).unwrap_or(i64::MAX)])?;
    }
    Ok(())
}

/// Everything that was counted, by monitor.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<BTreeMap<String, Drops>> {
    let sql = "SELECT monitor, reason, events FROM spool_drops ORDER BY monitor, reason";
    let rows = conn.query_all(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
    })?;
    let mut all: BTreeMap<String, Drops> = BTreeMap::new();
    for (monitor, reason, events) in rows {
        all.entry(monitor).or_default().insert(reason, u64::try_from(events).unwrap_or(0));
    }
    Ok(all)
}

/// Whether a count with this id was added.
pub(crate) fn is_folded(conn: &ReadConn<'_>, id: &str) -> Result<bool> {
    let found = conn.query_optional("SELECT 1 FROM spool_folded WHERE id = ?1", [id], |_| Ok(()))?;
    Ok(found.is_some())
}

/// Notes that the count with this id is added in this transaction; `false` where it was before.
pub(crate) fn mark_folded(tx: &WriteTx<'_>, id: &str) -> Result<bool> {
    let sql = "INSERT INTO spool_folded(id) VALUES(?1) ON CONFLICT(id) DO NOTHING";
    Ok(tx.execute(sql, [id])? == 1)
}

/// The ids of counts that were added before `before_ms` (milliseconds since 1970).
pub(crate) fn folded_before(conn: &ReadConn<'_>, before_ms: i64) -> Result<Vec<String>> {
    let sql = "SELECT id FROM spool_folded
               WHERE folded_at < strftime('%Y-%m-%dT%H:%M:%fZ', ?1 / 1000.0, 'unixepoch') ORDER BY id";
    Ok(conn.query_all(sql, [before_ms], |row| row.get(0))?)
}

/// Forgets ids whose files are gone for good.
pub(crate) fn forget(tx: &WriteTx<'_>, ids: &[String]) -> Result<()> {
    for id in ids {
        tx.execute("DELETE FROM spool_folded WHERE id = ?1", [id])?;
    }
    Ok(())
}
