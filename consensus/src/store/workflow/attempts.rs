//! Attempts: recorded before their process is started, and with everything that came of them when it has ended.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};
use conclave_retry::ErrorClass;

use super::json;
use crate::agents::Usage;
use crate::error::{ConsensusError, Result};
use crate::record::{CompletionRecord, OutputRecord, SpawnRecord};
use crate::runs::RunId;
use crate::store::record;
use crate::workflow::AttemptEnd;

/// An attempt that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) agent_id: String,
    pub(crate) agent: String,
    pub(crate) attempt: i64,
    /// How it ended; absent for one that has not.
    pub(crate) end: Option<AttemptEnd>,
    pub(crate) class: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) retry_at: Option<i64>,
    pub(crate) process: Option<ProcessIdentity>,
}

/// The attempts of a run, in the order of their numbers.
pub(crate) fn past(conn: &ReadConn<'_>, run: RunId) -> Result<Vec<Past>> {
    let query =
        "SELECT t.agent_id, t.agent_name, t.attempt, t.completed_at IS NULL, t.state, d.outcome, d.class,
        d.message, d.retry_at, d.process, d.reason
      FROM run_attempts t LEFT JOIN attempt_details d ON d.agent_id = t.agent_id
      WHERE t.run_id = ?1 ORDER BY t.attempt, t.id";
    Ok(conn.query_all(query, [run.0], |row| {
        let open: bool = row.get(3)?;
        let state: String = row.get(4)?;
        // Somebody else's completion (an older program's, an import) has no details.
        let told = row.get::<_, Option<String>>(5)?.and_then(|word| AttemptEnd::parse(&word));
        let end = told.or(match (open, state.as_str()) {
            (true, _) => None,
            (false, "completed") => Some(AttemptEnd::Answered),
            (false, _) => Some(AttemptEnd::Failed),
        });
        Ok(Past {
            agent_id: row.get(0)?,
            agent: row.get(1)?,
            attempt: row.get(2)?,
            end,
            class: row.get(6)?,
            reason: row.get(10)?,
            message: row.get(7)?,
            retry_at: row.get(8)?,
            process: row.get::<_, Option<String>>(9)?.map(|text| json(&text)).transpose()?,
        })
    })?)
}

/// The reason of an attempt whose answer is no JSON, where that is wanted.
pub(crate) const IN_WORDS: &str = "not_json";
/// The reason of the attempt that was to mend that, whatever came of it.
pub(crate) const REPAIR: &str = "repair";

/// The newest answer of one agent.
pub(crate) fn answer(conn: &ReadConn<'_>, run: RunId, agent: &str) -> Result<Option<Vec<u8>>> {
    let query = "SELECT CAST(content AS BLOB) FROM agent_outputs WHERE run_id = ?1 AND agent_name = ?2
      ORDER BY attempt DESC, sequence DESC LIMIT 1";
    Ok(conn.query_optional(query, params![run.0, agent], |row| row.get(0))?)
}

/// What came of recording an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spawned {
    /// Its process may be started.
    Recorded,
    /// Somebody asked for the end of the run: nothing was recorded.
    Cancelled,
}

/// Records an attempt that is about to be started by `me`, who must be the one who drives the run.
pub(crate) fn spawn(tx: &WriteTx<'_>, attempt: &SpawnRecord, me: &ProcessIdentity) -> Result<Spawned> {
    let query = "SELECT owner IS ?2 AND ended_at IS NULL, cancelled_at IS NOT NULL FROM run_settings
      WHERE run_id = ?1";
    let mine = serde_json::json!(me).to_string();
    let found = tx.query_optional(query, params![attempt.run.0, mine], |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?))
    })?;
    match found {
        Some((true, false)) => {}
        Some((true, true)) => return Ok(Spawned::Cancelled),
        _ => {
            let why = format!("run {} is no longer driven from here", attempt.run);
            return Err(ConsensusError::refused(why, None));
        }
    }
    record::spawn(tx, attempt)?;
    tx.execute(
        "UPDATE attempt_details SET retry_at = NULL WHERE run_id = ?1 AND retry_at IS NOT NULL
           AND agent_id IN (SELECT agent_id FROM run_attempts WHERE run_id = ?1 AND agent_name = ?2)",
        params![attempt.run.0, attempt.agent],
    )?;
    tx.execute(
        "INSERT INTO attempt_details(agent_id, run_id) VALUES(?1, ?2) ON CONFLICT(agent_id) DO NOTHING",
        params![attempt.agent_id, attempt.run.0],
    )?;
    Ok(Spawned::Recorded)
}

