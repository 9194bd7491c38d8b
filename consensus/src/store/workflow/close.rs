//! The end of a run: its verdict, what it claims, its synthesis and its time, all in one transaction.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{ValueRef, params};
use conclave_db::{ReadConn, WriteTx};
use serde_json::Value;

use super::reading::{driven_run, must_be_there, roster};
use super::{gates, past, reading};
use crate::error::{ConsensusError, Result};
use crate::record::SynthesisRecord;
use crate::runs::RunId;
use crate::store::record;
use crate::synthesis::{self, Synthesis};
use crate::verdict::{self, Case, CaseAgent, CaseAnswer, Verdict};
use crate::workflow::AttemptEnd;

/// What the verdict of a run that Conclave drives depends on.
fn case(conn: &ReadConn<'_>, run: RunId, driven: &reading::Driven) -> Result<Case> {
    let attempts = past(conn, run)?;
    let expected = roster(conn, run)?
        .into_iter()
        .map(|agent| CaseAgent {
            failed: attempts
                .iter()
                .rfind(|attempt| attempt.agent == agent.name)
                .and_then(|attempt| attempt.end)
                .filter(|end| *end != AttemptEnd::Answered)
                .map(|end| end.as_str().to_owned()),
            name: agent.name,
            family: agent.family,
        })
        .collect();
    let query = "SELECT agent_name, attempt, sequence, content FROM agent_outputs WHERE run_id = ?1";
    let answers = conn.query_all(query, [run.0], |row| {
        let content = match row.get_ref(3)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        let agent = match row.get_ref(0)? {
            ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        Ok(CaseAnswer { agent, attempt: row.get(1)?, sequence: row.get(2)?, content })
    })?;
    let (quorum, accept) = (Some(driven.quorum), driven.accept);
    Ok(Case { stage: driven.stage.clone(), expected, answers, quorum, accept })
}

/// Closes a run that `me` drives with what is there; gives its verdict. One that is closed stays as it is.
pub(crate) fn close(tx: &WriteTx<'_>, run: RunId, me: &ProcessIdentity) -> Result<Verdict> {
    let driven = must_be_there(driven_run(tx, run)?, run)?;
    let case = case(tx, run, &driven)?;
    let verdict = verdict::judge(&case);
    if driven.ended_at.is_some() {
        return Ok(verdict);
    }
    if driven.owner != Some(serde_json::json!(me).to_string()) {
        return Err(ConsensusError::refused(format!("run {run} is no longer driven from here"), None));
    }
    let made = synthesis::of(&driven.spec, &case, &verdict);
    let synthesis = SynthesisRecord {
        output_markdown: made.markdown.clone(),
        output_path: None,
        status: verdict.status.as_str().to_owned(),
        artifacts_count: i64::try_from(case.answers.len()).ok(),
        agreements: Some(serde_json::json!(verdict.agreements).to_string()),
        conflicts: Some(serde_json::json!(verdict.conflicts).to_string()),
        degraded: Some(verdict.degraded),
        at: None,
        write_key: Some(format!("synthesis/{}/{}/{}", driven.run_key, driven.spec, driven.stage)),
    };
    record::synthesis(tx, run, &synthesis)?;
    // The claim of a synthesis is what the original has room for; the run has all of it.
    tx.execute(
        "UPDATE consensus_runs SET synthesis_json = ?2 WHERE id = ?1",
        params![run.0, on_the_run(made, &synthesis).to_string()],
    )?;
    // These very bytes come of the rows again.
    let written = serde_json::to_string(&verdict)
        .map_err(|error| ConsensusError::Invalid(format!("the verdict on run {run}: {error}")))?;
    tx.execute(
        "INSERT INTO run_verdicts(run_id, status, verdict, computed_at) VALUES(?1, ?2, ?3, ?4)
         ON CONFLICT(run_id) DO UPDATE SET status = excluded.status, verdict = excluded.verdict,
           computed_at = excluded.computed_at",
        params![run.0, verdict.status.as_str(), written, tx.now_ms()],
    )?;
    tx.execute(
        "UPDATE attempt_details SET retry_at = NULL WHERE run_id = ?1 AND retry_at IS NOT NULL",
        [run.0],
    )?;
    tx.execute(
        "UPDATE run_settings SET owner = NULL, ended_at = ?2 WHERE run_id = ?1",
        params![run.0, tx.now_ms()],
    )?;
    if gates::is_gate_run(&driven.phase_type, &driven.stage) {
        // No gate is closed whose questions nobody can see.
        gates::record(tx, run)?;
    }
    Ok(verdict)
}

/// The synthesis with those keys that readers of the original's know.
fn on_the_run(made: Synthesis, recorded: &SynthesisRecord) -> Value {
    let Synthesis { mut json, markdown } = made;
    if let Some(object) = json.as_object_mut() {
        object.insert("output_markdown".to_owned(), markdown.into());
        object.insert("output_path".to_owned(), Value::Null);
        object.insert(
            "artifacts_count".to_owned(),
            recorded.artifacts_count.map_or(Value::Null, |count| count.to_string().into()),
        );
    }
    json
}

/// The verdict of a run that is closed; nothing for one that is not.
pub(crate) fn closed(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Verdict>> {
    let driven = must_be_there(driven_run(conn, run)?, run)?;
    if driven.ended_at.is_none() {
        return Ok(None);
    }
    Ok(Some(verdict::judge(&case(conn, run, &driven)?)))
}
