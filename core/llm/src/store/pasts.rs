//! Calls of the past: statistics, and what was used of budgets.

use conclave_db::sql::{Error, Row, params};
use conclave_db::{ReadConn, Result, WriteTx};

use crate::class::Class;
use crate::ledger::{Kind, Past, Usage};
use crate::overview::CallView;
use crate::store::{read, stored};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rows that are kept of a host, and for how long.
const KEPT: i64 = 1000;
const KEPT_MS: i64 = 30 * DAY_MS;
/// Every so many rows, what is too old goes.
const TRIM_EVERY: i64 = 64;
/// Calls that the percentiles are of.
const SAMPLE: i64 = 200;
/// Rows that a process takes along that goes on without the file.
const TAKEN_ALONG: i64 = 10_000;

pub(super) fn record(tx: &WriteTx<'_>, past: &Past) -> Result<()> {
    let sql = "INSERT INTO llm_call(endpoint, model, at, kind, budgeted, task, run_id, outcome, class, status, connect_ms,
                 first_ms, total_ms, queued_ms, waited_ms, tokens_in, tokens_out, estimated, attempt)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) RETURNING id";
    let outcome = if past.class.is_none() { "ok" } else { "failed" };
    let id: i64 = tx.query_row(
        sql,
        params![
            past.endpoint,
            past.model,
            past.at,
            past.kind.as_str(),
            past.budgeted,
            past.task,
            past.run,
            outcome,
            past.class,
            past.status,
            past.connect_ms.map(stored),
            past.first_ms.map(stored),
            stored(past.total_ms),
            stored(past.queued_ms),
            stored(past.waited_ms),
            past.tokens_in.map(stored),
            past.tokens_out.map(stored),
            past.estimated,
            past.attempt,
        ],
        |row| row.get(0),
    )?;
    if id % TRIM_EVERY == 0 { trim(tx, &past.endpoint, past.at) } else { Ok(()) }
}

/// Drops what is too old or too much; what a budget still counts stays.
fn trim(tx: &WriteTx<'_>, endpoint: &str, now_wall_ms: i64) -> Result<()> {
    let sql = "DELETE FROM llm_call WHERE endpoint = ?1 AND NOT (budgeted AND at > ?2)
                 AND id <= (SELECT id FROM llm_call WHERE endpoint = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?3)";
    tx.execute(sql, params![endpoint, now_wall_ms.saturating_sub(DAY_MS), KEPT])?;
    tx.execute("DELETE FROM llm_call WHERE at < ?1", [now_wall_ms.saturating_sub(KEPT_MS)])?;
    Ok(())
}

pub(super) fn usage(conn: &ReadConn<'_>, endpoint: &str, now_wall_ms: i64) -> Result<Usage> {
    let sql =
        "SELECT coalesce(sum(at > ?2), 0), coalesce(sum(coalesce(tokens_in, 0) + coalesce(tokens_out, 0)), 0)
               FROM llm_call WHERE endpoint = ?1 AND at > ?3";
    let (hour, day) = (now_wall_ms.saturating_sub(HOUR_MS), now_wall_ms.saturating_sub(DAY_MS));
    conn.query_row(sql, params![endpoint, hour, day], |row| {
        Ok(Usage { calls: row.get(0).map(read)?, tokens: row.get(1).map(read)? })
    })
}

/// Calls of the last hour, tokens of 24 hours.
pub(crate) fn window(conn: &ReadConn<'_>, endpoint: &str, now_wall_ms: i64) -> Result<(u64, u64)> {
    let usage = usage(conn, endpoint, now_wall_ms)?;
    Ok((usage.calls, usage.tokens))
}

/// How long the last calls of 24 hours took that were answered: to the end, and to the first token where that is known.
pub(crate) fn durations(
    conn: &ReadConn<'_>,
    endpoint: &str,
    now_wall_ms: i64,
) -> Result<Vec<(u64, Option<u64>)>> {
    let sql = "SELECT total_ms, first_ms FROM llm_call WHERE endpoint = ?1 AND outcome = 'ok' AND at > ?2
               ORDER BY id DESC LIMIT ?3";
    conn.query_all(sql, params![endpoint, now_wall_ms.saturating_sub(DAY_MS), SAMPLE], |row| {
        Ok((read(row.get(0)?), row.get::<_, Option<i64>>(1)?.map(read)))
    })
}

/// The newest calls of a host, the newest first.
pub(crate) fn recent(conn: &ReadConn<'_>, endpoint: &str, limit: i64) -> Result<Vec<CallView>> {
    let sql = "SELECT at, model, task, run_id, attempt, class, status, first_ms, total_ms, queued_ms, tokens_in, tokens_out
               FROM llm_call WHERE endpoint = ?1 ORDER BY id DESC LIMIT ?2";
    conn.query_all(sql, params![endpoint, limit], |row| {
        Ok(CallView {
            at: row.get(0)?,
            model: row.get(1)?,
            task: row.get(2)?,
            run: row.get(3)?,
            attempt: row.get(4)?,
            class: row.get(5)?,
            status: row.get(6)?,
            first_ms: row.get::<_, Option<i64>>(7)?.map(read),
            total_ms: read(row.get(8)?),
            queued_ms: row.get::<_, Option<i64>>(9)?.map(read),
            tokens_in: row.get::<_, Option<i64>>(10)?.map(read),
            tokens_out: row.get::<_, Option<i64>>(11)?.map(read),
        })
    })
}

/// The newest calls of all hosts, the oldest first.
pub(super) fn newest(conn: &ReadConn<'_>) -> Result<Vec<Past>> {
    let sql = "SELECT * FROM (SELECT id, endpoint, model, at, kind, budgeted, task, run_id, class, status, connect_ms,
                 first_ms, total_ms, queued_ms, waited_ms, tokens_in, tokens_out, estimated, attempt
               FROM llm_call ORDER BY id DESC LIMIT ?1) ORDER BY id";
    conn.query_all(sql, [TAKEN_ALONG], past)
}

fn past(row: &Row<'_>) -> Result<Past, Error> {
    let number = |at| Ok::<_, Error>(row.get::<_, Option<i64>>(at)?.map(read));
    let class: Option<String> = row.get(8)?;
    Ok(Past {
        endpoint: row.get(1)?,
        model: row.get(2)?,
        at: row.get(3)?,
        kind: Kind::parse(row.get_ref(4)?.as_str()?).unwrap_or(Kind::Call),
        budgeted: row.get(5)?,
        task: row.get(6)?,
        run: row.get(7)?,
        class: class.as_deref().and_then(Class::parse).map(Class::as_str),
        status: row.get(9)?,
        connect_ms: number(10)?,
        first_ms: number(11)?,
        total_ms: number(12)?.unwrap_or(0),
        queued_ms: number(13)?.unwrap_or(0),
        waited_ms: number(14)?.unwrap_or(0),
        tokens_in: number(15)?,
        tokens_out: number(16)?,
        estimated: row.get(17)?,
        attempt: row.get(18)?,
    })
}
