//! Writing rows of agents.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{Result, WriteTx};

use super::table;
use crate::agents::{Agent, End, Key, Kind};
use crate::time::text_of;

/// Whether a row is still of the process with the pid ?3 and the start time ?4; without a process, of the registration
/// at ?2.
const SAME: &str = "pid IS ?3 AND (start_time IS ?4 OR ?4 IS NULL) AND (pid IS NOT NULL OR started_at = ?2)";

/// A row that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) key: Key,
    pub(crate) name: String,
    /// A builder's.
    pub(crate) type_word: &'static str,
    pub(crate) task_text: Option<String>,
    pub(crate) protocol_name: Option<String>,
    /// An annotation's.
    pub(crate) file: String,
    pub(crate) parent: (String, Option<String>),
    pub(crate) cmd: String,
    pub(crate) port: Option<u16>,
    /// One that is adopted.
    pub(crate) process: Option<ProcessIdentity>,
    /// Who is about to start one.
    pub(crate) supervisor: Option<ProcessIdentity>,
}

/// Makes a row.
pub(crate) fn insert(tx: &WriteTx<'_>, draft: &Draft) -> Result<()> {
    let now = text_of(tx.now_ms());
    let Draft { key, name, cmd, port, process, supervisor, .. } = draft;
    // Both are of the place that this process is in.
    let place = process.as_ref().or(supervisor.as_ref());
    let (boot_id, namespace) = (place.map(|place| place.boot_id.as_str()), namespace(place));
    let pid = process.as_ref().map(|process| process.pid);
    let since = start_time(process.as_ref());
    let above = supervisor.as_ref().map(|supervisor| supervisor.pid);
    let above_since = start_time(supervisor.as_ref());
    let common = "port, cmd, pid, start_time, boot_id, pid_namespace, supervisor_pid, supervisor_start_time, \
                  started_at, updated_at";
    let values = "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10";
    match key.kind {
        Kind::Architect => tx.execute(
            &format!("INSERT INTO architect(name, {common}) VALUES(?1, {values})"),
            params![key.id, port, cmd, pid, since, boot_id, namespace, above, above_since, now],
        ),
        Kind::Builder => tx.execute(
            &format!(
                "INSERT INTO builders(id, {common}, name, type, task_text, protocol_name)
                 VALUES(?1, {values}, ?11, ?12, ?13, ?14)"
            ),
            params![
                key.id,
                port,
                cmd,
                pid,
                since,
                boot_id,
                namespace,
                above,
                above_since,
                now,
                name,
                draft.type_word,
                draft.task_text,
                draft.protocol_name
            ],
        ),
        Kind::Util => tx.execute(
            &format!("INSERT INTO utils(id, {common}, name) VALUES(?1, {values}, ?11)"),
            params![key.id, port, cmd, pid, since, boot_id, namespace, above, above_since, now, name],
        ),
        Kind::Annotation => tx.execute(
            &format!(
                "INSERT INTO annotations(id, {common}, file, parent_type, parent_id)
                 VALUES(?1, {values}, ?11, ?12, ?13)"
            ),
            params![
                key.id,
                port,
                cmd,
                pid,
                since,
                boot_id,
                namespace,
                above,
                above_since,
                now,
                draft.file,
                draft.parent.0,
                draft.parent.1
            ],
        ),
    }?;
    Ok(())
}

/// Removes a row; gives whether there was one.
pub(crate) fn delete(tx: &WriteTx<'_>, key: &Key) -> Result<bool> {
    let (table, id) = table(key.kind);
    Ok(tx.execute(&format!("DELETE FROM {table} WHERE {id} = ?1"), [&key.id])? > 0)
}

/// Notes the process of an agent that was registered and has none yet; gives whether the row is still as it was.
pub(crate) fn start(
    tx: &WriteTx<'_>,
    agent: &Agent,
    process: &ProcessIdentity,
    supervisor: &ProcessIdentity,
) -> Result<bool> {
    let (table, id) = table(agent.key.kind);
    let sql = format!(
        "UPDATE {table} SET pid = ?3, start_time = ?4, boot_id = ?5, pid_namespace = ?6, supervisor_pid = ?7,
           supervisor_start_time = ?8, updated_at = ?9
         WHERE {id} = ?1 AND started_at = ?2 AND pid IS NULL AND ended_at IS NULL"
    );
    let changed = tx.execute(
        &sql,
        params![
            agent.key.id,
            text_of(agent.started_at_ms),
            process.pid,
            start_time(Some(process)),
            process.boot_id,
            namespace(Some(process)),
            supervisor.pid,
            start_time(Some(supervisor)),
            text_of(tx.now_ms())
        ],
    )?;
    Ok(changed > 0)
}

/// Records the end of the very process that `agent` names, and frees its port; gives whether the row still names it.
/// Who waited knows better than who found it lost, and one that was stopped stays so.
pub(crate) fn end(tx: &WriteTx<'_>, agent: &Agent, how: End, exit_status: Option<i32>) -> Result<bool> {
    let (table, id) = table(agent.key.kind);
    let sql = format!(
        "UPDATE {table} SET port = NULL, ended_at = ifnull(ended_at, ?5), updated_at = ?5,
           ended_how = CASE WHEN ended_how IS NULL OR ended_how = 'lost' THEN ?6 ELSE ended_how END,
           exit_status = ifnull(?7, exit_status)
         WHERE {id} = ?1 AND {SAME}"
    );
    let changed = tx.execute(
        &sql,
        params![
            agent.key.id,
            text_of(agent.started_at_ms),
            agent.pid,
            start_time(agent.process.as_ref()),
            text_of(tx.now_ms()),
            word(how),
            exit_status
        ],
    )?;
    Ok(changed > 0)
}

/// Says of an end that was recorded already that it was a stop.
pub(crate) fn mark_stopped(tx: &WriteTx<'_>, agent: &Agent) -> Result<()> {
    let (table, id) = table(agent.key.kind);
    let sql = format!(
        "UPDATE {table} SET ended_how = 'stopped'
         WHERE {id} = ?1 AND {SAME} AND ended_at IS NOT NULL"
    );
    let since = start_time(agent.process.as_ref());
    tx.execute(&sql, params![agent.key.id, text_of(agent.started_at_ms), agent.pid, since])?;
    Ok(())
}

/// What a builder says of itself; gives whether there is one.
pub(crate) fn say(tx: &WriteTx<'_>, id: &str, status: Option<&str>, phase: Option<&str>) -> Result<bool> {
    let sql = "UPDATE builders SET status = ifnull(?2, status), phase = ifnull(?3, phase), updated_at = ?4
               WHERE id = ?1";
    Ok(tx.execute(sql, params![id, status, phase, text_of(tx.now_ms())])? > 0)
}

const fn word(how: End) -> &'static str {
    match how {
        End::Exited => "exited",
        End::Stopped => "stopped",
        End::Lost => "lost",
    }
}

/// Beyond what a column can hold it is none that a system ever gave.
fn start_time(process: Option<&ProcessIdentity>) -> Option<i64> {
    process.and_then(|process| i64::try_from(process.start_time).ok())
}

fn namespace(process: Option<&ProcessIdentity>) -> Option<i64> {
    process.and_then(|process| i64::try_from(process.pid_namespace).ok())
}
