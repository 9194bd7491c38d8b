//! Writing rows of agents.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{Result, WriteTx};

use super::table;
use crate::agents::{Agent, End, Key, Kind};
use crate::time::text_of;

/// Whether a row is still the registration ?2 with the pid ?3, or without one.
const SAME: &str = "registration = ?2 AND pid IS ?3";

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
    /// Who registers it: the boot and the namespace of the row are its own.
    pub(crate) registrar: ProcessIdentity,
}

/// Makes a row.
pub(crate) fn insert(tx: &WriteTx<'_>, draft: &Draft) -> Result<()> {
    let now = text_of(tx.now_ms());
    let Draft { key, name, cmd, port, process, supervisor, registrar, .. } = draft;
    // All of them are of the place that this process is in.
    let (boot_id, namespace) = (&registrar.boot_id, namespace(registrar));
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

/// Removes the row of this registration; gives whether it was there.
pub(crate) fn delete(tx: &WriteTx<'_>, agent: &Agent) -> Result<bool> {
    let (table, id) = table(agent.key.kind);
    let sql = format!("DELETE FROM {table} WHERE {id} = ?1 AND registration = ?2");
    Ok(tx.execute(&sql, params![agent.key.id, agent.registration])? > 0)
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
         WHERE {id} = ?1 AND registration = ?2 AND pid IS NULL AND ended_at IS NULL"
    );
    let changed = tx.execute(
        &sql,
        params![
            agent.key.id,
            agent.registration,
            process.pid,
            start_time(Some(process)),
            process.boot_id,
            namespace(process),
            supervisor.pid,
            start_time(Some(supervisor)),
            text_of(tx.now_ms())
        ],
    )?;
    Ok(changed > 0)
}

/// Records the end of the agent with the process that it names, or without one, and frees its port; gives whether the
/// row is still that agent's. What is known better wins: a stop over an exit, and both over a loss; a code stays.
pub(crate) fn end(tx: &WriteTx<'_>, agent: &Agent, how: End, exit_status: Option<i32>) -> Result<bool> {
    let (table, id) = table(agent.key.kind);
    let sql = format!(
        "UPDATE {table} SET port = NULL, ended_at = ifnull(ended_at, ?4), updated_at = ?4,
           ended_how = CASE WHEN ended_how = 'stopped' OR ended_how = 'exited' AND ?5 = 'lost' THEN ended_how ELSE ?5 END,
           exit_status = ifnull(?6, exit_status)
         WHERE {id} = ?1 AND {SAME}"
    );
    let now = text_of(tx.now_ms());
    let changed =
        tx.execute(&sql, params![agent.key.id, agent.registration, agent.pid, now, word(how), exit_status])?;
    Ok(changed > 0)
}

/// What a builder says of itself; gives whether it is still there.
pub(crate) fn say(
    tx: &WriteTx<'_>,
    agent: &Agent,
    status: Option<&str>,
    phase: Option<&str>,
) -> Result<bool> {
    let sql = "UPDATE builders SET status = ifnull(?3, status), phase = ifnull(?4, phase), updated_at = ?5
               WHERE id = ?1 AND registration = ?2";
    let now = text_of(tx.now_ms());
    Ok(tx.execute(sql, params![agent.key.id, agent.registration, status, phase, now])? > 0)
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

fn namespace(process: &ProcessIdentity) -> Option<i64> {
    i64::try_from(process.pid_namespace).ok()
}
