//! `migrate import` of a large legacy file, beside the fastest way there is to copy the same rows.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use conclave_consensus::import::{ImportOptions, import_file};
use conclave_db::{Db, DbOptions, Source, foreign};
use conclave_retry::{Clock, SystemClock};

use super::harness::Harness;
use super::row::{Measured, Target};
use crate::outcome::Outcome;

const TIME: &str = "migrate import";
const LOCK: &str = "migrate import, write lock p99";
const PEER: &str = "sqlite3 shell, one INSERT … SELECT pair, no legacy copy, no comparison";

/// What one import was like.
#[derive(Debug, Clone, Copy, Default)]
struct Imported {
    took: Duration,
    lock_p99: Duration,
    lock_longest: Duration,
    chunks: usize,
}

/// Measures the import.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    let artifacts: u64 = if harness.quick { 50_000 } else { 500_000 };
    let condition = format!("{artifacts} artifacts of 1.2 kB");
    if !harness.wants(TIME, &condition) && !harness.wants(LOCK, &condition) {
        return Ok(());
    }
    let folder = Harness::folder()?;
    let source = folder.path().join("legacy.db");
    foreign::create(&source, &legacy(artifacts))?;
    let has_shell = Command::new("sqlite3").arg("--version").stdout(Stdio::null()).status().is_ok();
    let contenders = if has_shell { 2 } else { 1 };
    let mut contents: [Option<Contents>; 2] = [None, None];
    let imported = Harness::in_turns(3, contenders, |contender| {
        let folder = Harness::folder()?;
        let path = folder.path().join("state.db");
        // The tables are made before the clock starts, for both.
        drop(open(&path)?);
        let imported = if contender == 0 { ours(&path, &source)? } else { theirs(&path, &source)? };
        contents[contender] = Some(look(&path)?);
        Ok(imported)
    })?;
    let of = |contender: usize, value: fn(&Imported) -> f64| {
        imported[contender].iter().map(value).collect::<Vec<f64>>()
    };
    let took = |imported: &Imported| imported.took.as_secs_f64();
    let line = (TIME, &*condition, "s");
    if has_shell {
        if contents[0] != contents[1] {
            return Err(format!("ours and the shell did not do the same: {contents:?}").into());
        }
        harness.add(Measured::beside(line, &of(0, took), (PEER, &of(1, took)), Target::RatioAtMost(2.0)));
    } else {
        harness.add(Measured::alone(line, &of(0, took), Target::None));
        harness.note("migrate import: there is no sqlite3 here to compare with".to_owned());
    }
    let p99 = |imported: &Imported| millis(imported.lock_p99);
    harness.add(Measured::alone((LOCK, &condition, "ms"), &of(0, p99), Target::OursAtMost(50.0)));
    if let Some(last) = imported[0].last() {
        harness.note(format!(
            "migrate import, last repeat: {} chunks, lock held p99 {:.1} ms, longest {:.1} ms; {} runs, {} outputs",
            last.chunks,
            millis(last.lock_p99),
            millis(last.lock_longest),
            contents[0].as_ref().map_or(0, |contents| contents.0[0]),
            contents[0].as_ref().map_or(0, |contents| contents.1[0]),
        ));
    }
    Ok(())
}

fn open(path: &Path) -> Outcome<Db> {
    Ok(Db::open(DbOptions::new(path, conclave::state::schema()?))?)
}

/// From opening to closing, as a command does it.
fn ours(path: &Path, source: &Path) -> Outcome<Imported> {
    let begun = SystemClock.monotonic();
    let db = open(path)?;
    let report = import_file(&db, source, &ImportOptions::default(), &mut |_| {})?;
    drop(db);
    Ok(Imported {
        took: SystemClock.monotonic().saturating_sub(begun),
        lock_p99: report.locks.p99(),
        lock_longest: report.locks.longest(),
        chunks: report.locks.chunks(),
    })
}

