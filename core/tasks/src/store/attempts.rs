//! Attempts: those that the dispatcher makes, from before their agents start; all of them, as they are read.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Error, Row, params};
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::read::{AttemptOutcome, AttemptRow};
use crate::work::dispatch::{AttemptId, OpenAttempt};

/// The attempts of a task, the newest first.
pub(crate) fn of_task(conn: &ReadConn<'_>, id: &str) -> Result<Vec<AttemptRow>> {
    Ok(conn.query_all(
        "SELECT attempt, at, who, status, result, error, agent, started_at, ended_at, outcome, output, retry_at,
           owner, child
         FROM task_attempts WHERE task_id = ?1 ORDER BY number DESC",
        [id],
        |row| {
            Ok(AttemptRow {
                attempt: row.get(0)?,
                at: row.get(1)?,
                who: row.get(2)?,
                status: row.get(3)?,
                result: row.get(4)?,
                error: row.get(5)?,
                agent: row.get(6)?,
                started_at: row.get(7)?,
                ended_at: row.get(8)?,
                outcome: outcome(row, 9)?,
                output: row.get(10)?,
                retry_at: row.get(11)?,
                owner: process(row, 12)?,
                child: process(row, 13)?,
            })
        },
    )?)
}

/// What is begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun<'call> {
    pub(crate) task: &'call str,
    pub(crate) attempt: u64,
    pub(crate) who: &'call str,
    pub(crate) agent: &'call str,
    pub(crate) owner: &'call ProcessIdentity,
    pub(crate) keeps_assignee: bool,
}

/// Writes that an attempt begins.
pub(crate) fn begin(tx: &WriteTx<'_>, begun: Begun<'_>) -> Result<AttemptId> {
    let number = tx.query_row(
        "INSERT INTO task_attempts(task_id, attempt, at, who, status, agent, started_at, owner, keeps_assignee)
         VALUES(?1, ?2, ?3, ?4, 'in_progress', ?5, ?3, ?6, ?7) RETURNING number",
        params![
            begun.task,
            i64::try_from(begun.attempt).unwrap_or(i64::MAX),
            tx.now_ms(),
            begun.who,
            begun.agent,
            serde_json::json!(begun.owner).to_string(),
            begun.keeps_assignee,
        ],
        |row| row.get(0),
    )?;
    Ok(AttemptId(number))
}

/// Writes who the agent's process is.
pub(crate) fn started(tx: &WriteTx<'_>, attempt: AttemptId, child: &ProcessIdentity) -> Result<()> {
    tx.execute(
        "UPDATE task_attempts SET child = ?2 WHERE number = ?1 AND ended_at IS NULL",
        params![attempt.0, serde_json::json!(child).to_string()],
    )?;
    Ok(())
}

/// How one ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'call> {
    pub(crate) outcome: AttemptOutcome,
    /// Of the task, now.
    pub(crate) status: Option<&'call str>,
    pub(crate) result: Option<&'call str>,
    pub(crate) error: Option<&'call str>,
    pub(crate) output: Option<&'call str>,
    pub(crate) retry_at: Option<i64>,
}

/// Writes that an attempt has ended; one that has ended before stays as it is.
pub(crate) fn end(tx: &WriteTx<'_>, attempt: AttemptId, ended: Ended<'_>) -> Result<()> {
    tx.execute(
        "UPDATE task_attempts SET at = ?2, ended_at = ?2, outcome = ?3, status = ?4, result = ?5, error = ?6,
           output = ?7, retry_at = ?8
         WHERE number = ?1 AND ended_at IS NULL",
        params![
            attempt.0,
            tx.now_ms(),
            ended.outcome.as_str(),
            ended.status,
            ended.result,
            ended.error,
            ended.output,
            ended.retry_at,
        ],
    )?;
    Ok(())
}

