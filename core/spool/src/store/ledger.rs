//! The counts of the monitors.

use std::collections::BTreeMap;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;

/// What the state counts of a monitor. Drops are beside it, in `spool_drops`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Lines of the segments that were catalogued; drops are not in it.
    pub(crate) written: u64,
    /// Rows that were new.
    pub(crate) imported: u64,
    /// Rows that were there.
    pub(crate) duplicates: u64,
    pub(crate) quarantined: u64,
}

/// By how much the counts change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Growth {
    pub(crate) written: i64,
    pub(crate) imported: u64,
    pub(crate) duplicates: u64,
    pub(crate) quarantined: u64,
}

/// Lets the counts of a monitor grow.
pub(crate) fn add(tx: &WriteTx<'_>, monitor: &str, by: &Growth) -> Result<()> {
    tx.execute("INSERT INTO spool_monitors(monitor) VALUES(?1) ON CONFLICT DO NOTHING", [monitor])?;
    tx.execute(
        "UPDATE spool_monitors SET written = written + ?2, imported = imported + ?3, duplicates = duplicates + ?4,
           quarantined = quarantined + ?5
         WHERE monitor = ?1",
        params![monitor, by.written, by.imported, by.duplicates, by.quarantined],
    )?;
    Ok(())
}

/// The counts of all monitors.
pub(crate) fn counts(conn: &ReadConn<'_>) -> Result<BTreeMap<String, Counts>> {
    let rows = conn.query_all(
        "SELECT monitor, written, imported, duplicates, quarantined FROM spool_monitors",
        [],
        |row| {
            let counts = Counts {
                written: row.get(1)?,
                imported: row.get(2)?,
                duplicates: row.get(3)?,
                quarantined: row.get(4)?,
            };
            Ok((row.get(0)?, counts))
        },
    )?;
    Ok(rows.into_iter().collect())
}

/// The drops of all monitors, by reason.
pub(crate) fn drops(conn: &ReadConn<'_>) -> Result<Vec<(String, String, u64)>> {
    let sql = "SELECT monitor, reason, events FROM spool_drops ORDER BY monitor, reason";
    Ok(conn.query_all(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

/// Whether a `.drops.json` of this id was folded in.
pub(crate) fn is_folded(conn: &ReadConn<'_>, id: &str) -> Result<bool> {
    let found =
        conn.query_optional("SELECT 1 FROM spool_folded WHERE id = ?1", [id], |row| row.get::<_, i64>(0))?;
    Ok(found.is_some())
}

/// Lines that were catalogued are lost: they are dropped, not written.
pub(crate) fn lose(tx: &WriteTx<'_>, monitor: &str, reason: &str, lines: u64) -> Result<()> {
    add(tx, monitor, &Growth { written: -super::segments::signed(lines), ..Growth::default() })?;
    tx.execute(
        "INSERT INTO spool_drops(monitor, reason, events) VALUES(?1, ?2, ?3)
         ON CONFLICT(monitor, reason) DO UPDATE SET events = events + excluded.events",
        params![monitor, reason, lines],
    )?;
    Ok(())
}
