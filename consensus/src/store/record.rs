//! Rows that come about here, each written by whoever holds the write lock.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::{canonical, runs};
use crate::canonical::{run_key, stage};
use crate::error::{ConsensusError, Result};
use crate::record::{
    CompletionRecord, OutputRecord, RecordedOutput, RunRecord, SpawnRecord, SynthesisRecord,
};
use crate::runs::RunId;

/// Finds the run's row and updates it, or makes it. An upsert would use up a number each time.
pub(crate) fn run(tx: &WriteTx<'_>, run: &RunRecord) -> Result<RunId> {
    let key = run_key(Some(run.run_id.as_bytes()), conclave_db::sql::ValueRef::Null);
    let key = String::from_utf8_lossy(&key).into_owned();
    let at = run.at.unwrap_or_else(|| tx.now_ms());
    let status = run.status.map(crate::runs::RunStatus::as_str);
    let known = tx.query_optional(
        "UPDATE consensus_runs SET updated_at = ifnull(max(updated_at, ?4), ?4), origin = 'conclave',
           run_timestamp = ifnull(run_timestamp, ?4), started_at = ifnull(started_at, ?4),
           status = ifnull(?5, status), consensus_ok = ifnull(?6, consensus_ok),
           degraded = ifnull(?7, degraded), synthesis_json = ifnull(?8, synthesis_json)
         WHERE run_key = ?1 AND spec_id = ?2 AND stage = ?3 RETURNING id",
        params![
            key,
            run.spec,
            stage(&run.stage),
            at,
            status,
            run.consensus_ok,
            run.degraded,
            run.synthesis_json
        ],
        |row| row.get(0),
    )?;
    if let Some(id) = known {
        return Ok(RunId(id));
    }
    Ok(RunId(tx.query_row(
        "INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at, status,
           consensus_ok, degraded, synthesis_json, origin)
         VALUES(?1, ?2, ?3, ?4, ?4, ?4, ifnull(?5, 'unknown'), ?6, ?7, ?8, 'conclave') RETURNING id",
        params![
            key,
            run.spec,
            stage(&run.stage),
            at,
            status,
            run.consensus_ok,
            run.degraded,
            run.synthesis_json
        ],
        |row| row.get(0),
    )?))
}

pub(crate) fn output(tx: &WriteTx<'_>, output: &OutputRecord) -> Result<RecordedOutput> {
    refuse_unknown(tx, output.run)?;
    let at = output.at.unwrap_or_else(|| tx.now_ms());
    let utf8 = std::str::from_utf8(&output.content).is_ok();
    let recorded = tx.query_row(
        &format!(
            "INSERT INTO agent_outputs(run_id, agent_name, attempt, sequence, content, response_text,
               output_timestamp, valid_json, model_version)
             SELECT ?1, ?2, ?3, 1 + ifnull((SELECT max(o.sequence) FROM agent_outputs o
                 WHERE o.run_id = ?1 AND o.agent_name = ?2 AND o.attempt = ?3), 0),
               c, CAST(?5 AS TEXT), ?6, valid, {}
             FROM (SELECT c, ?7 AND json_valid(c) AS valid FROM (SELECT CAST(?4 AS TEXT) AS c))
             RETURNING id, sequence, valid_json",
            canonical::model_version("c", "valid")
        ),
        params![output.run.0, output.agent, output.attempt, output.content, output.response, at, utf8],
        |row| Ok(RecordedOutput { id: row.get(0)?, sequence: row.get(1)?, valid_json: row.get(2)? }),
    )?;
    touch(tx, output.run, at)?;
    Ok(recorded)
}