/// Keeps which process the attempt is.
pub(crate) fn started(tx: &WriteTx<'_>, agent_id: &str, process: &ProcessIdentity) -> Result<()> {
    tx.execute(
        "UPDATE attempt_details SET process = ?2 WHERE agent_id = ?1",
        params![agent_id, serde_json::json!(process).to_string()],
    )?;
    Ok(())
}

/// Everything that came of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct AttemptEnded {
    pub(crate) completion: CompletionRecord,
    /// The answer, where there is one; its raw text is that of the completion.
    pub(crate) output: Option<OutputRecord>,
    pub(crate) end: AttemptEnd,
    /// Why it brought no answer, where that was judged.
    pub(crate) class: Option<ErrorClass>,
    /// The reason of the class, [`IN_WORDS`] or [`REPAIR`].
    pub(crate) reason: Option<&'static str>,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) retry_at: Option<i64>,
    pub(crate) stderr: Option<String>,
    pub(crate) stdout_bytes: Option<u64>,
    pub(crate) stderr_bytes: Option<u64>,
    pub(crate) truncated: bool,
    pub(crate) session_id: Option<String>,
    pub(crate) usage: Usage,
}

/// Stores the end of an attempt with its answer; gives whether this call did, or it had ended before.
pub(crate) fn ended(tx: &WriteTx<'_>, ended: &AttemptEnded) -> Result<bool> {
    let id = &ended.completion.agent_id;
    if !record::completion(tx, &ended.completion)? {
        return Ok(false);
    }
    if let Some(output) = &ended.output {
        record::output_of(tx, output, ended.completion.response.as_deref())?;
    }
    let usage = &ended.usage;
    tx.execute(
        "UPDATE attempt_details SET outcome = ?2, class = ?3, reason = ?4, message = ?5, hint = ?6, retry_at = ?7,
           stderr = ?8, stdout_bytes = ?9, stderr_bytes = ?10, truncated = ?11, session_id = ?12,
           input_tokens = ?13, output_tokens = ?14, cache_read_tokens = ?15, cache_write_tokens = ?16,
           reasoning_tokens = ?17, cost_usd = ?18, cost_source = ?19
         WHERE agent_id = ?1",
        params![
            id,
            ended.end.as_str(),
            ended.class.map(|class| class.as_str()),
            ended.reason,
            ended.message,
            ended.hint,
            ended.retry_at,
            ended.stderr,
            ended.stdout_bytes,
            ended.stderr_bytes,
            ended.truncated,
            ended.session_id,
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens,
            usage.cache_write_tokens,
            usage.reasoning_tokens,
            usage.cost_usd,
            usage.cost_source
        ],
    )?;
    name(tx, id, ended.end)?;
    Ok(true)
}

/// Why an attempt that nobody drives any more brought nothing.
pub(crate) const LOST: &str = "lost: whoever drove it ended before it did";

/// Marks an attempt as lost; gives whether it had not ended.
pub(crate) fn lost(tx: &WriteTx<'_>, run: RunId, agent_id: &str) -> Result<bool> {
    let completion = CompletionRecord {
        agent_id: agent_id.to_owned(),
        extraction_error: Some(LOST.to_owned()),
        ..CompletionRecord::default()
    };
    if !record::completion(tx, &completion)? {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO attempt_details(agent_id, run_id, outcome, message) VALUES(?1, ?2, 'lost', ?3)
         ON CONFLICT(agent_id) DO UPDATE SET outcome = excluded.outcome, message = excluded.message",
        params![agent_id, run.0, LOST],
    )?;
    name(tx, agent_id, AttemptEnd::Lost)?;
    Ok(true)
}

/// Says in the attempt's own row what its legacy row has no word for.
fn name(tx: &WriteTx<'_>, agent_id: &str, end: AttemptEnd) -> Result<()> {
    if matches!(end, AttemptEnd::TimedOut | AttemptEnd::Cancelled | AttemptEnd::Lost) {
        tx.execute(
            "UPDATE run_attempts SET state = ?2 WHERE agent_id = ?1",
            params![agent_id, end.as_str()],
        )?;
    }
    Ok(())
}
