//! The issues of gates, and the answers to them.

use conclave_db::sql::{Row, ValueRef, params};
use conclave_db::{ReadConn, WriteTx};

use crate::error::{ConsensusError, Result};
use crate::gates::{
    self, Answered, Decision, Gate, GateAnswer, GateIssue, GateState, Issue, OpenIssue, StoredAnswer,
};
use crate::runs::RunId;

/// Who answers where the agents may.
const AGENTS: &str = "agents";

/// The run of a gate, as far as it decides what became of it.
struct GateRun {
    gate: String,
    quorum: u64,
}

/// Whether a run of this kind and stage is a gate's.
pub(crate) fn is_gate_run(phase_type: &str, stage: &str) -> bool {
    phase_type == "quality_gate" || gates::is_gate(stage)
}

fn gate_run(conn: &ReadConn<'_>, run: RunId) -> Result<GateRun> {
    let query = "SELECT r.stage, s.quorum, s.phase_type, s.run_id IS NOT NULL AND s.ended_at IS NULL
      FROM consensus_runs r LEFT JOIN run_settings s ON s.run_id = r.id WHERE r.id = ?1";
    let found = conn.query_optional(query, [run.0], |row| {
        let gate = gates::gate_name(&row.get::<_, String>(0)?);
        let quorum = row.get::<_, Option<u64>>(1)?.unwrap_or(1);
        Ok((GateRun { gate, quorum }, row.get::<_, Option<String>>(2)?, row.get::<_, bool>(3)?))
    })?;
    let Some((found, phase_type, running)) = found else {
        return Err(ConsensusError::NotFound { what: "run", name: run.to_string() });
    };
    if !is_gate_run(phase_type.as_deref().unwrap_or_default(), &found.gate) {
        return Err(ConsensusError::Invalid(format!("run {run} is no quality gate")));
    }
    if running {
        return Err(ConsensusError::refused(format!("run {run} is not closed yet"), None));
    }
    Ok(found)
}

/// Keeps what the agents of a gate found, and the answers that they may give; what is kept already stays.
pub(crate) fn record(tx: &WriteTx<'_>, run: RunId) -> Result<Gate> {
    if let Some(gate) = of_run(tx, run)? {
        return Ok(gate);
    }
    let of = gate_run(tx, run)?;
    let answers = latest_answers(tx, run)?;
    let answers: Vec<GateAnswer<'_>> = answers
        .iter()
        .map(|answer| GateAnswer {
            agent: &answer.agent,
            family: answer.family.as_deref(),
            content: &answer.content,
        })
        .collect();
    let judged = gates::judge(&of.gate, &answers);
    let failed = gates::failure(judged.payloads as u64, of.quorum);
    let at = tx.now_ms();
    tx.execute(
        "INSERT INTO gate_results(run_id, payloads, failed, rejected, recorded_at) VALUES(?1, ?2, ?3, ?4, ?5)",
        params![run.0, judged.payloads, failed, serde_json::json!(judged.rejected).to_string(), at],
    )?;
    if failed.is_none() {
        for (position, issue) in (1_i64..).zip(&judged.issues) {
            let (answer, by, at) = match &issue.decision {
                Decision::Apply { answer } => (Some(answer), Some(AGENTS), Some(at)),
                Decision::Ask { .. } => (None, None, None),
            };
            tx.execute(
                "INSERT INTO gate_issues(run_id, issue_id, position, issue, answer, answered_by, answered_at)
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![run.0, issue.id, position, serde_json::json!(issue).to_string(), answer, by, at],
            )?;
        }
    }
    of_run(tx, run)?.ok_or_else(|| ConsensusError::NotFound { what: "gate", name: run.to_string() })
}

/// An agent's latest answer.
struct Latest {
    agent: String,
    family: Option<String>,
    content: Vec<u8>,
}

fn latest_answers(conn: &ReadConn<'_>, run: RunId) -> Result<Vec<Latest>> {
    let query = "SELECT CAST(o.agent_name AS BLOB), a.family, o.content FROM agent_outputs o
      LEFT JOIN run_roster a ON a.run_id = o.run_id AND a.agent_name = o.agent_name
      WHERE o.run_id = ?1 AND NOT EXISTS (
        SELECT 1 FROM agent_outputs n WHERE n.run_id = o.run_id AND n.agent_name = o.agent_name
          AND (n.attempt, n.sequence, n.id) > (o.attempt, o.sequence, o.id))
      ORDER BY o.id";
    Ok(conn.query_all(query, [run.0], |row| {
        let bytes = |index| -> Result<Vec<u8>, conclave_db::sql::Error> {
            Ok(match row.get_ref(index)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                _ => Vec::new(),
            })
        };
        let agent = String::from_utf8_lossy(&bytes(0)?).into_owned();
        Ok(Latest { agent, family: row.get(1)?, content: bytes(2)? })
    })?)
}

