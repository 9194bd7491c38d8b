//! Runs and what hangs on them, read by keyset.
//!
//! Text columns may hold bytes that are no UTF-8: they are read as bytes and replaced for display, never refused.

use conclave_db::ReadConn;
use conclave_db::sql::{Error, Row, ToSql, ValueRef, params, params_from_iter};

use crate::canonical;
use crate::error::Result;
use crate::runs::{
    AttemptDetail, OutputContent, OutputDetail, RunCursor, RunFilter, RunId, RunStatus, RunSummary,
};

/// The columns of a summary over a run `r`. Its start is the time that lists are ordered by and pages go on from.
const SUMMARY: &str = "r.id, r.run_key, r.spec_id, r.stage, r.status, r.consensus_ok, r.degraded,
  (SELECT y.status FROM run_syntheses y WHERE y.run_id = r.id ORDER BY y.id DESC LIMIT 1),
  r.run_timestamp, r.updated_at, (SELECT i.path FROM import_sources i WHERE i.id = r.source_id),
  (SELECT count(*) FROM agent_outputs o WHERE o.run_id = r.id)";

type Column<T> = std::result::Result<T, Error>;

/// A text column as text, whatever its bytes.
fn text(row: &Row<'_>, index: usize) -> Column<String> {
    Ok(optional_text(row, index)?.unwrap_or_default())
}

fn optional_text(row: &Row<'_>, index: usize) -> Column<Option<String>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
    })
}

fn bytes(row: &Row<'_>, index: usize) -> Column<Option<Vec<u8>>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        _ => None,
    })
}

fn summary(row: &Row<'_>) -> Column<RunSummary> {
    Ok(RunSummary {
        id: RunId(row.get(0)?),
        run_key: text(row, 1)?,
        spec: text(row, 2)?,
        stage: text(row, 3)?,
        status: RunStatus::parse(&text(row, 4)?).unwrap_or(RunStatus::Unknown),
        consensus_ok: row.get(5)?,
        degraded: row.get(6)?,
        recorded: optional_text(row, 7)?,
        started_at: row.get(8)?,
        updated_at: row.get(9)?,
        source: optional_text(row, 10)?,
        output_count: row.get(11)?,
        agents: Vec::new(),
    })
}

/// The conditions of a filter, and their values.
fn conditions(filter: &RunFilter) -> (Vec<&'static str>, Vec<Box<dyn ToSql>>) {
    let mut conditions = Vec::new();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    if let Some(spec) = &filter.spec {
        conditions.push("r.spec_id = ?");
        values.push(Box::new(spec.clone()));
    }
    if let Some(stage) = &filter.stage {
        conditions.push("r.stage = ?");
        values.push(Box::new(canonical::stage(stage).to_owned()));
    }
    if let Some(status) = filter.status {
        conditions.push("r.status = ?");
        values.push(Box::new(status.as_str()));
    }
    (conditions, values)
}

/// A page of runs, newest first; those without a known time come last.
pub(crate) fn list(
    conn: &ReadConn<'_>,
    filter: &RunFilter,
    cursor: Option<&RunCursor>,
    limit: Option<usize>,
) -> Result<Vec<RunSummary>> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut runs = Vec::new();
    if cursor.is_none_or(|cursor| cursor.started_at.is_some()) {
        let at = cursor.and_then(|cursor| cursor.started_at.map(|at| (at, cursor.id.0)));
        runs = part(conn, filter, "r.run_timestamp IS NOT NULL", at, limit)?;
    }
    if runs.len() < limit {
        let after = cursor.filter(|cursor| cursor.started_at.is_none()).map(|cursor| (0, cursor.id.0));
        runs.extend(part(conn, filter, "r.run_timestamp IS NULL", after, limit - runs.len())?);
    }
    for run in &mut runs {
        run.agents = agents(conn, run.id)?;
    }
    Ok(runs)
}

/// The part of a list whose times are known, or the one whose are not: each is a range of the time's index.
fn part(
    conn: &ReadConn<'_>,
    filter: &RunFilter,
    which: &'static str,
    after: Option<(i64, i64)>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    let (mut conditions, mut values) = conditions(filter);
    conditions.push(which);
    if let Some((at, id)) = after {
        if which.ends_with("NOT NULL") {
            conditions.push("(r.run_timestamp, r.id) < (?, ?)");
            values.push(Box::new(at));
        } else {
            conditions.push("r.id < ?");
        }
        values.push(Box::new(id));
    }
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let query = format!(
        "SELECT {SUMMARY} FROM consensus_runs r WHERE {}
         ORDER BY r.run_timestamp DESC, r.id DESC LIMIT ?",
        conditions.join(" AND ")
    );
    Ok(conn.query_all(&query, params_from_iter(values), summary)?)
}

pub(crate) fn count(conn: &ReadConn<'_>, filter: &RunFilter) -> Result<u64> {
    let (conditions, values) = conditions(filter);
    let mut query = "SELECT count(*) FROM consensus_runs r".to_owned();
    if !conditions.is_empty() {
        query = format!("{query} WHERE {}", conditions.join(" AND "));
    }
    Ok(conn.query_row(&query, params_from_iter(values), |row| row.get(0))?)
}

/// Everyone who answered or was started.
fn agents(conn: &ReadConn<'_>, id: RunId) -> Result<Vec<String>> {
    let query = "SELECT agent_name FROM agent_outputs WHERE run_id = ?1
      UNION SELECT agent_name FROM run_attempts WHERE run_id = ?1 ORDER BY 1";
    Ok(conn.query_all(query, [id.0], |row| text(row, 0))?)
}

