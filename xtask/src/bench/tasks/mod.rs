//! Tasks: a file of many, a graph of many edges, and many processes that claim.

mod file;
mod graph;
pub(crate) mod storm;

use std::path::Path;
use std::time::Duration;

use conclave_db::{Db, DbOptions};
use conclave_retry::{Clock, SystemClock};
use conclave_tasks::exchange::{self, Limits, Order};
use conclave_tasks::read::{self, ReadyQuery};
use conclave_tasks::shape;
use conclave_tasks::work::{self, Change, Set};

use self::file::File;
use super::harness::Harness;
use super::load::{self, Load};
use super::peers::tasks::{self as peer, Store};
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

// The targets of one task read and of one updated are what the original claims of itself (a read about 1 ms, an
// update 5 to 10 ms); import and export have none and stand beside a store that checks and keeps less.
const CONDITION: &str = "5,722 records, 4.1 MB, like Beads' file of January 2026";
const IMPORT: &str = "tasks, import";
const EXPORT: &str = "tasks, export";
const READ: &str = "tasks, one in full";
const READY: &str = "tasks, ready (first 100, as JSON)";
const UPDATE: &str = "tasks, one durable update";

/// Measures all lines of tasks.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let file = file::real();
    if harness.wants(IMPORT, CONDITION) || harness.wants(EXPORT, CONDITION) {
        exchanged(harness, &file)?;
    }
    if [READ, READY, UPDATE].iter().any(|row| harness.wants(row, CONDITION)) {
        used(harness, &file)?;
    }
    graph::run(harness)?;
    storm::run(harness)
}

fn open(path: &Path) -> Outcome<Db> {
    Ok(Db::open(DbOptions::new(path, conclave::state::schema()?))?)
}

/// A store of ours with this file, and a peer's.
fn both(folder: &Path, file: &File) -> Outcome<(Db, Store)> {
    let source = folder.join("tasks.jsonl");
    std::fs::write(&source, &file.bytes)?;
    let db = open(&folder.join("state.db"))?;
    ours_imports(&db, &source)?;
    let store = Store::create(&folder.join("peer.db"))?;
    store.import(&source)?;
    Ok((db, store))
}

/// As `conclave task import` does it; gives how many tasks are new.
fn ours_imports(db: &Db, source: &Path) -> Outcome<u64> {
    let lines = exchange::read_file(source, Limits::default())?;
    lines.refuse_bad()?;
    Ok(exchange::import(db, "bench", lines, exchange::ImportOptions::default())?.created)
}

/// Import into an empty store, and export of all of it: nothing may be missing, and no byte be another.
fn exchanged(harness: &mut Harness, file: &File) -> Outcome {
    let repeats = harness.repeats();
    let exchanged = Harness::in_turns(repeats, 2, |contender| {
        let folder = Harness::folder()?;
        let source = folder.path().join("tasks.jsonl");
        std::fs::write(&source, &file.bytes)?;
        let path = folder.path().join("tasks.db");
        // The tables are made before the clock starts, for both.
        let (records, imported, bytes, exported) = if contender == 0 {
            let db = open(&path)?;
            let (records, imported) = timed(|| ours_imports(&db, &source))?;
            let (bytes, exported) = timed(|| {
                let mut bytes = Vec::new();
                exchange::export(&db, Order::Id, &mut bytes)?;
                Ok(bytes)
            })?;
            (records, imported, bytes, exported)
        } else {
            let store = Store::create(&path)?;
            let (records, imported) = timed(|| store.import(&source))?;
            let (bytes, exported) = timed(|| store.export())?;
            (records, imported, bytes, exported)
        };
        if records != file.ids.len() as u64 || bytes != file.bytes {
            return Err(format!("{records} records imported, {} bytes exported", bytes.len()).into());
        }
        Ok((millis(imported), millis(exported)))
    })?;
    let of = |contender: usize, part: fn(&(f64, f64)) -> f64| {
        exchanged[contender].iter().map(part).collect::<Vec<f64>>()
    };
    for (row, name, part) in [
        (IMPORT, peer::IMPORT, (|both| both.0) as fn(&(f64, f64)) -> f64),
        (EXPORT, peer::EXPORT, |both| both.1),
    ] {
        let line = (row, CONDITION, "ms");
        harness.add(Measured::beside(line, &of(0, part), (name, &of(1, part)), Target::None));
    }
    Ok(())
}

