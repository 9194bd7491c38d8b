//! The backfill of a large legacy file in a process of its own, beside a writer.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_consensus::migrate::{BackfillOptions, backfill};
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_db::{Db, DbOptions, foreign};
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};
use serde::{Deserialize, Serialize};

use super::child::Started;
use super::harness::Harness;
use super::peers::plain::Plain;
use super::row::{Measured, Target, real};
use super::{dual, import};
use crate::outcome::Outcome;
use crate::output;

const ROWS: &str = "backfill, rows copied";
const P99: &str = "backfill, write lock p99";
const LONGEST: &str = "backfill, longest write lock";
const MEMORY: &str = "backfill, largest resident memory";
const WAIT: &str = "backfill, a writer's p99 wait beside it";
const ALL: [&str; 5] = [ROWS, P99, LONGEST, MEMORY, WAIT];

/// Who writes meanwhile, in another process. An older program takes no turn and SQLite's own waiting is not fair:
/// one that never rested would leave a backfill little more than what it happens to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Ours,
    Older,
}

impl Writer {
    const fn words(self) -> &'static str {
        match self {
            Self::Ours => "a writer of ours that never rests",
            Self::Older => "an older program that rests 2 ms after each write",
        }
    }
}

const REST: Duration = Duration::from_millis(2);

/// What one backfill was like.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Backfilled {
    rows: u64,
    seconds: f64,
    lock_p99_ms: f64,
    lock_longest_ms: f64,
    chunks: usize,
    /// The most memory that the process ever had in RAM, KiB.
    resident_kib: u64,
}

/// What its writer saw.
#[derive(Debug, Clone, Copy)]
struct Waits {
    /// How many writes began and ended beside the backfill.
    beside: usize,
    p99_ms: f64,
    worst_ms: f64,
    /// The same of as many writes without a backfill.
    alone_p99_ms: f64,
    alone_worst_ms: f64,
}

/// Measures all lines of the backfill.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let artifacts: u64 = if harness.quick { 20_000 } else { 100_000 };
    for writer in [Writer::Older, Writer::Ours] {
        let condition = format!("{artifacts} rows of 1.2 kB beside {}", writer.words());
        if ALL.iter().any(|row| harness.wants(row, &condition)) {
            beside(harness, artifacts, writer, &condition)?;
        }
    }
    Ok(())
}

fn beside(harness: &mut Harness, artifacts: u64, writer: Writer, condition: &str) -> Outcome {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let folder = Harness::folder()?;
        let path = folder.path().join("state.db");
        foreign::create(&path, &import::legacy(artifacts))?;
        // Taking the file over is not what is measured.
        drop(open(&path)?);
        measured.push(once(&path, writer, artifacts)?);
    }
    let of = |value: fn(&(Backfilled, Waits)) -> f64| measured.iter().map(value).collect::<Vec<f64>>();
    let rates = of(|(backfilled, _)| real(backfilled.rows) / backfilled.seconds);
    harness.add(Measured::alone((ROWS, condition, "rows/s"), &rates, Target::None));
    for (row, value, target) in [
        (P99, of(|(backfilled, _)| backfilled.lock_p99_ms), Target::OursAtMost(10.0)),
        (LONGEST, of(|(backfilled, _)| backfilled.lock_longest_ms), Target::OursAtMost(50.0)),
    ] {
        harness.add(Measured::alone((row, condition, "ms"), &value, target));
    }
    let resident = of(|(backfilled, _)| real(backfilled.resident_kib) / 1024.0);
    harness.add(Measured::alone((MEMORY, condition, "MiB"), &resident, Target::OursAtMost(256.0)));
    let peer = of(|(_, waits)| waits.alone_p99_ms);
    let peer = ("the same writer before it", &peer[..]);
    harness.add(Measured::beside(
        (WAIT, condition, "ms"),
        &of(|(_, waits)| waits.p99_ms),
        peer,
        Target::None,
    ));
    for (backfilled, waits) in &measured {
        harness.note(format!(
            "backfill, {condition}: {} rows in {} chunks and {:.1} s, locks p99 {:.1} ms, longest {:.1} ms, \
             {} KiB resident; {} writes beside it, waits p99 {:.1} ms, worst {:.1} ms (before: worst {:.1} ms)",
            backfilled.rows,
            backfilled.chunks,
            backfilled.seconds,
            backfilled.lock_p99_ms,
            backfilled.lock_longest_ms,
            backfilled.resident_kib,
            waits.beside,
            waits.p99_ms,
            waits.worst_ms,
            waits.alone_worst_ms
        ));
    }
    Ok(())
}

fn open(path: &Path) -> Outcome<Db> {
    Ok(Db::open(DbOptions::new(path, conclave::state::schema()?))?)
}

