//! The spool: events out to the disk with sync points, and into the state, beside the shortest program for each.

mod events;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::{Db, DbError, DbOptions};
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};
use conclave_spool::{Limits, MonitorName, Spool, SpoolOptions, import};

use super::harness::Harness;
use super::peers::spool as plain;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

const APPEND: &str = "spool append";
const SIZE: &str = "spool append, size of the segments";
const IMPORT: &str = "spool import";
const LOCK: &str = "spool import, longest wait of a writer beside it";
const MONITOR: &str = "keyboard";
/// A writer beside an import rests so long after each write.
const REST: Duration = Duration::from_millis(1);

/// Measures both.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    append(harness)?;
    take_in(harness)
}

fn append(harness: &mut Harness) -> Outcome {
    let events: u64 = if harness.quick { 50_000 } else { 250_000 };
    let condition = format!("{events} events of some 200 B, a sync point each 1,000 or 500 ms");
    if !harness.wants(APPEND, &condition) && !harness.wants(SIZE, &condition) {
        return Ok(());
    }
    let lines = events::lines(MONITOR, events, 1);
    let bytes: u64 = lines.iter().map(|line| line.len() as u64 + 1).sum();
    let level = SpoolOptions::default().level;
    let measured = Harness::in_turns(harness.repeats(), 2, |contender| {
        let folder = Harness::folder()?;
        let file = folder.path().join("stream.ndjson.gz");
        let state = state(folder.path())?;
        let begun = SystemClock.monotonic();
        if contender == 0 {
            written(folder.path(), &state, &lines)?;
        } else {
            plain::append(&file, &lines, level)?;
        }
        let took = SystemClock.monotonic().saturating_sub(begun);
        let sizes = if contender == 0 { segments(folder.path())? } else { vec![file] };
        let mut size = 0;
        for file in sizes {
            size += std::fs::metadata(file)?.len();
        }
        Ok((real(bytes) / 1e6 / took.as_secs_f64(), real(size) / 1e6))
    })?;
    let of = |contender: usize, pick: fn(&(f64, f64)) -> f64| {
        measured[contender].iter().map(pick).collect::<Vec<_>>()
    };
    let beside = (plain::STREAM, &*of(1, |(speed, _)| *speed));
    harness.add(Measured::beside(
        (APPEND, &condition, "MB/s"),
        &of(0, |(speed, _)| *speed),
        beside,
        Target::RatioAtLeast(0.8),
    ));
    let beside = (plain::STREAM, &*of(1, |(_, size)| *size));
    harness.add(Measured::beside(
        (SIZE, &condition, "MB"),
        &of(0, |(_, size)| *size),
        beside,
        Target::RatioAtMost(1.05),
    ));
    harness.note(format!("{APPEND}: {:.1} MB of lines, {} B each", real(bytes) / 1e6, bytes / events));
    Ok(())
}

fn take_in(harness: &mut Harness) -> Outcome {
    let events: u64 = if harness.quick { 50_000 } else { 250_000 };
    let condition = format!("{events} events of some 200 B, no row there before");
    if !harness.wants(IMPORT, &condition) && !harness.wants(LOCK, &condition) {
        return Ok(());
    }
    let lines = events::lines(MONITOR, events, 2);
    let measured = Harness::in_turns(harness.repeats(), 2, |contender| {
        let folder = Harness::folder()?;
        let db = state(folder.path())?;
        written(folder.path(), &db, &lines)?;
        drop(db);
        let files = segments(folder.path())?;
        // From opening to closing, as a command does it.
        let begun = SystemClock.monotonic();
        let rows = if contender == 0 {
            let db = state(folder.path())?;
            imported(folder.path(), &db)?
        } else {
            plain::import(&folder.path().join("state.db"), &files)? as u64
        };
        let took = SystemClock.monotonic().saturating_sub(begun);
        if rows != events {
            return Err(format!("contender {contender} has imported {rows} of {events} events").into());
        }
        Ok(real(rows) / took.as_secs_f64())
    })?;
    harness.add(Measured::beside(
        (IMPORT, &condition, "events/s"),
        &measured[0],
        (plain::LOOP, &measured[1]),
        Target::RatioAtLeast(0.7),
    ));
    let mut longest = Vec::new();
    for _ in 0..3 {
        let folder = Harness::folder()?;
        let db = state(folder.path())?;
        written(folder.path(), &db, &lines)?;
        longest.push(waited_beside(folder.path(), &db)?.as_secs_f64() * 1e3);
    }
    harness.add(Measured::alone((LOCK, &condition, "ms"), &longest, Target::OursAtMost(50.0)));
    Ok(())
}

fn state(folder: &Path) -> Outcome<Db> {
    Ok(Db::open(DbOptions::new(folder.join("state.db"), conclave::state::schema()?))?)
}

fn spool(folder: &Path, state: &Db) -> Outcome<Spool> {
    // A disk that is nearly full would be measured otherwise.
    let options = SpoolOptions { limits: Limits::new(512, 90, 100, 80, 0)?, ..SpoolOptions::default() };
    Ok(Spool::at(folder.join("spool"), options).state(Some(state.clone())).build())
}

/// Opens, writes all, and finalises: everything is durable and catalogued when this returns.
fn written(folder: &Path, state: &Db, lines: &[String]) -> Outcome {
    let mut writer = spool(folder, state)?.writer(&MonitorName::parse(MONITOR)?, Duration::ZERO)?;
    for line in lines {
        writer.append(line.as_bytes())?;
    }
    let finished = writer.finish()?;
    if finished.durable != lines.len() as u64 {
        return Err(format!("{} lines were given: {finished:?}", lines.len()).into());
    }
    Ok(())
}

fn segments(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join("spool").join(MONITOR))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "gz") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn imported(folder: &Path, db: &Db) -> Outcome<u64> {
    let flushed = import::flush(&spool(folder, db)?, db, None)?;
    if flushed.quarantined + flushed.duplicates + flushed.deferred > 0 {
        return Err(format!("not all was imported: {flushed:?}").into());
    }
    Ok(flushed.imported)
}

/// The longest that a writer of another handle has waited while all was imported; the import's longest lock is in it.
fn waited_beside(folder: &Path, db: &Db) -> Outcome<Duration> {
    let stop = AtomicBool::new(false);
    let beside = state(folder)?;
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let (mut number, mut longest) = (0, Duration::ZERO);
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let begun = SystemClock.monotonic();
                beside.write("beside", move |tx| {
                    tx.execute(BESIDE, (format!("beside {number}"),))?;
                    Ok::<_, DbError>(())
                })?;
                longest = longest.max(SystemClock.monotonic().saturating_sub(begun));
                SystemSleeper.sleep(REST);
            }
            Ok::<_, DbError>(longest)
        });
        let done = imported(folder, db);
        stop.store(true, Ordering::Relaxed);
        let longest = writing.join().map_err(|_| "the writer panicked")??;
        done.map(|_| longest)
    })
}

const BESIDE: &str = "INSERT INTO events(id, ts_utc, monitor, action, subject_type, session_id)
    VALUES(?1, 0, 'mouse', 'click', 'none', 's')";

#[cfg(test)]
mod tests;
