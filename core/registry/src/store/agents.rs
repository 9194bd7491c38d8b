//! The rows of agents, of all four tables in one shape.

mod change;

use std::path::PathBuf;

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Error, Row};
use conclave_db::{ReadConn, Result};

pub(crate) use self::change::{Draft, delete, end, insert, say, start};
use crate::agents::{Agent, Counts, End, Ended, Key, Kind};
use crate::time::ms_of;

/// The columns of the view, in the order that [`agent`] takes them.
const COLUMNS: &str = "kind, id, registration, name, type, status, phase, task_text, protocol_name, file, parent_type, parent_id, \
                       worktree, branch, base_commit, port, cmd, pid, start_time, boot_id, pid_namespace, \
                       supervisor_pid, supervisor_start_time, exit_status, ended_at, ended_how, started_at, updated_at";

/// All agents: architects first, then the newest.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Agent>> {
    let sql = format!("SELECT {COLUMNS} FROM agents ORDER BY kind <> 'architect', started_at DESC, kind, id");
    conn.query_all(&sql, [], agent)
}

/// Those whose end is not recorded, but for what has neither a process nor a boot that it belongs to.
pub(crate) fn open(conn: &ReadConn<'_>) -> Result<Vec<Agent>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM agents
         WHERE ended_at IS NULL AND (pid IS NOT NULL OR supervisor_pid IS NOT NULL OR boot_id IS NOT NULL)"
    );
    conn.query_all(&sql, [], agent)
}

/// Those of any kind with this id.
pub(crate) fn with_id(conn: &ReadConn<'_>, id: &str) -> Result<Vec<Agent>> {
    conn.query_all(&format!("SELECT {COLUMNS} FROM agents WHERE id = ?1 ORDER BY kind"), [id], agent)
}

/// The agent with this key.
pub(crate) fn one(conn: &ReadConn<'_>, key: &Key) -> Result<Option<Agent>> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE kind = ?1 AND id = ?2");
    conn.query_optional(&sql, (key.kind.as_str(), &key.id), agent)
}

/// The very agent that was registered then; `None` when it is gone, also where its id was given away again.
pub(crate) fn same(conn: &ReadConn<'_>, agent: &Agent) -> Result<Option<Agent>> {
    Ok(one(conn, &agent.key)?.filter(|now| now.registration == agent.registration))
}

/// How many rows there are.
pub(crate) fn counts(conn: &ReadConn<'_>) -> Result<Counts> {
    let sql = "SELECT (SELECT COUNT(*) FROM architect), (SELECT COUNT(*) FROM builders),
                      (SELECT COUNT(*) FROM utils), (SELECT COUNT(*) FROM annotations)";
    conn.query_row(sql, [], |row| {
        Ok(Counts {
            architects: row.get(0)?,
            builders: row.get(1)?,
            utils: row.get(2)?,
            annotations: row.get(3)?,
        })
    })
}

/// A table, and the column of its ids.
const fn table(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Architect => ("architect", "name"),
        Kind::Builder => ("builders", "id"),
        Kind::Util => ("utils", "id"),
        Kind::Annotation => ("annotations", "id"),
    }
}

fn agent(row: &Row<'_>) -> Result<Agent, Error> {
    let kind = match row.get_ref("kind")?.as_str()? {
        "architect" => Kind::Architect,
        "builder" => Kind::Builder,
        "util" => Kind::Util,
        _ => Kind::Annotation,
    };
    let pid: Option<i64> = row.get("pid")?;
    let place = Place { boot_id: row.get("boot_id")?, pid_namespace: row.get("pid_namespace")? };
    let process = place.process(pid, row.get("start_time")?);
    let supervisor = place.process(row.get("supervisor_pid")?, row.get("supervisor_start_time")?);
    let parent: Option<String> = row.get("parent_type")?;
    Ok(Agent {
        key: Key { kind, id: row.get("id")? },
        registration: row.get("registration")?,
        name: row.get("name")?,
        type_word: row.get("type")?,
        status: row.get("status")?,
        phase: row.get("phase")?,
        task_text: row.get("task_text")?,
        protocol_name: row.get("protocol_name")?,
        file: row.get("file")?,
        parent: parent.map(|kind| Ok::<_, Error>((kind, row.get("parent_id")?))).transpose()?,
        worktree: filled(row.get("worktree")?).map(PathBuf::from),
        branch: filled(row.get("branch")?),
        base_commit: row.get("base_commit")?,
        port: row.get("port")?,
        cmd: row.get("cmd")?,
        pid,
        process,
        supervisor,
        boot_id: place.boot_id,
        ended: ended(row)?,
        started_at_ms: ms_of(row.get_ref("started_at")?.as_str()?).unwrap_or_default(),
        updated_at_ms: ms_of(row.get_ref("updated_at")?.as_str()?).unwrap_or_default(),
    })
}

fn ended(row: &Row<'_>) -> Result<Option<Ended>, Error> {
    let how: Option<String> = row.get("ended_how")?;
    let Some(how) = how else { return Ok(None) };
    let at: Option<String> = row.get("ended_at")?;
    let status: Option<i64> = row.get("exit_status")?;
    Ok(Some(Ended {
        how: match how.as_str() {
            "exited" => End::Exited,
            "stopped" => End::Stopped,
            _ => End::Lost,
        },
        at_ms: at.as_deref().and_then(ms_of).unwrap_or_default(),
        exit_status: status.and_then(|status| i32::try_from(status).ok()),
    }))
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Where the processes of a row are.
struct Place {
    boot_id: Option<String>,
    pid_namespace: Option<i64>,
}

impl Place {
    /// A process, where everything is known that makes one. Pids that mean no single process, or the first of all,
    /// are none of ours, whatever stands beside them.
    fn process(&self, pid: Option<i64>, start_time: Option<i64>) -> Option<ProcessIdentity> {
        Some(ProcessIdentity {
            boot_id: self.boot_id.clone()?,
            pid_namespace: u64::try_from(self.pid_namespace?).ok()?,
            pid: u32::try_from(pid?).ok().filter(|pid| *pid > 1)?,
            start_time: u64::try_from(start_time?).ok()?,
        })
    }
}
