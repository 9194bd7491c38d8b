//! What runs that Conclave drives have beyond others. It is on the new side in every phase.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use conclave_db::ReadConn;
use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Row, ValueRef, params};

use super::json;
use crate::agents::{Accept, AgentDefinition, Usage};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::workflow::{AttemptDetails, AttemptEnd};

/// A run as it is driven.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
pub(crate) struct Driven {
    pub(crate) run_key: String,
    pub(crate) spec: String,
    pub(crate) stage: String,
    pub(crate) prompt: Vec<u8>,
    pub(crate) quorum: usize,
    pub(crate) accept: Accept,
    pub(crate) timeout_ms: u64,
    pub(crate) sequential: bool,
    pub(crate) phase_type: String,
    pub(crate) directory: String,
    pub(crate) actor: String,
    /// Who drives it, as it is stored.
    pub(crate) owner: Option<String>,
    pub(crate) driven_at: i64,
    pub(crate) cancelled_at: Option<i64>,
    pub(crate) ended_at: Option<i64>,
}

/// The run with its settings; nothing for one that Conclave did not begin.
pub(crate) fn driven_run(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Driven>> {
    let query =
        "SELECT r.run_key, r.spec_id, r.stage, s.prompt, s.quorum, s.accept, s.timeout_ms, s.sequential,
        s.phase_type, s.directory, s.actor, s.owner, s.driven_at, s.cancelled_at, s.ended_at
      FROM run_settings s JOIN consensus_runs r ON r.id = s.run_id WHERE s.run_id = ?1";
    Ok(conn.query_optional(query, [run.0], |row| {
        Ok(Driven {
            run_key: row.get(0)?,
            spec: row.get(1)?,
            stage: row.get(2)?,
            prompt: row.get(3)?,
            quorum: row.get(4)?,
            accept: Accept::parse(&row.get::<_, String>(5)?).unwrap_or_default(),
            timeout_ms: row.get(6)?,
            sequential: row.get(7)?,
            phase_type: row.get(8)?,
            directory: row.get(9)?,
            actor: row.get(10)?,
            owner: row.get(11)?,
            driven_at: row.get(12)?,
            cancelled_at: row.get(13)?,
            ended_at: row.get(14)?,
        })
    })?)
}

/// Who is expected, in order. One whose definition cannot be read is still expected, and cannot be asked.
pub(crate) fn roster(conn: &ReadConn<'_>, run: RunId) -> Result<Vec<AgentDefinition>> {
    let query = "SELECT agent_name, family, definition FROM run_roster WHERE run_id = ?1 ORDER BY position";
    Ok(conn.query_all(query, [run.0], |row| {
        let (name, family) = (row.get::<_, String>(0)?, row.get(1)?);
        let found = serde_json::from_str(&row.get::<_, String>(2)?);
        Ok(found.unwrap_or_else(|_| AgentDefinition {
            name,
            preset: None,
            command: Vec::new(),
            model: None,
            route: None,
            family,
            role: None,
            timeout: Duration::from_mins(20),
            retries: 0,
            env_pass: Vec::new(),
            env: Vec::new(),
            stages: Vec::new(),
        }))
    })?)
}

/// What is known of each attempt, by its id.
pub(crate) fn details(conn: &ReadConn<'_>, run: RunId) -> Result<HashMap<String, AttemptDetails>> {
    let query = "SELECT agent_id, outcome, class, reason, message, hint, retry_at, process, stderr, stdout_bytes,
        stderr_bytes, truncated, session_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
        reasoning_tokens, cost_usd, cost_source
      FROM attempt_details WHERE run_id = ?1";
    let rows = conn.query_all(query, [run.0], |row| {
        let process =
            row.get::<_, Option<String>>(7)?.map(|text| json::<ProcessIdentity>(&text)).transpose()?;
        let details = AttemptDetails {
            outcome: row.get::<_, Option<String>>(1)?.and_then(|word| AttemptEnd::parse(&word)),
            class: row.get(2)?,
            reason: row.get(3)?,
            message: row.get(4)?,
            hint: row.get(5)?,
            retry_at: row.get(6)?,
            pid: process.map(|process| process.pid),
            stderr: row.get(8)?,
            stdout_bytes: row.get(9)?,
            stderr_bytes: row.get(10)?,
            truncated: row.get(11)?,
            session_id: row.get(12)?,
            usage: usage(row)?,
        };
        Ok((row.get::<_, String>(0)?, details))
    })?;
    Ok(rows.into_iter().collect())
}

fn usage(row: &Row<'_>) -> std::result::Result<Usage, conclave_db::sql::Error> {
    Ok(Usage {
        input_tokens: row.get(13)?,
        output_tokens: row.get(14)?,
        cache_read_tokens: row.get(15)?,
        cache_write_tokens: row.get(16)?,
        reasoning_tokens: row.get(17)?,
        cost_usd: row.get(18)?,
        cost_source: row.get(19)?,
    })
}

/// The newest answer of each agent of the run, by name.
pub(crate) fn answers(conn: &ReadConn<'_>, run: RunId) -> Result<HashMap<String, Vec<u8>>> {
    let query = "SELECT agent_name, content FROM agent_outputs WHERE run_id = ?1 ORDER BY attempt, sequence";
    let rows = conn.query_all(query, [run.0], |row| {
        let content = match row.get_ref(1)? {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        Ok((row.get::<_, String>(0)?, content))
    })?;
    Ok(rows.into_iter().collect())
}

/// Who has answered in the run, with something. What was written is not read.
pub(crate) fn answered(conn: &ReadConn<'_>, run: RunId) -> Result<HashSet<String>> {
    let query =
        "SELECT DISTINCT agent_name FROM agent_outputs WHERE run_id = ?1 AND octet_length(content) > 0";
    let names = conn.query_all(query, [run.0], |row| row.get::<_, String>(0))?;
    Ok(names.into_iter().collect())
}

/// Whether the agent has an answer in the run.
pub(crate) fn has_answered(conn: &ReadConn<'_>, run: RunId, agent: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = ?1 AND agent_name = ?2)";
    Ok(conn.query_row(query, params![run.0, agent], |row| row.get(0))?)
}

/// The run that is to be driven, which must be there.
pub(crate) fn must_be_there(found: Option<Driven>, run: RunId) -> Result<Driven> {
    found.ok_or_else(|| ConsensusError::NotFound { what: "run", name: run.to_string() })
}
