//! The end of a run: its verdict, what it claims, its synthesis and its time, all in one transaction.
//!
//! What is written is made before, from a reader: judging big answers would keep every other writer waiting. The
//! transaction looks whether the rows are still those that were judged.

#[cfg(test)]
mod tests;

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};
use serde_json::Value;

use super::reading::{driven_run, must_be_there};
use super::{gates, reading};
use crate::error::{ConsensusError, Result};
use crate::record::SynthesisRecord;
use crate::runs::RunId;
use crate::store::reading::driven_case;
use crate::store::record;
use crate::synthesis::{self, Synthesis};
use crate::verdict::{self, Case, Verdict};

/// What was there when the rows of a run were read: outputs and attempts by their number, the greatest id, and how
/// much they hold or how many have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen([i64; 6]);

/// What is there now.
pub(crate) fn seen(conn: &ReadConn<'_>, run: RunId) -> Result<Seen> {
    let query = "SELECT o.*, t.* FROM
        (SELECT count(*), ifnull(max(id), 0), ifnull(sum(octet_length(content)), 0) FROM agent_outputs
         WHERE run_id = ?1) o,
        (SELECT count(*), ifnull(max(id), 0), count(completed_at) FROM run_attempts WHERE run_id = ?1) t";
    Ok(conn.query_row(query, [run.0], |row| {
        Ok(Seen([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?]))
    })?)
}

/// Everything that the end of a run depends on.
#[derive(Debug)]
pub(crate) struct Material {
    seen: Seen,
    driven: reading::Driven,
    case: Case,
    gate: Option<gates::Answers>,
}

/// Reads what the end of a run depends on.
pub(crate) fn material(conn: &ReadConn<'_>, run: RunId) -> Result<Material> {
    let driven = must_be_there(driven_run(conn, run)?, run)?;
    // No gate is closed whose questions nobody can see.
    let is_gate = gates::is_gate_run(&driven.phase_type, &driven.stage);
    Ok(Material {
        seen: seen(conn, run)?,
        case: driven_case(conn, run)?,
        gate: is_gate.then(|| gates::answers(conn, run)).transpose()?,
        driven,
    })
}

/// What a run ends with.
#[derive(Debug)]
pub(crate) struct Ending {
    seen: Seen,
    pub(crate) verdict: Verdict,
    /// The verdict as it is stored: these very bytes come of the rows again.
    written: String,
    synthesis: SynthesisRecord,
    on_the_run: String,
    gate: Option<gates::Found>,
}

impl Material {
    /// Judges it. The work grows with the answers; no connection is held for it.
    pub(crate) fn judge(self, run: RunId) -> Result<Ending> {
        let Self { seen, driven, case, gate } = self;
        let verdict = verdict::judge(&case);
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
            // Of this run and no other: names may hold what would part them in a key.
            write_key: Some(format!("synthesis/{run}")),
        };
        let written = serde_json::to_string(&verdict)
            .map_err(|error| ConsensusError::Invalid(format!("the verdict on run {run}: {error}")))?;
        let on_the_run = on_the_run(made, &synthesis).to_string();
        let gate = gate.map(|answers| answers.judge());
        Ok(Ending { seen, verdict, written, synthesis, on_the_run, gate })
    }
}

/// What came of closing a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is closed, with this ending or an earlier one.
    Yes,
    /// Its rows are others than those that were judged.
    Outdated,
}

/// Closes a run that `me` drives. One that is closed stays as it is.
pub(crate) fn close(tx: &WriteTx<'_>, run: RunId, me: &ProcessIdentity, ending: &Ending) -> Result<Closed> {
    let driven = must_be_there(driven_run(tx, run)?, run)?;
    if driven.ended_at.is_some() {
        return Ok(Closed::Yes);
    }
    if driven.owner != Some(serde_json::json!(me).to_string()) {
        return Err(ConsensusError::refused(format!("run {run} is no longer driven from here"), None));
    }
    if seen(tx, run)? != ending.seen {
        return Ok(Closed::Outdated);
    }
    record::synthesis(tx, run, &ending.synthesis)?;
    // The claim of a synthesis is what the original has room for; the run has all of it.
    tx.execute(
        "UPDATE consensus_runs SET synthesis_json = ?2 WHERE id = ?1",
        params![run.0, ending.on_the_run],
    )?;
    tx.execute(
        "INSERT INTO run_verdicts(run_id, status, verdict, computed_at) VALUES(?1, ?2, ?3, ?4)
         ON CONFLICT(run_id) DO UPDATE SET status = excluded.status, verdict = excluded.verdict,
           computed_at = excluded.computed_at",
        params![run.0, ending.verdict.status.as_str(), ending.written, tx.now_ms()],
    )?;
    tx.execute(
        "UPDATE attempt_details SET retry_at = NULL WHERE run_id = ?1 AND retry_at IS NOT NULL",
        [run.0],
    )?;
    tx.execute(
        "UPDATE run_settings SET owner = NULL, ended_at = ?2 WHERE run_id = ?1",
        params![run.0, tx.now_ms()],
    )?;
    if let Some(found) = &ending.gate {
        gates::record(tx, run, found)?;
    }
    Ok(Closed::Yes)
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

/// The case of a run that is closed; nothing for one that is not.
pub(crate) fn closed(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Case>> {
    let driven = must_be_there(driven_run(conn, run)?, run)?;
    if driven.ended_at.is_none() {
        return Ok(None);
    }
    driven_case(conn, run).map(Some)
}