/// Writes from this process before and while another one backfills.
fn once(path: &Path, writer: Writer, rows: u64) -> Outcome<(Backfilled, Waits)> {
    const QUIET: Duration = Duration::from_secs(1);
    let mut child = Started::new(Command::new(std::env::current_exe()?).arg("bench-backfill").arg(path))?;
    child.expect_ready()?;
    let stop = AtomicBool::new(false);
    let (backfilled, begun, ended, writes) = std::thread::scope(|scope| {
        let writing = scope.spawn(|| write_until(path, writer, &stop));
        SystemSleeper.sleep(QUIET);
        let begun = SystemClock.monotonic();
        let backfilled = child.go().and_then(|()| child.answer::<Backfilled>());
        let ended = SystemClock.monotonic();
        stop.store(true, Ordering::Relaxed);
        let writes = writing.join().map_err(|_| "the writer panicked")??;
        Ok::<_, crate::outcome::Failure>((backfilled?, begun, ended, writes))
    })?;
    if backfilled.rows < rows {
        return Err(format!("{} of {rows} rows were copied", backfilled.rows).into());
    }
    Ok((backfilled, Waits::of(&writes, begun, ended)))
}

impl Waits {
    /// Of writes by when they began and ended, and when the backfill did.
    fn of(writes: &[(Duration, Duration)], begun: Duration, ended: Duration) -> Self {
        let waits = |beside: bool| -> Vec<f64> {
            let is_of = |(from, until): &&(Duration, Duration)| {
                if beside { *until > begun && *from < ended } else { *until <= begun }
            };
            let mut waits: Vec<f64> = writes
                .iter()
                .filter(is_of)
                .map(|(from, until)| until.saturating_sub(*from).as_secs_f64() * 1e3)
                .collect();
            waits.sort_unstable_by(f64::total_cmp);
            waits
        };
        let p99 = |waits: &[f64]| {
            waits.get((waits.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
        };
        let (beside, alone) = (waits(true), waits(false));
        Self {
            beside: beside.len(),
            p99_ms: p99(&beside),
            worst_ms: beside.last().copied().unwrap_or_default(),
            alone_p99_ms: p99(&alone),
            alone_worst_ms: alone.last().copied().unwrap_or_default(),
        }
    }
}

/// One durable write after the other; when each began and ended.
fn write_until(path: &Path, writer: Writer, stop: &AtomicBool) -> Outcome<Vec<(Duration, Duration)>> {
    let mut writes = Vec::new();
    let mut write = match writer {
        Writer::Older => older(path)?,
        Writer::Ours => ours(path)?,
    };
    while !stop.load(Ordering::Relaxed) {
        let begun = SystemClock.monotonic();
        write()?;
        writes.push((begun, SystemClock.monotonic()));
        if writer == Writer::Older {
            SystemSleeper.sleep(REST);
        }
    }
    Ok(writes)
}

type Write = Box<dyn FnMut() -> Outcome>;

fn older(path: &Path) -> Outcome<Write> {
    let plain = Plain::open(path)?;
    let (content, mut number) = (dual::content(), 0);
    Ok(Box::new(move || {
        number += 1;
        plain.write_rows(dual::INSERT, &content, number..number + 1)
    }))
}

fn ours(path: &Path) -> Outcome<Write> {
    let db = open(path)?;
    let run = RunRecord {
        run_id: "beside".into(),
        spec: "SPEC-BESIDE".into(),
        stage: "plan".into(),
        ..RunRecord::default()
    };
    let run = record_run(&db, &run)?;
    let content = dual::content();
    Ok(Box::new(move || {
        let output = OutputRecord {
            run,
            agent: "claude".into(),
            attempt: 1,
            content: content.clone(),
            response: None,
            at: None,
            write_key: None,
        };
        record_output(&db, &output)?;
        Ok(())
    }))
}

/// What the process of the backfill is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    path: PathBuf,
}

/// The side of the process that backfills.
pub(crate) fn child(options: &Options) -> Outcome<ExitCode> {
    let db = open(&options.path)?;
    super::child::wait_for_go()?;
    let begun = SystemClock.monotonic();
    let report = backfill(&db, &BackfillOptions::default(), &mut |_| {})?;
    let seconds = SystemClock.monotonic().saturating_sub(begun).as_secs_f64();
    let backfilled = Backfilled {
        rows: report.copied,
        seconds,
        lock_p99_ms: report.locks.p99().as_secs_f64() * 1e3,
        lock_longest_ms: report.locks.longest().as_secs_f64() * 1e3,
        chunks: report.locks.chunks(),
        resident_kib: super::machine::most_resident_kib(),
    };
    output::line(serde_json::to_string(&backfilled)?);
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
