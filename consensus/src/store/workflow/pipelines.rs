//! Specs on their way through the stages.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Row, ValueRef, params};
use conclave_db::{ReadConn, WriteTx};

use super::gates;
use crate::error::{ConsensusError, Result};
use crate::gates::GateState;
use crate::runs::{RunId, RunStatus};
use crate::workflow::{Earlier, Owner, PipelineId, PipelineState, Settled};

/// A pipeline as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: PipelineId,
    pub(crate) run_key: String,
    pub(crate) spec: String,
    /// What was asked for, as JSON.
    pub(crate) request: String,
    pub(crate) actor: String,
    pub(crate) state: PipelineState,
    pub(crate) reason: Option<String>,
    pub(crate) owner: Owner,
    pub(crate) started_at: i64,
    pub(crate) ended_at: Option<i64>,
}

const SELECT: &str = "SELECT id, run_key, spec_id, request, actor, state, reason, owner, started_at, ended_at
  FROM pipelines";

fn stored(row: &Row<'_>) -> Result<Stored, conclave_db::sql::Error> {
    Ok(Stored {
        id: PipelineId(row.get(0)?),
        run_key: row.get(1)?,
        spec: row.get(2)?,
        request: row.get(3)?,
        actor: row.get(4)?,
        // The table allows no other word.
        state: PipelineState::parse(&row.get::<_, String>(5)?).unwrap_or(PipelineState::Halted),
        reason: row.get(6)?,
        owner: Owner::stored(row.get::<_, Option<String>>(7)?.as_deref()),
        started_at: row.get(8)?,
        ended_at: row.get(9)?,
    })
}

/// One pipeline.
pub(crate) fn find(conn: &ReadConn<'_>, id: PipelineId) -> Result<Option<Stored>> {
    Ok(conn.query_optional(&format!("{SELECT} WHERE id = ?1"), [id.0], stored)?)
}

/// The one whose step a run is.
pub(crate) fn of_run(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Stored>> {
    let query = format!(
        "{SELECT} WHERE (run_key, spec_id) = (SELECT run_key, spec_id FROM consensus_runs WHERE id = ?1)"
    );
    Ok(conn.query_optional(&query, [run.0], stored)?)
}

/// Those that have not ended, oldest first.
pub(crate) fn unfinished(conn: &ReadConn<'_>) -> Result<Vec<Stored>> {
    Ok(conn.query_all(&format!("{SELECT} WHERE ended_at IS NULL ORDER BY id"), [], stored)?)
}

/// The one of a spec that has not ended.
pub(crate) fn unfinished_of(conn: &ReadConn<'_>, spec: &str) -> Result<Option<Stored>> {
    Ok(conn.query_optional(&format!("{SELECT} WHERE spec_id = ?1 AND ended_at IS NULL"), [spec], stored)?)
}

/// The newest of a spec, however it stands.
pub(crate) fn newest_of(conn: &ReadConn<'_>, spec: &str) -> Result<Option<Stored>> {
    let query = format!("{SELECT} WHERE spec_id = ?1 ORDER BY id DESC LIMIT 1");
    Ok(conn.query_optional(&query, [spec], stored)?)
}

/// Makes the row of a pipeline that nobody drives yet.
pub(crate) fn insert(
    tx: &WriteTx<'_>,
    run_key: &str,
    spec: &str,
    request: &str,
    actor: &str,
) -> Result<PipelineId> {
    let statement = "INSERT INTO pipelines(run_key, spec_id, request, actor, state, started_at)
      VALUES(?1, ?2, ?3, ?4, 'running', ?5) RETURNING id";
    let row = params![run_key, spec, request, actor, tx.now_ms()];
    Ok(PipelineId(tx.query_row(statement, row, |row| row.get(0))?))
}

/// What came of taking a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is ours.
    Ours,
    /// Somebody else has it.
    Refused(Owner),
    /// It has ended.
    Ended,
}

/// Takes a pipeline that nobody alive drives; it runs then.
pub(crate) fn take(tx: &WriteTx<'_>, id: PipelineId, me: &ProcessIdentity) -> Result<Taken> {
    let Some(found) = find(tx, id)? else {
        return Err(ConsensusError::NotFound { what: "pipeline", name: id.to_string() });
    };
    if found.ended_at.is_some() {
        return Ok(Taken::Ended);
    }
    if !found.owner.may_take() {
        return Ok(Taken::Refused(found.owner));
    }
    tx.execute(
        "UPDATE pipelines SET owner = ?2, state = 'running', reason = NULL WHERE id = ?1",
        params![id.0, serde_json::json!(me).to_string()],
    )?;
    Ok(Taken::Ours)
}