/// The same rows with the same values, by the shell: our pragmas, one transaction.
fn theirs(path: &Path, source: &Path) -> Outcome<Imported> {
    let quoted = source.display().to_string().replace('\'', "''");
    let script = format!(
        "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA cache_size=-32000;
         PRAGMA temp_store=MEMORY; ATTACH '{quoted}' AS old; BEGIN IMMEDIATE; {PAIR} COMMIT;"
    );
    let begun = SystemClock.monotonic();
    let mut shell = Command::new("sqlite3")
        .args(["-bail", "-batch"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    shell.stdin.take().ok_or("no stdin")?.write_all(script.as_bytes())?;
    let status = shell.wait()?;
    let took = SystemClock.monotonic().saturating_sub(begun);
    if !status.success() {
        return Err(format!("sqlite3: {status}").into());
    }
    Ok(Imported { took, ..Imported::default() })
}

/// Gives the generated rows exactly what our import gives them; it could not read every legacy file.
const PAIR: &str = "
INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at, origin)
SELECT run_id, spec_id, substr(stage, 6), min(at), min(at), max(at), 'legacy' FROM (
  SELECT run_id, spec_id, stage, CAST(strftime('%s', created_at) AS INTEGER) * 1000 AS at
  FROM old.consensus_artifacts)
GROUP BY run_id, spec_id, stage;
INSERT INTO agent_outputs(run_id, agent_name, model_version, content, output_timestamp, sequence, response_text,
  valid_json, legacy_id, legacy_stage, legacy_run_id, legacy_created_at)
SELECT r.id, a.agent_name, json_extract(a.content_json, '$.model'), a.content_json,
  CAST(strftime('%s', a.created_at) AS INTEGER) * 1000, 1, a.response_text, json_valid(a.content_json), a.id,
  a.stage, a.run_id, a.created_at
FROM old.consensus_artifacts a JOIN consensus_runs r
  ON r.run_key = a.run_id AND r.spec_id = a.spec_id AND r.stage = substr(a.stage, 6)
ORDER BY a.id;";

/// Numbers that differ when the rows do: of the runs, and of the outputs.
type Contents = ([i64; 5], [i64; 8]);

fn look(path: &Path) -> Outcome<Contents> {
    const RUNS: &str = "SELECT count(*), sum(run_timestamp), sum(updated_at), sum(length(run_key)), \
        sum(length(stage)) FROM consensus_runs";
    const OUTPUTS: &str = "SELECT count(*), sum(length(content)), sum(length(response_text)), sum(valid_json), \
        sum(output_timestamp), sum(sequence), count(model_version), sum(legacy_id) FROM agent_outputs";
    fn row<const N: usize>(row: &conclave_db::sql::Row<'_>) -> Result<[i64; N], conclave_db::sql::Error> {
        let mut values = [0; N];
        for (place, value) in values.iter_mut().enumerate() {
            *value = row.get(place)?;
        }
        Ok(values)
    }
    let contents = Source::open(path)?.read(|conn| {
        Ok::<_, conclave_db::DbError>((conn.query_row(RUNS, [], row)?, conn.query_row(OUTPUTS, [], row)?))
    })?;
    Ok(contents)
}

/// A legacy file as the original makes it: three agents answer each of six stages of a run.
pub(super) fn legacy(artifacts: u64) -> String {
    format!(
        "CREATE TABLE consensus_artifacts(
           id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
           agent_name TEXT NOT NULL, content_json TEXT NOT NULL, response_text TEXT, run_id TEXT,
           created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
         CREATE INDEX idx_spec_stage ON consensus_artifacts(spec_id, stage);
         CREATE TABLE consensus_synthesis(
           id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
           output_markdown TEXT NOT NULL, output_path TEXT, status TEXT NOT NULL, artifacts_count INTEGER,
           agreements TEXT, conflicts TEXT, degraded BOOLEAN DEFAULT 0, run_id TEXT,
           created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {artifacts})
         INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, response_text, run_id, created_at)
         SELECT printf('SPEC-KIT-%04d', i / 18 % 1000),
           CASE i / 3 % 6 WHEN 0 THEN 'spec-plan' WHEN 1 THEN 'spec-tasks' WHEN 2 THEN 'spec-implement'
             WHEN 3 THEN 'spec-validate' WHEN 4 THEN 'spec-audit' ELSE 'spec-unlock' END,
           CASE i % 3 WHEN 0 THEN 'claude' WHEN 1 THEN 'gemini' ELSE 'gpt_pro' END,
           '{{\"agent\":\"' || (i % 3) || '\",\"model\":\"model-' || (i % 7) || '\",\"findings\":[{{\"text\":\"' ||
             hex(randomblob(450)) || '\"}}],\"row\":' || i || '}}',
           hex(randomblob(100)),
           printf('run_SPEC-KIT-%04d_%d_%08x', i / 18 % 1000, 1762000000 + i / 18, i / 18),
           datetime(1762000000 + i, 'unixepoch')
         FROM n;"
    )
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
