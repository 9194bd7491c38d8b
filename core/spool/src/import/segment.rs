//! One segment into `events`.

use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_db::{Db, Durability};

use super::PATIENCE;
use super::batch::{Batch, MOST_BYTES};
use super::rejects::Rejects;
use crate::catalogue;
use crate::error::{Result, SpoolError};
use crate::event::{Event, Refused};
use crate::frame::{End, Lines};
use crate::layout::shown;
use crate::monitor::MonitorName;
use crate::spool::Spool;
use crate::store::segments::{Segment, State, Step, signed};
use crate::store::{events, ledger, segments};

/// A batch never has more events than this…
const MOST_ROWS: usize = 1_000;
/// …nor fewer, where there are more.
const FEWEST_ROWS: usize = 50;
/// The lock is held for about so long at most: half of what others may be made to wait.
const HELD: Duration = Duration::from_millis(25);
/// So many batches share one sync of the disk: until then a power cut takes back rows and position alike.
const SYNC_EVERY: u32 = 16;

/// How many rows a batch has: as many as were written in time before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    rows: usize,
    batches: u32,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { rows: 250, batches: 0 }
    }

    fn learn(&mut self, rows: usize, held: Duration) {
        if held > HELD {
            self.rows = (rows / 2).clamp(FEWEST_ROWS, MOST_ROWS);
        } else if rows >= self.rows && held < HELD / 3 {
            self.rows = (rows * 2).clamp(FEWEST_ROWS, MOST_ROWS);
        }
    }

    fn durability(&mut self) -> Durability {
        self.batches = self.batches.wrapping_add(1);
        if self.batches.is_multiple_of(SYNC_EVERY) { Durability::Power } else { Durability::Process }
    }
}

/// What became of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Imported {
    pub(super) state: Option<State>,
    /// Events that were not there.
    pub(super) new: u64,
    pub(super) duplicates: u64,
    pub(super) quarantined: u64,
}

/// A segment that is imported.
pub(super) struct Job<'j> {
    pub(super) spool: &'j Spool,
    pub(super) state: &'j Db,
    pub(super) monitor: &'j MonitorName,
    pub(super) segment: Segment,
    pub(super) path: &'j Path,
}

/// What is not in the state yet.
#[derive(Debug, Default)]
struct Unwritten {
    batch: Batch,
    step: Step,
}

/// The last transaction of a segment.
#[derive(Debug, Clone, Copy)]
struct Ending {
    state: State,
    /// Lines that could be read.
    read: u64,
    /// Of these, no events.
    rejected: u64,
    digest: i64,
}

impl Job<'_> {
    /// Imports it to its end; all is durable when this returns. The file is left where it is.
    pub(super) fn run(&self, pace: &mut Pace) -> Result<Imported> {
        let failed = |error| {
            let what = format!("read {}", shown(self.monitor, &self.segment.file));
            SpoolError::io(what, self.path.to_path_buf(), error)
        };
        let file = catalogue::open(self.path).map_err(failed)?;
        let options = self.spool.options();
        let mut lines = Lines::new(BufReader::with_capacity(1 << 17, file), options.max_line_bytes);
        let mut rejects = Rejects::of(self.spool, self.monitor, &self.segment.file);
        let mut unwritten = Unwritten {
            step: Step { from: self.segment.done, to: self.segment.done },
            ..Unwritten::default()
        };
        let mut line = Vec::new();
        let mut read = 0;
        while let Some(place) = lines.next(&mut line)? {
            read += 1;
            let event = if place.cut {
                let most = options.max_line_bytes;
                Err(Refused { reason: "too_long", detail: format!("it has more than {most} bytes") })
            } else {
                Event::parse(&line, &options.monitors)
            };
            match event {
                // Its row is durable since an earlier attempt.
                Ok(_) if place.number <= self.segment.done => continue,
                Ok(event) => unwritten.batch.push(&event),
                Err(refused) => rejects.add(place.number, &line, place.cut, &refused)?,
            }
            unwritten.step.to = unwritten.step.to.max(place.number);
            if unwritten.batch.len() >= pace.rows || unwritten.batch.bytes() >= MOST_BYTES {
                let next = Unwritten {
                    step: Step { from: unwritten.step.to, to: unwritten.step.to },
                    ..Unwritten::default()
                };
                let full = std::mem::replace(&mut unwritten, next);
                if self.write(pace, full, None)?.is_none() {
                    return Ok(Imported::default());
                }
            }
        }
        let is_kept = lines.end() == End::Clean && rejects.are_whole();
        let state = if is_kept { State::Imported } else { State::Quarantined };
        let digest = catalogue::digest(self.path).map_err(failed)?;
        let ending = Ending { state, read, rejected: rejects.count(), digest };
        rejects.keep()?;
        Ok(self.write(pace, unwritten, Some(ending))?.unwrap_or_default())
    }

    /// Writes a batch and how far it goes; `None` where somebody else went on with this segment.
    fn write(
        &self,
        pace: &mut Pace,
        unwritten: Unwritten,
        ending: Option<Ending>,
    ) -> Result<Option<Imported>> {
        let rows = unwritten.batch.len();
        let durability = if ending.is_some() { Durability::Power } else { pace.durability() };
        let segment = self.segment.clone();
        let unwritten = Arc::new(unwritten);
        let written = self.state.writing("import events").durability(durability).deadline(PATIENCE).run(
            move |tx| -> Result<Option<(Imported, Duration)>> {
                let begun = tx.clock().monotonic();
                if !segments::advance(tx, &segment, unwritten.step)? {
                    return Ok(None);
                }
                let new = events::insert(tx, &unwritten.batch)?;
                let old = (unwritten.batch.len() as u64).saturating_sub(new);
                let (imported, duplicates) = segments::count(tx, &segment, new, old)?;
                let mut done = Imported { state: None, new: imported, duplicates, quarantined: 0 };
                if let Some(ending) = ending {
                    // More lines may be read than were catalogued, where a file is torn; fewer, where it is damaged: those
                    // are quarantined with what is no event. Rows of lines that could be read by an earlier attempt stay.
                    let taken = imported.saturating_add(duplicates).saturating_add(ending.rejected);
                    let lines = segment.lines.max(ending.read).max(taken);
                    let lost = lines.saturating_sub(taken);
                    // An earlier attempt judged lines otherwise, as before another monitor was made known: those that it
                    // rejected, and nobody took since, are kept with the whole file.
                    let is_whole = taken >= ending.read;
                    let state = if is_whole { ending.state } else { State::Quarantined };
                    done.state = Some(state);
                    done.quarantined = ending.rejected.saturating_add(lost);
                    let growth = ledger::Growth {
                        written: signed(lines.saturating_sub(segment.lines)),
                        imported,
                        duplicates,
                        quarantined: done.quarantined,
                    };
                    ledger::add(tx, &segment.monitor, &growth)?;
                    segments::end(tx, &segment, state, lines, ending.digest)?;
                }
                Ok(Some((done, tx.clock().monotonic().saturating_sub(begun))))
            },
        )?;
        Ok(written.map(|(done, held)| {
            pace.learn(rows, held);
            done
        }))
    }
}