pub(crate) fn one(conn: &ReadConn<'_>, id: RunId) -> Result<Option<RunSummary>> {
    let query = format!("SELECT {SUMMARY} FROM consensus_runs r WHERE r.id = ?1");
    let Some(mut run) = conn.query_optional(&query, [id.0], summary)? else { return Ok(None) };
    run.agents = agents(conn, id)?;
    Ok(Some(run))
}

/// Runs whose key is, or begins with, these characters; of one stage where one is given. Newest first.
pub(crate) fn by_key(
    conn: &ReadConn<'_>,
    key: &str,
    exact: bool,
    stage: Option<&str>,
    limit: usize,
) -> Result<Vec<RunSummary>> {
    // The range uses the index of the key; its end is the key followed by the greatest character.
    let condition = if exact {
        "r.run_key = ?1"
    } else {
        "r.run_key >= ?1 AND r.run_key < ?1 || char(1114111) AND substr(r.run_key, 1, length(?1)) = ?1"
    };
    let query = format!(
        "SELECT {SUMMARY} FROM consensus_runs r WHERE {condition} AND (?2 IS NULL OR r.stage = ?2)
         ORDER BY r.run_timestamp DESC, r.id DESC LIMIT ?3"
    );
    let stage = stage.map(canonical::stage);
    let mut runs = conn.query_all(&query, params![key, stage, limit], summary)?;
    for run in &mut runs {
        run.agents = agents(conn, run.id)?;
    }
    Ok(runs)
}

/// The outputs of a run by time, then by arrival.
pub(crate) fn outputs(conn: &ReadConn<'_>, id: RunId) -> Result<Vec<OutputDetail>> {
    let query = "SELECT id, agent_name, model_version, attempt, sequence, state, octet_length(content),
        valid_json, content, response_text, output_timestamp
      FROM agent_outputs WHERE run_id = ?1
      ORDER BY output_timestamp IS NULL, output_timestamp, legacy_id IS NULL, legacy_id, id";
    Ok(conn.query_all(query, [id.0], |row| {
        Ok(OutputDetail {
            id: row.get(0)?,
            agent: text(row, 1)?,
            model_version: optional_text(row, 2)?,
            attempt: row.get(3)?,
            sequence: row.get(4)?,
            state: text(row, 5)?,
            bytes: row.get(6)?,
            valid_json: row.get(7)?,
            content: text(row, 8)?,
            response_text: optional_text(row, 9)?,
            completed_at: row.get(10)?,
        })
    })?)
}

pub(crate) fn attempts(conn: &ReadConn<'_>, id: RunId) -> Result<Vec<AttemptDetail>> {
    let query =
        "SELECT agent_id, agent_name, attempt, phase_type, state, spawned_at, completed_at, exit_code,
        signal, extraction_error, response_text
      FROM run_attempts WHERE run_id = ?1 ORDER BY spawned_at IS NULL, spawned_at, id";
    Ok(conn.query_all(query, [id.0], |row| {
        Ok(AttemptDetail {
            agent_id: text(row, 0)?,
            agent: text(row, 1)?,
            attempt: row.get(2)?,
            phase_type: optional_text(row, 3)?,
            state: text(row, 4)?,
            spawned_at: row.get(5)?,
            completed_at: row.get(6)?,
            exit_code: row.get(7)?,
            signal: row.get(8)?,
            extraction_error: optional_text(row, 9)?,
            response_text: optional_text(row, 10)?,
        })
    })?)
}

/// The synthesis of a run as stored.
pub(crate) fn synthesis(conn: &ReadConn<'_>, id: RunId) -> Result<Option<String>> {
    let query = "SELECT synthesis_json FROM consensus_runs WHERE id = ?1";
    Ok(conn.query_optional(query, [id.0], |row| optional_text(row, 0))?.flatten())
}

/// The newest synthesis of the runs of a spec and stage.
pub(crate) fn latest_synthesis(
    conn: &ReadConn<'_>,
    spec: &str,
    stage: &str,
) -> Result<Option<(RunId, String)>> {
    let query = "SELECT id, synthesis_json FROM consensus_runs
      WHERE spec_id = ?1 AND stage = ?2 AND synthesis_json IS NOT NULL
      ORDER BY run_timestamp DESC, id DESC LIMIT 1";
    Ok(conn.query_optional(query, params![spec, canonical::stage(stage)], |row| {
        Ok((RunId(row.get(0)?), text(row, 1)?))
    })?)
}

/// One output's bytes: of the attempt and sequence asked for, else the newest of the agent.
pub(crate) fn output(
    conn: &ReadConn<'_>,
    id: RunId,
    agent: &[u8],
    attempt: Option<i64>,
    sequence: Option<i64>,
) -> Result<Option<OutputContent>> {
    let query = "SELECT id, agent_name, attempt, sequence, valid_json, content, response_text
      FROM agent_outputs WHERE run_id = ?1 AND CAST(agent_name AS BLOB) = ?2
        AND (?3 IS NULL OR attempt = ?3) AND (?4 IS NULL OR sequence = ?4)
      ORDER BY attempt DESC, sequence DESC LIMIT 1";
    Ok(conn.query_optional(query, params![id.0, agent, attempt, sequence], |row| {
        Ok(OutputContent {
            id: row.get(0)?,
            agent: text(row, 1)?,
            attempt: row.get(2)?,
            sequence: row.get(3)?,
            valid_json: row.get(4)?,
            content: bytes(row, 5)?.unwrap_or_default(),
            response: bytes(row, 6)?,
        })
    })?)
}