/// What was kept of the gate of a run.
pub(crate) fn of_run(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Gate>> {
    let query = "SELECT r.spec_id, r.stage, g.payloads, g.failed, g.rejected
      FROM gate_results g JOIN consensus_runs r ON r.id = g.run_id WHERE g.run_id = ?1";
    let found = conn.query_optional(query, [run.0], |row| {
        Ok(Gate {
            run,
            spec: row.get(0)?,
            gate: gates::gate_name(&row.get::<_, String>(1)?),
            state: GateState::Passed,
            reason: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            payloads: row.get(2)?,
            rejected: serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default(),
            issues: Vec::new(),
        })
    })?;
    let Some(mut gate) = found else { return Ok(None) };
    let query = "SELECT issue_id, issue, answer, answered_by, answered_at FROM gate_issues WHERE run_id = ?1
      ORDER BY position";
    gate.issues = conn.query_all(query, [run.0], |row| {
        Ok(GateIssue { issue: issue(row, 0)?, answer: stored_answer(row, 2)? })
    })?;
    if gate.reason.is_empty() {
        let open = gate.issues.iter().filter(|issue| issue.answer.is_none()).count();
        (gate.state, gate.reason) = gates::standing(gate.issues.len(), open);
    } else {
        gate.state = GateState::Failed;
    }
    Ok(Some(gate))
}

/// An issue from its id and its JSON, in two columns. Where somebody has changed the JSON, the id is what is left.
fn issue(row: &Row<'_>, first: usize) -> Result<Issue, conclave_db::sql::Error> {
    let (id, stored) = (row.get::<_, String>(first)?, row.get::<_, String>(first + 1)?);
    Ok(serde_json::from_str(&stored).unwrap_or_else(|_| Issue::unreadable(id)))
}

fn stored_answer(row: &Row<'_>, first: usize) -> Result<Option<StoredAnswer>, conclave_db::sql::Error> {
    let Some(text) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let by = row.get::<_, Option<String>>(first + 1)?.unwrap_or_default();
    Ok(Some(StoredAnswer { text, by, at: row.get::<_, Option<i64>>(first + 2)?.unwrap_or_default() }))
}

/// The questions that wait for a person, those of the oldest gate first. Nobody waits for those of a pipeline that has
/// ended.
pub(crate) fn open(conn: &ReadConn<'_>) -> Result<Vec<OpenIssue>> {
    let query = "SELECT i.run_id, r.spec_id, r.stage, g.recorded_at, i.issue_id, i.issue
      FROM gate_issues i JOIN consensus_runs r ON r.id = i.run_id JOIN gate_results g ON g.run_id = i.run_id
      WHERE i.answer IS NULL AND NOT EXISTS (
        SELECT 1 FROM pipelines p WHERE (p.run_key, p.spec_id) = (r.run_key, r.spec_id) AND p.ended_at IS NOT NULL)
      ORDER BY i.run_id, i.position";
    Ok(conn.query_all(query, [], |row| {
        let gate = gates::gate_name(&row.get::<_, String>(2)?);
        Ok(OpenIssue {
            run: RunId(row.get(0)?),
            spec: row.get(1)?,
            before: gates::stage_behind(&gate).map(str::to_owned),
            gate,
            since: row.get(3)?,
            issue: issue(row, 4)?,
        })
    })?)
}

/// Answers an issue that nobody has answered yet.
pub(crate) fn answer(tx: &WriteTx<'_>, run: RunId, issue: &str, text: &str, actor: &str) -> Result<Answered> {
    let changed = tx.execute(
        "UPDATE gate_issues SET answer = ?3, answered_by = ?4, answered_at = ?5
         WHERE run_id = ?1 AND issue_id = ?2 AND answer IS NULL",
        params![run.0, issue, text, actor, tx.now_ms()],
    )?;
    let query =
        "SELECT answer, answered_by, answered_at FROM gate_issues WHERE run_id = ?1 AND issue_id = ?2";
    let stands = tx.query_optional(query, params![run.0, issue], |row| stored_answer(row, 0))?.flatten();
    let Some(stands) = stands else {
        let known = "SELECT EXISTS (SELECT 1 FROM consensus_runs WHERE id = ?1)";
        let known: bool = tx.query_row(known, [run.0], |row| row.get(0))?;
        return Err(if known {
            ConsensusError::NotFound { what: "gate issue", name: issue.to_owned() }
        } else {
            ConsensusError::NotFound { what: "run", name: run.to_string() }
        });
    };
    // A caller that repeats a write of which it does not know whether it was committed is not told of itself.
    if changed == 0 && (stands.text != text || stands.by != actor) {
        return Ok(Answered::Already { answer: stands.text, by: stands.by, at: stands.at });
    }
    let left = "SELECT count(*) FROM gate_issues WHERE run_id = ?1 AND answer IS NULL";
    Ok(Answered::Stored { left: tx.query_row(left, [run.0], |row| row.get(0))? })
}