/// What people and agents do all day, on the file.
fn used(harness: &mut Harness, file: &File) -> Outcome {
    let folder = Harness::folder()?;
    let (db, store) = both(folder.path(), file)?;
    let query = ReadyQuery { limit: Some(100), ..ReadyQuery::default() };
    let (ours, theirs) = (ready(&db, &query)?.1, store.ready(100)?.1);
    if ours != theirs || ours.is_empty() {
        return Err(format!("{} are ready here, {} there", ours.len(), theirs.len()).into());
    }
    harness.note(format!("{CONDITION}: {} tasks are ready, the same for both", ours.len()));
    let (repeats, window) = harness.reads();
    if harness.wants(READ, CONDITION) {
        let loads = Harness::in_turns(repeats, 2, |contender| {
            let mut next = 0;
            let mut id = || {
                next = (next + 2_711) % file.ids.len();
                &file.ids[next]
            };
            if contender == 0 {
                alone(window, || {
                    drop(shape::shown(&read::show(&db, id())?));
                    Ok(())
                })
            } else {
                alone(window, || store.read(id()).map(drop))
            }
        })?;
        add(harness, (READ, CONDITION), peer::READ, &loads, Target::OursAtMost(1.0));
    }
    if harness.wants(READY, CONDITION) {
        let loads = Harness::in_turns(repeats, 2, |contender| {
            if contender == 0 {
                alone(window, || ready(&db, &query).map(drop))
            } else {
                alone(window, || store.ready(100).map(drop))
            }
        })?;
        add(harness, (READY, CONDITION), peer::READY, &loads, Target::OursAtMost(2.0));
    }
    if harness.wants(UPDATE, CONDITION) {
        let id = theirs[0].clone();
        let mut number = 0_u64;
        let loads = Harness::in_turns(repeats, 2, |contender| {
            let mut notes = || {
                number += 1;
                format!("what came of it, the {number}th time")
            };
            if contender == 0 {
                let change = |notes| Change { notes: Set::To(notes), ..Change::default() };
                alone(window, || {
                    work::update(&db, "bench", std::slice::from_ref(&id), change(notes()))?;
                    Ok(())
                })
            } else {
                alone(window, || store.update(&id, &notes(), "2026-01-02T03:04:05.006Z"))
            }
        })?;
        add(harness, (UPDATE, CONDITION), peer::UPDATE, &loads, Target::OursAtMost(10.0));
    }
    Ok(())
}

/// As `conclave task ready --json` prints it, and the ids.
fn ready(db: &Db, query: &ReadyQuery) -> Outcome<(String, Vec<String>)> {
    let rows = read::ready(db, query)?;
    let items: Vec<_> = rows.iter().map(shape::listed).collect();
    Ok((serde_json::to_string(&items)?, rows.iter().map(|row| row.id().to_owned()).collect()))
}

/// One thread of this process does one thing over and over.
fn alone(window: load::Window, work: impl FnMut() -> Outcome) -> Outcome<Load> {
    load::by_one(window, work)
}

/// A line of the mean time that each took.
fn add(
    harness: &mut Harness,
    (row, condition): (&str, &str),
    name: &str,
    loads: &[Vec<Load>],
    target: Target,
) {
    let line = (row, condition, "ms");
    harness.add(Measured::beside(line, &means(&loads[0]), (name, &means(&loads[1])), target));
    for (loads, whose) in loads.iter().zip(["ours", name]) {
        harness.note_errors(&format!("{row}, {condition}, {whose}"), loads);
    }
    if let Some(last) = loads[0].last() {
        harness.note(format!(
            "{row}, {condition}: ours of the last repeat p50 {:.3} ms, p99 {:.3} ms, worst {:.1} ms",
            real(last.p50_us) / 1e3,
            real(last.p99_us) / 1e3,
            real(last.worst_us) / 1e3
        ));
    }
}

/// The mean time that each repeat took, ms.
fn means(loads: &[Load]) -> Vec<f64> {
    loads.iter().map(|load| 1000.0 * load.seconds / real(load.done.iter().sum())).collect()
}

/// What it gave, and how long it took.
fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    let begun = SystemClock.monotonic();
    let done = work()?;
    Ok((done, SystemClock.monotonic().saturating_sub(begun)))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
