//! Giving 153 MB back while somebody writes: ours in slices, beside `VACUUM` and a truncating checkpoint.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_db::{Db, DbError, vacuum};
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use super::harness::Harness;
use super::peers::plain::Plain;
use super::row::{Measured, Target, real};
use super::store;
use crate::outcome::Outcome;

const STALL: &str = "vacuum, longest stall of a writer";
const SIZE: &str = "vacuum, file and log after";
const TIME: &str = "vacuum, time";
const CONDITION: &str = "153 MB with 3 live rows, beside a writer";
const PEER: &str = "VACUUM and a truncating checkpoint";

const BYTES: u64 = 153_000_000;
/// How long the writer writes before and after, to show its waits without a vacuum.
const QUIET: Duration = Duration::from_millis(500);
/// Changes a row, so that the file does not grow under the vacuum.
const UPDATE: &str = "UPDATE log SET body = ?1 WHERE id = 1";

/// What one vacuum was like.
#[derive(Debug, Clone, Copy)]
struct Vacuumed {
    /// The longest wait of a write that overlapped the vacuum.
    stall: Duration,
    /// The longest of the others.
    otherwise: Duration,
    took: Duration,
    bytes_after: u64,
}

/// Measures all lines of the vacuum.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    if ![STALL, SIZE, TIME].iter().any(|row| harness.wants(row, CONDITION)) {
        return Ok(());
    }
    let repeats = if harness.quick { 3 } else { 5 };
    let mut bytes_before = 0;
    let vacuumed = Harness::in_turns(repeats, 2, |contender| {
        let folder = Harness::folder()?;
        let path = folder.path().join("bench.db");
        // Made anew each time: a copy would lie on the disk in one piece, and cost less to give back.
        bytes_before = fill(&path)?;
        if contender == 0 { ours(&path) } else { theirs(&path) }
    })?;
    let of = |contender: usize, value: fn(&Vacuumed) -> f64| {
        vacuumed[contender].iter().map(value).collect::<Vec<f64>>()
    };
    let stall = |vacuumed: &Vacuumed| millis(vacuumed.stall);
    let line = (STALL, CONDITION, "ms");
    harness.add(Measured::beside(line, &of(0, stall), (PEER, &of(1, stall)), Target::RatioAtMost(0.2)));
    harness.add(Measured::alone(line, &of(0, stall), Target::OursAtMost(50.0)));
    let size = |vacuumed: &Vacuumed| real(vacuumed.bytes_after) / 1e6;
    let line = (SIZE, CONDITION, "MB");
    harness.add(Measured::beside(line, &of(0, size), (PEER, &of(1, size)), Target::OursAtMost(5.0)));
    let took = |vacuumed: &Vacuumed| millis(vacuumed.took);
    let line = (TIME, CONDITION, "ms");
    harness.add(Measured::beside(line, &of(0, took), (PEER, &of(1, took)), Target::None));
    for (contender, name) in [(0, "ours"), (1, PEER)] {
        let otherwise = of(contender, |vacuumed| millis(vacuumed.otherwise));
        let longest = otherwise.iter().copied().fold(0.0, f64::max);
        harness.note(format!(
            "vacuum, {name}: {:.0} MB before; longest wait of the same writer without a vacuum {longest:.1} ms",
            real(bytes_before) / 1e6
        ));
    }
    Ok(())
}

fn ours(path: &Path) -> Outcome<Vacuumed> {
    let db = store::open(path, None)?;
    let body = store::body();
    let write = || -> Outcome {
        let body = body.clone();
        Ok(db.write("bench", move |tx| {
            tx.execute(UPDATE, (&*body,))?;
            Ok::<_, DbError>(())
        })?)
    };
    beside_a_writer(path, write, || {
        vacuum::run_until_done(&db, &mut |_| {})?;
        Ok(())
    })
}

fn theirs(path: &Path) -> Outcome<Vacuumed> {
    let (writer, cleaner) = (Plain::open(path)?, Plain::open(path)?);
    let body = store::body();
    beside_a_writer(path, move || writer.write(UPDATE, &body), || cleaner.vacuum())
}

/// Writes on one thread, cleans on another, and looks at the file before anyone closes it.
fn beside_a_writer(
    path: &Path,
    write: impl Fn() -> Outcome + Send,
    clean: impl FnOnce() -> Outcome,
) -> Outcome<Vacuumed> {
    let stop = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || -> Outcome<Vec<(Duration, Duration)>> {
            let mut writes = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let begun = SystemClock.monotonic();
                write()?;
                writes.push((begun, SystemClock.monotonic()));
            }
            Ok(writes)
        });
        SystemSleeper.sleep(QUIET);
        let begun = SystemClock.monotonic();
        let cleaned = clean();
        let ended = SystemClock.monotonic();
        let bytes_after = bytes(path);
        SystemSleeper.sleep(QUIET);
        stop.store(true, Ordering::Relaxed);
        let writes = writer.join().map_err(|_| "the writer panicked")??;
        cleaned?;
        let longest = |during: bool| {
            let overlaps =
                |(from, until): &&(Duration, Duration)| (*until > begun && *from < ended) == during;
            writes.iter().filter(overlaps).map(|(from, until)| until.saturating_sub(*from)).max()
        };
        Ok(Vacuumed {
            stall: longest(true).unwrap_or_default(),
            otherwise: longest(false).unwrap_or_default(),
            took: ended.saturating_sub(begun),
            bytes_after,
        })
    })
}

/// Fills a file, deletes all but three rows, and closes it; gives its size.
fn fill(path: &Path) -> Outcome<u64> {
    let db = store::open(path, None)?;
    let body = store::body();
    // Two rows of 2 KiB fit no page of 4 KiB: each has its own.
    let rows = BYTES / 4096;
    for first in (0..rows).step_by(4096) {
        let body = body.clone();
        db.write("fill", move |tx| {
            for _ in first..rows.min(first + 4096) {
                tx.execute(store::INSERT, (&*body,))?;
            }
            Ok::<_, DbError>(())
        })?;
    }
    db.write("delete", |tx| tx.execute("DELETE FROM log WHERE id > 3", []))?;
    drop::<Db>(db);
    std::fs::File::open(path)?.sync_all()?;
    Ok(bytes(path))
}

fn bytes(path: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    size(path) + size(&log(path))
}

fn log(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
