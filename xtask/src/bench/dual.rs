//! Writes on both sides beside a write of the legacy side alone, and what its triggers cost an older program.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_consensus::migrate::{AdvanceOptions, advance};
use conclave_consensus::record::{OutputRecord, record_output};
use conclave_consensus::runs::RunId;
use conclave_db::{Db, DbError, DbOptions, foreign};

use super::harness::{self, Harness};
use super::load::{self, Load, Window};
use super::machine;
use super::peers::plain::Plain;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

const BOTH: &str = "dual-write";
const PEER: &str = "one INSERT of the legacy row, no triggers, same Db::write";
const OLDER: &str = "an older program's INSERT";
const NO_TRIGGERS: &str = "the same without capture triggers";
const SYNC: &str = "one sync";
const SYNC_CONDITION: &str = "fdatasync after 4 KiB";

/// The line's words, threads, and what is to be reached on a disk whose sync takes a millisecond, and a faster one.
const CONDITIONS: [(&str, usize, [f64; 2]); 2] =
    [("2 KiB, 1 thread", 1, [1.3, 2.5]), ("2 KiB, 64 threads", 64, [3.5, 3.5])];
/// A sync that takes so long makes the disk a slow one, microseconds.
const SLOW_SYNC: u64 = 1000;

/// The line's words, and how many rows share a transaction.
const BATCHES: [(&str, u64); 2] = [("2 KiB, alone", 1), ("2 KiB, 64 in a transaction", 64)];

/// Runs that are there before anything is measured, so that no run gets many rows.
const RUNS: u64 = 4096;

/// The legacy schema as the original makes it.
const LEGACY: &str = "CREATE TABLE consensus_artifacts(
    id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL, agent_name TEXT NOT NULL,
    content_json TEXT NOT NULL, response_text TEXT, run_id TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE INDEX idx_spec_stage ON consensus_artifacts(spec_id, stage);
  CREATE TABLE consensus_synthesis(
    id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
    output_markdown TEXT NOT NULL, output_path TEXT, status TEXT NOT NULL, artifacts_count INTEGER,
    agreements TEXT, conflicts TEXT, degraded BOOLEAN DEFAULT 0, run_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
  CREATE INDEX idx_synthesis_spec_stage ON consensus_synthesis(spec_id, stage);
  CREATE TABLE agent_executions(
    agent_id TEXT PRIMARY KEY, spec_id TEXT NOT NULL, stage TEXT NOT NULL, phase_type TEXT NOT NULL,
    agent_name TEXT NOT NULL, run_id TEXT, spawned_at TEXT NOT NULL, completed_at TEXT, response_text TEXT,
    extraction_error TEXT);
  CREATE INDEX idx_agent_executions_spec ON agent_executions(spec_id, stage);
  CREATE INDEX idx_agent_executions_run ON agent_executions(run_id);";

const UNWATCH: &str = "DROP TRIGGER capture_consensus_artifacts_insert;
  DROP TRIGGER capture_consensus_artifacts_update; DROP TRIGGER capture_consensus_artifacts_delete;";

/// The row of the legacy side: ?1 is the content, ?2 the number of the write.
pub(super) const INSERT: &str =
    "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
  VALUES(printf('SPEC-%04d', ?2 % 4096), 'spec-plan', CASE ?2 % 3 WHEN 0 THEN 'claude' WHEN 1 THEN 'gemini'
    ELSE 'gpt_pro' END, CAST(?1 AS TEXT), printf('run-%04d', ?2 % 4096), datetime('now'))";

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Both,
    Legacy,
}

/// Measures all lines of writes on both sides.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let wanted: Vec<_> =
        CONDITIONS.into_iter().filter(|(condition, ..)| harness.wants(BOTH, condition)).collect();
    if !wanted.is_empty() {
        let folder = harness::folder();
        std::fs::create_dir_all(&folder)?;
        let (sync_us, _) = machine::syncs(&folder)?;
        let line = (SYNC, SYNC_CONDITION, "ms");
        harness.add(Measured::alone(line, &[real(sync_us) / 1000.0], Target::None));
        for (condition, threads, targets) in wanted {
            dual_writes(harness, condition, threads, target(targets, sync_us))?;
        }
    }
    for (condition, rows) in BATCHES {
        if harness.wants(OLDER, condition) {
            older_program(harness, condition, rows)?;
        }
    }
    Ok(())
}

/// What is to be reached on this disk.
const fn target([slow, fast]: [f64; 2], sync_us: u64) -> Target {
    Target::RatioAtMost(if sync_us >= SLOW_SYNC { slow } else { fast })
}

