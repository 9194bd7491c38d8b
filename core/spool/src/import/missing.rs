//! Segments that the catalogue has as pending, and that are not there.

use conclave_db::Db;

use super::PATIENCE;
use super::place::Taken;
use crate::drops::Reason;
use crate::error::Result;
use crate::layout::Found;
use crate::store::ledger;
use crate::store::segments::{self, Segment, State};

/// Those of `rows` that are pending, and none of `waiting`. A file of another size is damaged, not gone, unless it has a row
/// of its own.
pub(super) fn find(rows: &[Segment], waiting: &[Found]) -> Vec<Segment> {
    let has_own = |found: &Found| rows.iter().any(|row| row.file == found.file && row.bytes == found.bytes);
    let is_it = |row: &Segment, found: &Found| {
        found.file == row.file && (found.bytes == row.bytes || !has_own(found))
    };
    let is_gone = |row: &&Segment| !waiting.iter().any(|found| is_it(row, found));
    rows.iter().filter(|row| row.state == State::Pending).filter(is_gone).cloned().collect()
}

/// Those of `rows` that are not pending, and whose names no file has: somebody has removed it. Their names may be given
/// again, and what has one then is another file.
pub(super) fn removed(rows: &[Segment], names: &Taken) -> Vec<Segment> {
    let is_gone = |row: &&Segment| row.state != State::Pending && !names.has(&row.file);
    rows.iter().filter(is_gone).cloned().collect()
}

/// Forgets rows. Their lines stay counted as they are.
pub(super) fn forget(state: &Db, rows: Vec<Segment>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    state
        .writing("forget removed segments")
        .deadline(PATIENCE)
        .run(move |tx| rows.iter().try_for_each(|row| segments::remove(tx, row).map(drop)))
}

/// Counts a segment that is nowhere: rows that were imported of it stay, its other lines are dropped as missing. Gives how
/// many those are.
pub(super) fn give_up(state: &Db, segment: Segment) -> Result<u64> {
    state.writing("count a missing segment").deadline(PATIENCE).run(move |tx| {
        if !segments::remove(tx, &segment)? {
            return Ok(0);
        }
        let rows = segment.imported.saturating_add(segment.duplicates);
        let lost = segment.lines.saturating_sub(rows);
        let growth = ledger::Growth {
            written: segments::signed(rows.saturating_sub(segment.lines)),
            imported: segment.imported,
            duplicates: segment.duplicates,
            ..ledger::Growth::default()
        };
        ledger::add(tx, &segment.monitor, &growth)?;
        if lost > 0 {
            ledger::lose(tx, &segment.monitor, Reason::Missing.as_str(), lost)?;
        }
        Ok(lost)
    })
}
