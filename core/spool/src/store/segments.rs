//! The catalogue of segments.

use conclave_db::sql::{Error, FromSql, FromSqlError, FromSqlResult, Row, ValueRef, params};
use conclave_db::{ReadConn, WriteTx};

use super::ledger;
use crate::error::Result;

/// Where a segment is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Waits, or is being imported.
    Pending,
    /// All its rows are durable; it goes, or went, to `_done`.
    Imported,
    /// What could be read of it is durable; it goes, or went, to `_quarantine`.
    Quarantined,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Imported => "imported",
            Self::Quarantined => "quarantined",
        }
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "pending" => Ok(Self::Pending),
            "imported" => Ok(Self::Imported),
            "quarantined" => Ok(Self::Quarantined),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) monitor: String,
    pub(crate) file: String,
    /// Compressed.
    pub(crate) bytes: u64,
    /// Lines that entered `written` with it.
    pub(crate) lines: u64,
    pub(crate) state: State,
    /// The last physical line whose row is durable, while it is imported.
    pub(crate) done: u64,
    /// Rows up to there that were new.
    pub(crate) imported: u64,
    /// Rows up to there that were there.
    pub(crate) duplicates: u64,
    /// Once it is not pending: what tells a file that was not moved yet from another one of the same name and size
    /// (`catalogue::digest`).
    pub(crate) digest: Option<i64>,
}

const COLUMNS: &str = "monitor, file, bytes, lines, state, done, imported, duplicates, digest";

fn row(row: &Row<'_>) -> Result<Segment, Error> {
    Ok(Segment {
        monitor: row.get(0)?,
        file: row.get(1)?,
        bytes: row.get(2)?,
        lines: row.get(3)?,
        state: row.get(4)?,
        done: row.get(5)?,
        imported: row.get(6)?,
        duplicates: row.get(7)?,
        digest: row.get(8)?,
    })
}

/// All rows of a monitor.
pub(crate) fn of_monitor(conn: &ReadConn<'_>, monitor: &str) -> Result<Vec<Segment>> {
    let sql = format!("SELECT {COLUMNS} FROM spool_segments WHERE monitor = ?1 ORDER BY file, bytes");
    Ok(conn.query_all(&sql, [monitor], row)?)
}

/// The rows of one name: more than one only where a file came back with another size.
pub(crate) fn of_file(conn: &ReadConn<'_>, monitor: &str, file: &str) -> Result<Vec<Segment>> {
    let sql = format!("SELECT {COLUMNS} FROM spool_segments WHERE monitor = ?1 AND file = ?2 ORDER BY bytes");
    Ok(conn.query_all(&sql, [monitor, file], row)?)
}

/// Catalogues a segment, and its lines enter `written`; gives whether it was not there.
pub(crate) fn add(tx: &WriteTx<'_>, monitor: &str, file: &str, bytes: u64, lines: u64) -> Result<bool> {
    let added = tx.execute(
        "INSERT INTO spool_segments(monitor, file, bytes, lines) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        params![monitor, file, bytes, lines],
    )?;
    if added > 0 {
        ledger::add(tx, monitor, &ledger::Growth { written: signed(lines), ..ledger::Growth::default() })?;
    }
    Ok(added > 0)
}

/// A pending file has another size than when it was catalogued: it is damaged, and goes on under its row.
pub(crate) fn adopt(tx: &WriteTx<'_>, segment: &Segment, bytes: u64) -> Result<()> {
    tx.execute(
        "UPDATE spool_segments SET bytes = ?4 WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND state = 'pending'",
        params![segment.monitor, segment.file, segment.bytes, bytes],
    )?;
    Ok(())
}

/// How far an import came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Step {
    /// The last physical line before and after.
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Takes a pending segment from one line to another; `false` where somebody else has done so.
pub(crate) fn advance(tx: &WriteTx<'_>, segment: &Segment, step: Step) -> Result<bool> {
    let taken = tx.execute(
        "UPDATE spool_segments SET done = ?5 WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND done = ?4
         AND state = 'pending'",
        params![segment.monitor, segment.file, segment.bytes, step.from, step.to],
    )?;
    Ok(taken > 0)
}

/// Counts rows for a segment; gives its counts afterwards, imported and duplicates.
pub(crate) fn count(
    tx: &WriteTx<'_>,
    segment: &Segment,
    imported: u64,
    duplicates: u64,
) -> Result<(u64, u64)> {
    let counted = tx.query_row(
        "UPDATE spool_segments SET imported = imported + ?4, duplicates = duplicates + ?5
         WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 RETURNING imported, duplicates",
        params![segment.monitor, segment.file, segment.bytes, imported, duplicates],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(counted)
}

/// Ends the import of a segment that had `lines` lines.
pub(crate) fn end(tx: &WriteTx<'_>, segment: &Segment, state: State, lines: u64, digest: i64) -> Result<()> {
    tx.execute(
        "UPDATE spool_segments SET state = ?4, lines = ?5, digest = ?6 WHERE monitor = ?1 AND file = ?2 AND bytes = ?3",
        params![segment.monitor, segment.file, segment.bytes, state.as_str(), lines, digest],
    )?;
    Ok(())
}

/// Takes a row away. Its lines stay counted as they are.
pub(crate) fn remove(tx: &WriteTx<'_>, segment: &Segment) -> Result<bool> {
    let gone = tx.execute(
        "DELETE FROM spool_segments WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND done = ?4 AND state = ?5",
        params![segment.monitor, segment.file, segment.bytes, segment.done, segment.state.as_str()],
    )?;
    Ok(gone > 0)
}

/// The file of a segment whose import has ended got another name. A row that has that name is of a file that is gone.
pub(crate) fn rename(tx: &WriteTx<'_>, segment: &Segment, name: &str) -> Result<()> {
    let gone =
        "DELETE FROM spool_segments WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND state <> 'pending'";
    tx.execute(gone, params![segment.monitor, name, segment.bytes])?;
    tx.execute(
        "UPDATE OR IGNORE spool_segments SET file = ?4
         WHERE monitor = ?1 AND file = ?2 AND bytes = ?3 AND state <> 'pending'",
        params![segment.monitor, segment.file, segment.bytes, name],
    )?;
    Ok(())
}

/// A count as a growth.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