/// An attempt of the dispatcher, as far as its end needs it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) task: String,
    pub(crate) who: String,
    pub(crate) agent: String,
    pub(crate) keeps_assignee: bool,
    pub(crate) outcome: Option<AttemptOutcome>,
    pub(crate) retry_at: Option<i64>,
}

/// The attempt; nothing where there is none of this number that the dispatcher has made.
pub(crate) fn made(conn: &ReadConn<'_>, attempt: AttemptId) -> Result<Option<Made>> {
    Ok(conn.query_optional(
        "SELECT task_id, who, agent, keeps_assignee, outcome, retry_at
         FROM task_attempts WHERE number = ?1 AND started_at IS NOT NULL",
        [attempt.0],
        made_row,
    )?)
}

/// Until when the newest attempt of the dispatcher that has ended and was not lost lets the task wait.
pub(crate) fn waited_until(conn: &ReadConn<'_>, task: &str) -> Result<Option<i64>> {
    let newest: Option<Option<i64>> = conn.query_optional(
        "SELECT retry_at FROM task_attempts WHERE task_id = ?1
           AND (outcome IN ('answered', 'retried', 'failed') OR outcome = 'stopped' AND retry_at IS NOT NULL)
         ORDER BY number DESC LIMIT 1",
        [task],
        |row| row.get(0),
    )?;
    Ok(newest.flatten())
}

/// The newest attempt of the dispatcher that has ended and was not lost or stopped; one that nobody could take counts.
pub(crate) fn last_made(conn: &ReadConn<'_>, task: &str) -> Result<Option<Made>> {
    Ok(conn.query_optional(
        "SELECT task_id, who, agent, keeps_assignee, outcome, retry_at
         FROM task_attempts WHERE task_id = ?1
           AND (outcome IN ('answered', 'retried', 'failed') OR outcome = 'stopped' AND error IS NOT NULL)
         ORDER BY number DESC LIMIT 1",
        [task],
        made_row,
    )?)
}

fn made_row(row: &Row<'_>) -> Result<Made, Error> {
    Ok(Made {
        task: row.get(0)?,
        who: row.get(1)?,
        agent: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        keeps_assignee: row.get(3)?,
        outcome: outcome(row, 4)?,
        retry_at: row.get(5)?,
    })
}

/// How often a task was given back since it was last answered.
pub(crate) fn given_back(conn: &ReadConn<'_>, task: &str) -> Result<u32> {
    Ok(conn.query_row(
        "SELECT count(*) FROM task_attempts WHERE task_id = ?1 AND outcome = 'failed' AND number > (
           SELECT ifnull(max(number), 0) FROM task_attempts WHERE task_id = ?1 AND outcome = 'answered')",
        [task],
        |row| row.get(0),
    )?)
}

/// Attempts that have no end, the oldest first; of one task, or of all.
pub(crate) fn open(conn: &ReadConn<'_>, task: Option<&str>) -> Result<Vec<OpenAttempt>> {
    let of_task = if task.is_some() { "task_id = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT number, task_id, attempt, who, agent, started_at, owner, child FROM task_attempts
         WHERE started_at IS NOT NULL AND ended_at IS NULL AND {of_task} ORDER BY number"
    );
    Ok(conn.query_all(&sql, [task], |row| {
        Ok(OpenAttempt {
            id: AttemptId(row.get(0)?),
            task: row.get(1)?,
            attempt: row.get(2)?,
            who: row.get(3)?,
            agent: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            started_at: row.get(5)?,
            owner: process(row, 6)?,
            child: process(row, 7)?,
        })
    })?)
}

fn outcome(row: &Row<'_>, column: usize) -> Result<Option<AttemptOutcome>, Error> {
    let word: Option<String> = row.get(column)?;
    Ok(word.as_deref().and_then(AttemptOutcome::parse))
}

/// A process; one that cannot be read is none that is known.
fn process(row: &Row<'_>, column: usize) -> Result<Option<ProcessIdentity>, Error> {
    let json: Option<String> = row.get(column)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}