fn dual_writes(harness: &mut Harness, condition: &str, threads: usize, target: Target) -> Outcome {
    let sides = [Side::Both, Side::Legacy];
    let loads = Harness::in_turns(harness.repeats(), sides.len(), |which| {
        let folder = Harness::folder()?;
        let path = folder.path().join("state.db");
        write(&path, sides[which], threads, harness.window())
    })?;
    let line = (BOTH, condition, "µs/write");
    let peer = (PEER, &each(&loads[1], Load::per_second)[..]);
    harness.add(Measured::beside(line, &each(&loads[0], Load::per_second), peer, target));
    for (side, loads) in sides.iter().zip(&loads) {
        if let Some(last) = loads.last() {
            harness.note(format!(
                "{BOTH}, {condition}, {side:?}: {:.0} writes/s, waits of the last repeat p50 {:.3} ms, p99 {:.3} ms",
                last.per_second(),
                real(last.p50_us) / 1000.0,
                real(last.p99_us) / 1000.0
            ));
        }
        harness.note_errors(&format!("{BOTH}, {condition}, {side:?}"), loads);
    }
    Ok(())
}

/// The time of one write, by the rate of each repeat.
fn each(loads: &[Load], rate: fn(&Load) -> f64) -> Vec<f64> {
    loads.iter().map(|load| 1e6 / rate(load).max(f64::MIN_POSITIVE)).collect()
}

fn write(path: &Path, side: Side, threads: usize, window: Window) -> Outcome<Load> {
    let db = in_phase_two(path)?;
    let content = content();
    let number = AtomicU64::new(0);
    let make = |_| Ok(());
    let before = rows(&db)?;
    let load = match side {
        Side::Both => load::on_threads(threads, window, make, |()| {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let output = OutputRecord {
                run: RunId(i64::try_from(number % RUNS + 1)?),
                agent: ["claude", "gemini", "gpt_pro"][usize::try_from(number % 3)?].to_owned(),
                attempt: 1,
                content: content.clone(),
                response: None,
                at: None,
                write_key: None,
            };
            record_output(&db, &output)?;
            Ok(())
        })?,
        Side::Legacy => {
            foreign::run(path, UNWATCH)?;
            load::on_threads(threads, window, make, |()| {
                let (number, content) = (number.fetch_add(1, Ordering::Relaxed), content.clone());
                Ok(db.write("bench", move |tx| {
                    tx.execute(INSERT, (&*content, i64::try_from(number).unwrap_or(i64::MAX)))?;
                    Ok::<_, DbError>(())
                })?)
            })?
        }
    };
    let after = rows(&db)?;
    let written = i64::try_from(number.into_inner())? - i64::try_from(load.errors)?;
    let wanted = if side == Side::Both { [written; 2] } else { [written, 0] };
    if [after[0] - before[0], after[1] - before[1]] != wanted {
        return Err(format!("{side:?}: {written} writes made {before:?} rows {after:?}").into());
    }
    Ok(load)
}

/// A state file in phase 2, with its runs.
fn in_phase_two(path: &Path) -> Outcome<Db> {
    foreign::create(path, LEGACY)?;
    let db = Db::open(DbOptions::new(path, conclave::state::schema()?))?;
    let options =
        AdvanceOptions { to: Some(2), skip_soak: true, actor: "bench".into(), ..AdvanceOptions::default() };
    advance(&db, &options, &mut |_| {})?;
    db.write("runs", |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
             INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at)
             SELECT printf('run-%04d', i), printf('SPEC-%04d', i), 'plan', 1762000000000, 1762000000000, 1762000000000
             FROM n",
            [RUNS],
        )?;
        Ok::<_, DbError>(())
    })?;
    Ok(db)
}

/// How many rows each side has.
fn rows(db: &Db) -> Outcome<[i64; 2]> {
    let query = "SELECT (SELECT count(*) FROM consensus_artifacts),
      (SELECT count(*) FROM agent_outputs WHERE legacy_id IS NOT NULL)";
    Ok(db.read(|conn| conn.query_row(query, [], |row| Ok([row.get(0)?, row.get(1)?])))?)
}

fn older_program(harness: &mut Harness, condition: &str, batch: u64) -> Outcome {
    let loads = Harness::in_turns(harness.repeats(), 2, |contender| {
        let folder = Harness::folder()?;
        let path = folder.path().join("state.db");
        drop(in_phase_two(&path)?);
        if contender == 1 {
            foreign::run(&path, UNWATCH)?;
        }
        let content = content();
        let make = |_| Ok((Plain::open(&path)?, 0));
        load::on_threads(1, harness.window(), make, |(plain, number)| {
            plain.write_rows(INSERT, &content, *number..*number + batch)?;
            *number += batch;
            Ok(())
        })
    })?;
    let per_row = |loads: &[Load]| -> Vec<f64> {
        each(loads, Load::per_second).into_iter().map(|time| time / real(batch)).collect()
    };
    let line = (OLDER, condition, "µs/row");
    let (ours, theirs) = (per_row(&loads[0]), per_row(&loads[1]));
    harness.add(Measured::beside(line, &ours, (NO_TRIGGERS, &theirs), Target::None));
    for loads in &loads {
        harness.note_errors(&format!("{OLDER}, {condition}"), loads);
    }
    Ok(())
}

/// 2 KiB of JSON.
pub(super) fn content() -> Vec<u8> {
    let mut text = String::from("{\"agent\":\"claude\",\"model\":\"model-1\",\"text\":\"");
    for byte in super::store::body().iter() {
        if text.len() + 4 > 2048 {
            break;
        }
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str("\"}");
    text.into_bytes()
}

#[cfg(test)]
mod tests;
