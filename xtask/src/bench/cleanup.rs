//! The last step of the migration on a large file, beside a writer, and what looks at such a file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_consensus::migrate::{self, AdvanceOptions, BackfillOptions, RollbackOptions};
use conclave_consensus::record::{OutputRecord, RunRecord, record_output, record_run};
use conclave_db::{Db, DbOptions, foreign};
use conclave_retry::{Clock, Sleeper, SystemClock, SystemSleeper};

use super::harness::Harness;
use super::row::{Measured, Target};
use super::{dual, import};
use crate::outcome::Outcome;

const STALL: &str = "cleanup, longest stall of a writer";
const TIME: &str = "cleanup, time";
const STATUS: &str = "migrate status";
const PLAN: &str = "way back, dry run";
const ALL: [&str; 4] = [STALL, TIME, STATUS, PLAN];

/// Measures all lines of the last step.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let artifacts: u64 = if harness.quick { 50_000 } else { 500_000 };
    let condition = format!("{artifacts} legacy rows of 1.2 kB beside a writer");
    if !ALL.iter().any(|row| harness.wants(row, &condition)) {
        return Ok(());
    }
    let [mut stalls, mut alone, mut took, mut status, mut plans] = [const { Vec::new() }; 5];
    for _ in 0..if harness.quick { 1 } else { 3 } {
        let folder = Harness::folder()?;
        let path = folder.path().join("state.db");
        let db = in_phase_four(&path, artifacts)?;
        for _ in 0..5 {
            status.push(timed(|| Ok(migrate::status(&db).map(drop)?))?);
        }
        let plan = RollbackOptions { dry_run: true, ..RollbackOptions::default() };
        plans.push(timed(|| Ok(migrate::rollback(&db, &plan, &mut |_| {}).map(drop)?))?);
        let [stall, without, time] = last_step(&db)?;
        stalls.push(stall);
        alone.push(without);
        took.push(time);
    }
    let line = (STALL, &*condition, "ms");
    let peer = ("the same writer in as much time without", &alone[..]);
    harness.add(Measured::beside(line, &stalls, peer, Target::OursAtMost(50.0)));
    harness.add(Measured::alone((TIME, &condition, "ms"), &took, Target::None));
    harness.add(Measured::alone((STATUS, &condition, "ms"), &status, Target::OursAtMost(100.0)));
    harness.add(Measured::alone((PLAN, &condition, "ms"), &plans, Target::None));
    Ok(())
}

/// A large file whose legacy rows are all copied, in the phase before they go.
fn in_phase_four(path: &Path, artifacts: u64) -> Outcome<Db> {
    foreign::create(path, &import::legacy(artifacts))?;
    let db = Db::open(DbOptions::new(path, conclave::state::schema()?))?;
    let options = BackfillOptions { chunk_time: Duration::from_millis(500), ..BackfillOptions::default() };
    migrate::backfill(&db, &options, &mut |_| {})?;
    // The steps before compare everything; here they would only take their time.
    db.write("bench", |tx| tx.execute("UPDATE migration_state SET phase = 4", []))?;
    Ok(db)
}

/// Takes the last step beside a writer; gives, in ms, the writer's longest wait in that time, its longest in as much
/// time afterwards, and the time.
fn last_step(db: &Db) -> Outcome<[f64; 3]> {
    let run = RunRecord {
        run_id: "beside".into(),
        spec: "SPEC-BESIDE".into(),
        stage: "plan".into(),
        ..RunRecord::default()
    };
    let run = record_run(db, &run)?;
    let output = OutputRecord {
        run,
        agent: "claude".into(),
        attempt: 1,
        content: dual::content(),
        response: None,
        at: None,
        write_key: None,
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| -> Outcome<Vec<(Duration, Duration)>> {
            let mut writes = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let begun = SystemClock.monotonic();
                record_output(db, &output)?;
                writes.push((begun, SystemClock.monotonic()));
            }
            Ok(writes)
        });
        let options = AdvanceOptions {
            to: Some(5),
            skip_soak: true,
            confirm: true,
            actor: "bench".into(),
            ..AdvanceOptions::default()
        };
        let begun = SystemClock.monotonic();
        let stepped = migrate::advance(db, &options, &mut |_| {});
        let took = SystemClock.monotonic().saturating_sub(begun);
        SystemSleeper.sleep(took);
        stop.store(true, Ordering::Relaxed);
        let writes = writing.join().map_err(|_| "the writer panicked")??;
        stepped?;
        let longest = |beside: bool| {
            let of = writes.iter().filter(|(from, _)| (*from < begun + took) == beside);
            of.map(|(from, until)| until.saturating_sub(*from)).max().unwrap_or_default()
        };
        let query = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%content_json%'";
        let left: i64 = db.read(|conn| conn.query_row(query, [], |row| row.get(0)))?;
        if left > 0 {
            return Err(format!("{left} legacy tables are left").into());
        }
        Ok([longest(true), longest(false), took].map(|time| time.as_secs_f64() * 1e3))
    })
}

/// How long it takes, ms.
fn timed(work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let begun = SystemClock.monotonic();
    work()?;
    Ok(SystemClock.monotonic().saturating_sub(begun).as_secs_f64() * 1e3)
}
