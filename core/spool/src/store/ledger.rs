//! The counts of the monitors.

use std::collections::BTreeMap;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::drops::Drops;
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

/// Lines that were catalogued are lost: they are dropped, not written.
pub(crate) fn lose(tx: &WriteTx<'_>, monitor: &str, reason: &str, lines: u64) -> Result<()> {
    add(tx, monitor, &Growth { written: -super::segments::signed(lines), ..Growth::default() })?;
    super::drops::add(tx, monitor, &Drops::from([(reason.to_owned(), lines)]))
}