/// The pipeline comes to rest in this state, and nobody drives it. One that has ended stays as it is.
pub(crate) fn rest(
    tx: &WriteTx<'_>,
    id: PipelineId,
    state: PipelineState,
    reason: Option<&str>,
) -> Result<()> {
    let ended = (!state.is_unfinished()).then(|| tx.now_ms());
    tx.execute(
        "UPDATE pipelines SET state = ?2, reason = ?3, ended_at = ?4, owner = NULL
         WHERE id = ?1 AND ended_at IS NULL",
        params![id.0, state.as_str(), reason, ended],
    )?;
    Ok(())
}

/// The run of a step, if it was begun.
pub(crate) fn run_of(conn: &ReadConn<'_>, run_key: &str, spec: &str, step: &str) -> Result<Option<RunId>> {
    let query = "SELECT id FROM consensus_runs WHERE run_key = ?1 AND spec_id = ?2 AND stage = ?3";
    Ok(conn.query_optional(query, params![run_key, spec, step], |row| Ok(RunId(row.get(0)?)))?)
}

/// What is known of the run of a step: its status, and what became of it as a gate.
pub(crate) fn outcome(conn: &ReadConn<'_>, run: RunId) -> Result<(Option<RunStatus>, Option<GateState>)> {
    let query = "SELECT status FROM consensus_runs WHERE id = ?1";
    let status = conn.query_optional(query, [run.0], |row| row.get::<_, String>(0))?;
    Ok((status.and_then(|word| RunStatus::parse(&word)), gates::of_run(conn, run)?.map(|gate| gate.state)))
}

/// The newest run of the spec that has brought something for later steps: the synthesis of a stage, or what became
/// of a gate.
pub(crate) fn newest(conn: &ReadConn<'_>, spec: &str, step: &str) -> Result<Option<RunId>> {
    let query = "SELECT r.id FROM consensus_runs r WHERE r.spec_id = ?1 AND r.stage = ?2
        AND (r.synthesis_json IS NOT NULL OR EXISTS (SELECT 1 FROM gate_results g WHERE g.run_id = r.id))
        AND NOT EXISTS (SELECT 1 FROM run_settings s WHERE s.run_id = r.id AND s.ended_at IS NULL)
      ORDER BY r.started_at DESC, r.id DESC LIMIT 1";
    Ok(conn.query_optional(query, params![spec, step], |row| Ok(RunId(row.get(0)?)))?)
}

/// The synthesis of an earlier stage.
pub(crate) fn earlier(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Earlier>> {
    let query = "SELECT stage, status, synthesis_json FROM consensus_runs WHERE id = ?1 AND synthesis_json IS NOT NULL";
    Ok(conn.query_optional(query, [run.0], |row| {
        let synthesis = match row.get_ref(2)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Ok(Earlier { stage: row.get(0)?, status: row.get(1)?, synthesis })
    })?)
}

/// The answered questions of a gate.
pub(crate) fn settled(conn: &ReadConn<'_>, run: RunId) -> Result<Vec<Settled>> {
    let Some(gate) = gates::of_run(conn, run)? else { return Ok(Vec::new()) };
    let answered = gate.issues.into_iter().filter_map(|issue| {
        let answer = issue.answer?;
        Some(Settled {
            gate: gate.gate.clone(),
            question: issue.issue.questions.first().cloned().unwrap_or_default(),
            issue: issue.issue.id,
            answer: answer.text,
            by: answer.by,
        })
    });
    Ok(answered.collect())
}

/// Runs that were begun for pipelines of this spec which have been replaced, and are not closed.
pub(crate) fn left_over(conn: &ReadConn<'_>, spec: &str) -> Result<Vec<RunId>> {
    let query = "SELECT s.run_id FROM run_settings s JOIN consensus_runs r ON r.id = s.run_id
        JOIN pipelines p ON p.run_key = r.run_key AND p.spec_id = r.spec_id
      WHERE s.ended_at IS NULL AND p.spec_id = ?1 AND p.state = 'replaced' ORDER BY s.run_id";
    Ok(conn.query_all(query, [spec], |row| Ok(RunId(row.get(0)?)))?)
}
