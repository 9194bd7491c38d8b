//! The end of a run: its verdict, what it claims, its synthesis and its time, all in one transaction.

use conclave_db::sql::{ValueRef, params};
use conclave_db::{ReadConn, WriteTx};

use super::{driven_run, past, reading, roster};
use crate::error::Result;
use crate::record::{RunRecord, SynthesisRecord};
use crate::runs::{RunId, RunStatus};
use crate::store::record;
use crate::verdict::{self, Case, CaseAgent, CaseAnswer, Verdict};
use crate::workflow::AttemptEnd;

/// What the verdict of a run that Conclave drives depends on.
fn case(conn: &ReadConn<'_>, run: RunId) -> Result<Case> {
    let driven = reading::must_be_there(driven_run(conn, run)?, run)?;
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
        Ok(CaseAnswer { agent: row.get(0)?, attempt: row.get(1)?, sequence: row.get(2)?, content })
    })?;
    Ok(Case { stage: driven.stage, expected, answers, quorum: Some(driven.quorum), accept: driven.accept })
}

/// Closes the run with what is there; gives its verdict. One that is closed keeps the verdict that it has.
pub(crate) fn close(tx: &WriteTx<'_>, run: RunId) -> Result<Verdict> {
    let case = case(tx, run)?;
    let verdict = judge(&case);
    Ok(verdict)
}

/// The verdict of a run that is closed; nothing for one that is not.
pub(crate) fn closed(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Verdict>> {
    let driven = reading::must_be_there(driven_run(conn, run)?, run)?;
    if driven.ended_at.is_none() {
        return Ok(None);
    }
    Ok(Some(judge(&case(conn, run)?)))
}

/// Stands in until the verdict is there.
fn judge(case: &Case) -> Verdict {
    let usable = case.answers.len();
    let quorum = case.quorum.unwrap_or(1);
    let status = if usable < quorum { RunStatus::Insufficient } else { RunStatus::Ok };
    Verdict {
        status,
        reason: String::new(),
        consensus_ok: status == RunStatus::Ok,
        degraded: false,
        usable,
        expected: case.expected.len(),
        quorum,
        accept: case.accept,
        agents: Vec::new(),
        agreements: Vec::new(),
        conflicts: Vec::new(),
        missing: Vec::new(),
        fields_found: Vec::new(),
        fields_missing: Vec::new(),
        agreement_score: None,
        fields: Vec::new(),
    }
}
