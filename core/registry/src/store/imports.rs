//! The markers of imports, and the rows that imports bring.

use conclave_db::{ReadConn, WriteTx};

use crate::agents::Kind;
use crate::error::Result;
use crate::import::AgentRow;
use crate::time;

/// What a file with this path was imported as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) path: String,
    pub(crate) sha256: String,
    pub(crate) kept_as: Option<String>,
    pub(crate) archived: bool,
}

const COLUMNS: &str = "SELECT path, sha256, kept_as, archived_at IS NOT NULL FROM registry_imports";

fn marker(row: &conclave_db::sql::Row<'_>) -> Result<Marker, conclave_db::sql::Error> {
    Ok(Marker { path: row.get(0)?, sha256: row.get(1)?, kept_as: row.get(2)?, archived: row.get(3)? })
}

/// The markers of a path, the oldest first.
pub(crate) fn of_path(conn: &ReadConn<'_>, path: &str) -> Result<Vec<Marker>> {
    Ok(conn.query_all(&format!("{COLUMNS} WHERE path = ?1 ORDER BY imported_at, sha256"), [path], marker)?)
}

/// The markers of files that were not archived yet.
pub(crate) fn not_archived(conn: &ReadConn<'_>) -> Result<Vec<Marker>> {
    Ok(conn.query_all(&format!("{COLUMNS} WHERE archived_at IS NULL ORDER BY path"), [], marker)?)
}

pub(crate) fn insert(tx: &WriteTx<'_>, path: &str, sha256: &str) -> Result<()> {
    let now = time::text_of(tx.now_ms());
    tx.execute(
        "INSERT INTO registry_imports(path, sha256, imported_at) VALUES(?1, ?2, ?3)",
        (path, sha256, now),
    )?;
    Ok(())
}

pub(crate) fn note_kept(tx: &WriteTx<'_>, path: &str, sha256: &str, kept_as: &str) -> Result<()> {
    tx.execute(
        "UPDATE registry_imports SET kept_as = ?3 WHERE path = ?1 AND sha256 = ?2",
        (path, sha256, kept_as),
    )?;
    Ok(())
}

pub(crate) fn note_archived(tx: &WriteTx<'_>, path: &str, sha256: &str) -> Result<()> {
    let now = time::text_of(tx.now_ms());
    tx.execute(
        "UPDATE registry_imports SET archived_at = ?3 WHERE path = ?1 AND sha256 = ?2",
        (path, sha256, now),
    )?;
    Ok(())
}

/// Whether an agent of this kind has the id.
pub(crate) fn has_agent(conn: &ReadConn<'_>, kind: Kind, id: &str) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM agents WHERE kind = ?1 AND id = ?2)";
    Ok(conn.query_row(sql, (kind.as_str(), id), |row| row.get(0))?)
}

/// Kind and id of the agent that has the port.
pub(crate) fn holder_of(conn: &ReadConn<'_>, port: u16) -> Result<Option<(String, String)>> {
    let sql = "SELECT kind, id FROM agents WHERE port = ?1";
    Ok(conn.query_optional(sql, [port], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Inserts an agent as the file has it; what it does not say began now.
pub(crate) fn insert_agent(tx: &WriteTx<'_>, row: &AgentRow) -> Result<()> {
    let now = tx.now_ms();
    let (started, updated) = (time::text_of(row.started_ms.unwrap_or(now)), time::text_of(now));
    match row.kind {
        Kind::Architect => tx.execute(
            "INSERT INTO architect(name, pid, port, cmd, tmux_session, started_at, updated_at)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (&row.id, row.pid, row.port, &row.cmd, &row.tmux_session, started, updated),
        )?,
        Kind::Builder => tx.execute(
            "INSERT INTO builders(id, name, port, pid, status, phase, worktree, branch, tmux_session, type, task_text,
               protocol_name, started_at, updated_at)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            (
                &row.id,
                &row.name,
                row.port,
                row.pid,
                &row.status,
                &row.phase,
                &row.worktree,
                &row.branch,
                &row.tmux_session,
                &row.builder_type,
                &row.task_text,
                &row.protocol_name,
                started,
                updated,
            ),
        )?,
        Kind::Util => tx.execute(
            "INSERT INTO utils(id, name, port, pid, tmux_session, started_at, updated_at)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (&row.id, &row.name, row.port, row.pid, &row.tmux_session, started, updated),
        )?,
        Kind::Annotation => tx.execute(
            "INSERT INTO annotations(id, file, port, pid, parent_type, parent_id, tmux_session, started_at, updated_at)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (
                &row.id,
                &row.file,
                row.port,
                row.pid,
                &row.parent_type,
                &row.parent_id,
                &row.tmux_session,
                started,
                updated,
            ),
        )?,
    };
    Ok(())
}