pub(crate) fn synthesis(tx: &WriteTx<'_>, run: RunId, synthesis: &SynthesisRecord) -> Result<i64> {
    refuse_unknown(tx, run)?;
    let at = synthesis.at.unwrap_or_else(|| tx.now_ms());
    let id = tx.query_row(
        "INSERT INTO run_syntheses(run_id, output_markdown, output_path, status, artifacts_count, agreements,
           conflicts, degraded, created_at) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id",
        params![
            run.0,
            synthesis.output_markdown,
            synthesis.output_path,
            synthesis.status,
            synthesis.artifacts_count,
            synthesis.agreements,
            synthesis.conflicts,
            synthesis.degraded,
            at
        ],
        |row| row.get::<_, i64>(0),
    )?;
    let claim = runs::claim();
    tx.execute(
        &format!(
            "UPDATE consensus_runs SET {claim} FROM run_syntheses y
             WHERE consensus_runs.id = ?1 AND y.id = ?2"
        ),
        params![run.0, id],
    )?;
    touch(tx, run, at)?;
    Ok(id)
}

pub(crate) fn spawn(tx: &WriteTx<'_>, spawn: &SpawnRecord) -> Result<()> {
    refuse_unknown(tx, spawn.run)?;
    let at = spawn.at.unwrap_or_else(|| tx.now_ms());
    let other_run = tx.query_optional(
        "SELECT run_id FROM run_attempts WHERE agent_id = ?1 AND run_id <> ?2",
        params![spawn.agent_id, spawn.run.0],
        |row| row.get::<_, i64>(0),
    )?;
    if let Some(other) = other_run {
        let id = &spawn.agent_id;
        return Err(ConsensusError::Invalid(format!("agent id {id:?} belongs to run {other}")));
    }
    tx.execute(
        "INSERT INTO run_attempts(agent_id, run_id, agent_name, attempt, phase_type, spawned_at, state)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, 'spawned')
         ON CONFLICT(agent_id) DO UPDATE SET agent_name = excluded.agent_name, attempt = excluded.attempt,
           phase_type = excluded.phase_type, spawned_at = excluded.spawned_at
         WHERE completed_at IS NULL AND state = 'spawned'",
        params![spawn.agent_id, spawn.run.0, spawn.agent, spawn.attempt, spawn.phase_type, at],
    )?;
    touch(tx, spawn.run, at)
}

pub(crate) fn completion(tx: &WriteTx<'_>, completion: &CompletionRecord) -> Result<bool> {
    let at = completion.at.unwrap_or_else(|| tx.now_ms());
    let run = tx.query_optional(
        "UPDATE run_attempts SET completed_at = ?2, response_text = CAST(?3 AS TEXT), extraction_error = ?4,
           exit_code = ?5, signal = ?6,
           state = CASE WHEN ?4 IS NULL THEN 'completed' ELSE 'failed' END
         WHERE agent_id = ?1 AND completed_at IS NULL RETURNING run_id",
        params![
            completion.agent_id,
            at,
            completion.response,
            completion.extraction_error,
            completion.exit_code,
            completion.signal
        ],
        |row| row.get(0),
    )?;
    if let Some(run) = run {
        touch(tx, RunId(run), at)?;
        return Ok(true);
    }
    let known = "SELECT EXISTS (SELECT 1 FROM run_attempts WHERE agent_id = ?1)";
    if tx.query_row(known, [&completion.agent_id], |row| row.get(0))? {
        return Ok(false);
    }
    Err(ConsensusError::NotFound { what: "attempt", name: completion.agent_id.clone() })
}

/// A run's rows moved on.
fn touch(tx: &WriteTx<'_>, run: RunId, at: i64) -> Result<()> {
    tx.execute(
        "UPDATE consensus_runs SET updated_at = ?2 WHERE id = ?1 AND ?2 > ifnull(updated_at, ?2 - 1)",
        params![run.0, at],
    )?;
    Ok(())
}

fn refuse_unknown(conn: &ReadConn<'_>, run: RunId) -> Result<()> {
    let known = "SELECT EXISTS (SELECT 1 FROM consensus_runs WHERE id = ?1)";
    if conn.query_row(known, [run.0], |row| row.get(0))? {
        return Ok(());
    }
    Err(ConsensusError::NotFound { what: "run", name: run.to_string() })
}
