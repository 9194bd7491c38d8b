//! Lines of a file that are no tasks, and all lines as an export needs them.

use std::collections::HashMap;

use conclave_db::sql::params;
use conclave_db::{DbError, ErrorKind, ReadConn, WriteTx};
use sha2::{Digest, Sha256};

use crate::error::{Result, TaskError};
use crate::record::{Identity, Line, Other, parse};

/// A task or another line as an export needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Option<String>,
    /// Of a header what its `_schema` says.
    pub(crate) schema: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Row {
    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity::of(self.id.as_deref(), self.schema.as_deref(), &self.bytes)
    }
}

/// All tasks and other lines, in the order of their file.
pub(crate) fn rows(conn: &ReadConn<'_>) -> Result<Vec<Row>> {
    let rows = conn.query_all(
        "SELECT id, NULL AS schema, record AS bytes, place, 0 AS kind, number FROM tasks
         UNION ALL SELECT id, schema, line, place, 1, number FROM task_lines
         ORDER BY place, kind, number",
        [],
        |row| Ok(Row { id: row.get(0)?, schema: row.get(1)?, bytes: row.get(2)? }),
    )?;
    Ok(rows)
}

/// A line that is no task, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredLine {
    pub(crate) number: i64,
    pub(crate) place: i64,
    pub(crate) other: Other,
}

/// All lines that are no tasks, in the order of their file.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<StoredLine>> {
    let mut lines = Vec::new();
    let sql = "SELECT number, place, line FROM task_lines ORDER BY place, number";
    conn.for_each::<TaskError, _>(sql, [], |row| {
        let get = || Ok::<_, conclave_db::sql::Error>((row.get(0)?, row.get(1)?, row.get::<_, Vec<u8>>(2)?));
        let (number, place, bytes) = get().map_err(DbError::from)?;
        // It was let in as such a line: only somebody else's hand in the file can have changed that.
        let Ok(Line::Other(other)) = parse(&bytes) else { return Err(damaged(number)) };
        lines.push(StoredLine { number, place, other });
        Ok(())
    })?;
    Ok(lines)
}

/// Lines by what makes each the one that it is.
pub(crate) fn by_identity(lines: &[StoredLine]) -> HashMap<Identity<'_>, &StoredLine> {
    lines.iter().map(|line| (line.other.identity(), line)).collect()
}

fn damaged(number: i64) -> TaskError {
    let text = format!("the line with the number {number} is damaged");
    TaskError::Storage(DbError::Sqlite { kind: ErrorKind::Corrupt, code: 0, text })
}

/// Adds a line that is no task.
pub(crate) fn insert(tx: &WriteTx<'_>, other: &Other, place: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO task_lines(id, schema, place, line, sha256) VALUES (?, ?, ?, ?, ?)",
        params![other.id, other.schema, place, other.bytes, sha256(other)],
    )?;
    Ok(())
}

/// Puts another line of the same identity in the place of one.
pub(crate) fn replace(tx: &WriteTx<'_>, number: i64, other: &Other) -> Result<()> {
    tx.execute(
        "UPDATE task_lines SET schema = ?, line = ?, sha256 = ? WHERE number = ?",
        params![other.schema, other.bytes, sha256(other), number],
    )?;
    Ok(())
}

/// Takes a line away.
pub(crate) fn remove(tx: &WriteTx<'_>, number: i64) -> Result<()> {
    tx.execute("DELETE FROM task_lines WHERE number = ?", [number])?;
    Ok(())
}

/// Of a line that is itself, the hash: it stands once.
fn sha256(other: &Other) -> Option<Vec<u8>> {
    match other.identity() {
        Identity::Bytes(bytes) => Some(Sha256::digest(bytes).to_vec()),
        _ => None,
    }
}
