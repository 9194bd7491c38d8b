//! Segments that the catalogue has as pending, and that are not there.

use conclave_db::Db;

use super::PATIENCE;
use crate::drops::Reason;
use crate::error::Result;
use crate::layout::Found;
use crate::store::ledger;
use crate::store::segments::{self, Segment, State};

/// Those of `rows` that are pending, and none of `waiting`. A file of another size is damaged, not gone.
pub(super) fn find(rows: &[Segment], waiting: &[Found]) -> Vec<Segment> {
    let is_there = |row: &&Segment| !waiting.iter().any(|found| found.file == row.file);
    rows.iter().filter(|row| row.state == State::Pending).filter(is_there).cloned().collect()
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
