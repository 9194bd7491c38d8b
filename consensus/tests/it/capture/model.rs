//! What the new tables must hold, worked out from the legacy tables alone and without SQL.

use std::collections::{BTreeMap, BTreeSet};

use conclave_consensus::canonical;
use conclave_db::sql::{Row, Value, ValueRef};
use conclave_db::{DbError, ReadConn};

/// A value as stored, with text as bytes.
#[derive(Clone, PartialEq)]
pub(crate) enum Stored {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("NULL"),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Real(number) => write!(formatter, "{number:?}"),
            Self::Text(bytes) | Self::Blob(bytes) => {
                let kind = if matches!(self, Self::Blob(_)) { "x" } else { "" };
                let start = &bytes[..bytes.len().min(24)];
                write!(formatter, "{kind}'{}'{}", start.escape_ascii(), bytes.len())
            }
        }
    }
}

impl Stored {
    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(number) => Self::Real(number),
            ValueRef::Text(bytes) => Self::Text(bytes.to_vec()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    fn value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }

    /// As `CAST(… AS TEXT)`, for columns with text affinity: what is no text there is a blob or NULL.
    fn text(&self) -> Self {
        match self {
            Self::Blob(bytes) => Self::Text(bytes.clone()),
            other => other.clone(),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) | Self::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// (run key, spec, stage).
type RunKey = (Vec<u8>, Vec<u8>, Vec<u8>);

/// A row of the new tables, as far as a legacy row says what it holds: its key, its run and its fields.
type Mirrored = BTreeMap<Vec<u8>, (RunKey, Vec<Stored>)>;

/// The times and the claim of a run.
type Run = (Option<i64>, Option<i64>, Option<(Stored, Stored)>);

/// Both sides: what is there, and what should be.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sides {
    artifacts: Mirrored,
    syntheses: Mirrored,
    executions: Mirrored,
    runs: BTreeMap<RunKey, Run>,
    pending: BTreeSet<(Vec<u8>, i64)>,
}

struct LegacyRow {
    key: Stored,
    rowid: i64,
    spec: Stored,
    stage: Stored,
    run_id: Stored,
    time: Stored,
    fields: Vec<Stored>,
}

fn key_bytes(key: &Stored) -> Vec<u8> {
    match key {
        Stored::Integer(number) => number.to_string().into_bytes(),
        other => other.bytes().unwrap_or_default().to_vec(),
    }
}

fn all<T>(
    conn: &ReadConn<'_>,
    query: &str,
    map: impl Fn(&Row<'_>) -> Result<T, conclave_db::sql::Error>,
) -> Vec<T> {
    conn.query_all(query, [], map).unwrap()
}

fn stored(row: &Row<'_>, index: usize) -> Stored {
    Stored::of(row.get_ref(index).unwrap())
}

fn stored_from(row: &Row<'_>, from: usize) -> Vec<Stored> {
    (from..row.as_ref().column_count()).map(|index| stored(row, index)).collect()
}

fn legacy(conn: &ReadConn<'_>, query: &str) -> Vec<LegacyRow> {
    all(conn, query, |row| {
        Ok(LegacyRow {
            key: stored(row, 0),
            rowid: row.get(1)?,
            spec: stored(row, 2),
            stage: stored(row, 3),
            run_id: stored(row, 4),
            time: stored(row, 5),
            fields: stored_from(row, 6),
        })
    })
}

fn run_of(row: &LegacyRow) -> RunKey {
    let key = canonical::run_key(row.run_id.bytes(), row.time.value());
    let stage = row.stage.bytes().unwrap();
    let stage = std::str::from_utf8(stage).map_or(stage, |text| canonical::stage(text).as_bytes());
    (key, row.spec.bytes().unwrap().to_vec(), stage.to_vec())
}

fn ms(value: &Stored) -> Stored {
    canonical::time_ms(value.value()).map_or(Stored::Null, Stored::Integer)
}

fn extend(run: &mut Run, at: &Stored, until: &Stored) {
    if let Stored::Integer(at) = at {
        run.0 = Some(run.0.map_or(*at, |before| before.min(*at)));
    }
    let latest = [at, until].into_iter().filter_map(|time| match time {
        Stored::Integer(time) => Some(*time),
        _ => None,
    });
    run.1 = latest.chain(run.1).max();
}

const ARTIFACTS: &str = "SELECT id, id, spec_id, stage, run_id, created_at, agent_name, content_json,
  response_text FROM consensus_artifacts";
const SYNTHESES: &str =
    "SELECT id, id, spec_id, stage, run_id, created_at, output_markdown, output_path, status,
  agreements, conflicts, artifacts_count, degraded FROM consensus_synthesis";
const EXECUTIONS: &str = "SELECT agent_id, rowid, spec_id, stage, run_id, spawned_at, agent_name, phase_type,
  response_text, extraction_error, completed_at FROM agent_executions";

/// What should be there.
pub(crate) fn wanted(conn: &ReadConn<'_>) -> Sides {
    let mut sides = Sides::default();
    for row in legacy(conn, ARTIFACTS) {
        let run = run_of(&row);
        let at = ms(&row.time);
        extend(sides.runs.entry(run.clone()).or_default(), &at, &at);
        let mut fields: Vec<Stored> = row.fields.iter().map(Stored::text).collect();
        fields.extend([at, row.stage, row.run_id, row.time]);
        sides.artifacts.insert(key_bytes(&row.key), (run, fields));
    }
    for row in legacy(conn, SYNTHESES) {
        let run = run_of(&row);
        let at = ms(&row.time);
        extend(sides.runs.entry(run.clone()).or_default(), &at, &at);
        let (texts, others) = row.fields.split_at(5);
        let mut fields: Vec<Stored> = texts.iter().map(Stored::text).collect();
        fields.extend(others.iter().cloned());
        fields.extend([at, row.stage, row.run_id, row.time]);
        sides.syntheses.insert(key_bytes(&row.key), (run, fields));
    }
    for row in legacy(conn, EXECUTIONS) {
        if !matches!(row.key, Stored::Text(_)) {
            sides.pending.insert((b"agent_executions".to_vec(), row.rowid));
            continue;
        }
        let run = run_of(&row);
        let (at, until) = (ms(&row.time), ms(&row.fields[4]));
        extend(sides.runs.entry(run.clone()).or_default(), &at, &until);
        let mut fields: Vec<Stored> = row.fields[..4].iter().map(Stored::text).collect();
        fields.extend([at, until, row.stage, row.run_id, row.time, row.fields[4].clone()]);
        sides.executions.insert(key_bytes(&row.key), (run, fields));
    }
    // The newest synthesis is the one that came last, which only the new table's ids tell.
    let newest = "SELECT r.run_key, r.spec_id, r.stage, y.status, y.degraded FROM run_syntheses y
      JOIN consensus_runs r ON r.id = y.run_id ORDER BY y.id";
    for (run, status, degraded) in
        all(conn, newest, |row| Ok((run_key(row, 0), stored(row, 3), stored(row, 4))))
    {
        if let Some(run) = sides.runs.get_mut(&run) {
            run.2 = Some((status, degraded));
        }
    }
    sides
}

fn run_key(row: &Row<'_>, from: usize) -> RunKey {
    let bytes = |index| stored(row, from + index).bytes().unwrap_or_default().to_vec();
    (bytes(0), bytes(1), bytes(2))
}

fn mirrored(conn: &ReadConn<'_>, fields: &str, from: &str) -> Mirrored {
    let query = format!("SELECT {fields} FROM {from} JOIN consensus_runs r ON r.id = o.run_id");
    let rows =
        all(conn, &query, |row| Ok((key_bytes(&stored(row, 0)), (run_key(row, 1), stored_from(row, 4)))));
    let count = rows.len();
    let map: Mirrored = rows.into_iter().collect();
    assert_eq!(map.len(), count, "a legacy row is mirrored twice");
    map
}

/// What is there.
pub(crate) fn found(conn: &ReadConn<'_>) -> Sides {
    let runs = all(
        conn,
        "SELECT run_key, spec_id, stage, run_timestamp, updated_at, status, degraded, consensus_ok,
           synthesis_json ->> '$.status', started_at, synthesis_json IS NULL
         FROM consensus_runs WHERE origin = 'legacy'",
        |row| {
            let (at, until): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(4)?);
            assert_eq!(row.get::<_, Option<i64>>(9)?, at);
            let status: String = row.get(5)?;
            let ok: Option<bool> = row.get(7)?;
            let claimed = match status.as_str() {
                "ok" => Some(true),
                "unknown" => None,
                _ => Some(false),
            };
            assert_eq!(ok, claimed, "{status}");
            let claim = if row.get::<_, bool>(10)? { None } else { Some((stored(row, 8), stored(row, 6))) };
            Ok((run_key(row, 0), (at, until, claim)))
        },
    );
    Sides {
        artifacts: mirrored(
            conn,
            "o.legacy_id, r.run_key, r.spec_id, r.stage, o.agent_name, o.content, o.response_text,
             o.output_timestamp, o.legacy_stage, o.legacy_run_id, o.legacy_created_at",
            "agent_outputs o",
        ),
        syntheses: mirrored(
            conn,
            "o.legacy_id, r.run_key, r.spec_id, r.stage, o.output_markdown, o.output_path, o.status,
             o.agreements, o.conflicts, o.artifacts_count, o.degraded, o.created_at, o.legacy_stage,
             o.legacy_run_id, o.legacy_created_at",
            "run_syntheses o",
        ),
        executions: mirrored(
            conn,
            "o.agent_id, r.run_key, r.spec_id, r.stage, o.agent_name, o.phase_type, o.response_text,
             o.extraction_error, o.spawned_at, o.completed_at, o.legacy_stage, o.legacy_run_id,
             o.legacy_spawned_at, o.legacy_completed_at",
            "run_attempts o",
        ),
        runs: runs.into_iter().collect(),
        pending: all(conn, "SELECT legacy_table, legacy_rowid FROM migration_pending", |row| {
            Ok((stored(row, 0).bytes().unwrap().to_vec(), row.get(1)?))
        })
        .into_iter()
        .collect(),
    }
}

impl Sides {
    /// Says which part differs first.
    pub(crate) fn assert_is(&self, wanted: &Self, after: &str) {
        for (name, found, wanted) in [
            ("artifacts", &self.artifacts, &wanted.artifacts),
            ("syntheses", &self.syntheses, &wanted.syntheses),
            ("executions", &self.executions, &wanted.executions),
        ] {
            for key in found.keys().chain(wanted.keys()) {
                assert_eq!(found.get(key), wanted.get(key), "{name} {} after {after}", key.escape_ascii());
            }
        }
        for run in self.runs.keys().chain(wanted.runs.keys()) {
            assert_eq!(self.runs.get(run), wanted.runs.get(run), "run {run:?} after {after}");
        }
        assert_eq!(self.pending, wanted.pending, "pending after {after}");
    }

    /// What a run's claim becomes in its own columns.
    pub(crate) fn with_claims_as_stored(mut self) -> Self {
        for run in self.runs.values_mut() {
            if let Some((_, degraded)) = &mut run.2
                && !matches!(degraded, Stored::Integer(0 | 1))
            {
                *degraded = Stored::Null;
            }
        }
        self
    }
}

/// Nothing is left of the triggers' own work.
pub(crate) fn assert_no_traces(conn: &ReadConn<'_>) -> Result<(), DbError> {
    for table in ["capture_row", "capture_runs", "capture_off"] {
        let query = &format!("SELECT count(*) FROM {table}");
        assert_eq!(conn.query_row(query, [], |row| row.get::<_, i64>(0))?, 0, "{query}");
    }
    let dangling: Vec<Value> = conn.query_all("PRAGMA foreign_key_check", [], |row| row.get(0))?;
    assert!(dangling.is_empty(), "{dangling:?}");
    Ok(())
}
