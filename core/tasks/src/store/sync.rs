//! What files need: all rows, other lines, bases.

use conclave_db::sql::params;
use conclave_db::{DbError, ErrorKind, ReadConn, WriteTx};
use sha2::{Digest, Sha256};

use super::tasks::Stored;
use crate::error::{Result, TaskError};
use crate::record::{Line, Other, OtherKind, Record, parse};

/// A task or another line as an export needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: Option<String>,
    pub(crate) is_header: bool,
    pub(crate) bytes: Vec<u8>,
}

/// All tasks and other lines, in the order of their file.
pub(crate) fn rows(conn: &ReadConn<'_>) -> Result<Vec<Row>> {
    let rows = conn.query_all(
        "SELECT id, 0 AS is_header, record AS bytes, place, 0 AS kind, number FROM tasks
         UNION ALL SELECT id, is_header, line, place, 1, number FROM task_lines
         ORDER BY place, kind, number",
        [],
        |row| Ok(Row { id: row.get(0)?, is_header: row.get(1)?, bytes: row.get(2)? }),
    )?;
    Ok(rows)
}

/// A task as its row, its record not yet looked at.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) number: i64,
    pub(crate) place: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Raw {
    /// The task. An error where the record is none: the file is damaged.
    pub(crate) fn read(&self) -> Result<Stored> {
        let record = Record::read(&self.bytes).map_err(|flaw| damaged(&flaw.to_string()))?;
        Ok(Stored { number: self.number, record })
    }
}

fn damaged(what: &str) -> TaskError {
    let text = format!("a stored record: {what}");
    TaskError::Storage(DbError::Sqlite { kind: ErrorKind::Corrupt, code: 0, text })
}

/// All tasks with their ids, in the order of their file.
pub(crate) fn tasks(conn: &ReadConn<'_>) -> Result<Vec<(String, Raw)>> {
    let rows =
        conn.query_all("SELECT id, number, place, record FROM tasks ORDER BY place, number", [], |row| {
            let raw = Raw { number: row.get(1)?, place: row.get(2)?, bytes: row.get(3)? };
            Ok((row.get(0)?, raw))
        })?;
    Ok(rows)
}

/// One task.
pub(crate) fn task(conn: &ReadConn<'_>, id: &str) -> Result<Option<Raw>> {
    let row = conn.query_optional("SELECT number, place, record FROM tasks WHERE id = ?", [id], |row| {
        Ok(Raw { number: row.get(0)?, place: row.get(1)?, bytes: row.get(2)? })
    })?;
    Ok(row)
}

/// A line that is no task, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredLine {
    pub(crate) number: i64,
    pub(crate) place: i64,
    pub(crate) other: Other,
}

/// All lines that are no tasks, in the order of their file.
pub(crate) fn lines(conn: &ReadConn<'_>) -> Result<Vec<StoredLine>> {
    let mut lines = Vec::new();
    conn.for_each::<TaskError, _>(
        "SELECT number, place, id, is_header, line FROM task_lines ORDER BY place, number",
        [],
        |row| {
            let get = || {
                let (id, is_header, bytes) = (row.get(2)?, row.get::<_, bool>(3)?, row.get::<_, Vec<u8>>(4)?);
                Ok::<_, conclave_db::sql::Error>((row.get(0)?, row.get(1)?, id, is_header, bytes))
            };
            let (number, place, id, is_header, bytes) = get().map_err(DbError::from)?;
            // Its time is not stored: it is asked for only here.
            let updated_at = match parse(&bytes) {
                Ok(Line::Other(other)) => other.updated_at,
                _ => None,
            };
            let kind = if is_header { OtherKind::Header } else { OtherKind::Record };
            lines.push(StoredLine { number, place, other: Other { kind, id, updated_at, bytes } });
            Ok(())
        },
    )?;
    Ok(lines)
}

/// Adds a line that is no task.
pub(crate) fn insert_line(tx: &WriteTx<'_>, other: &Other, place: i64) -> Result<()> {
    tx.execute(
        "INSERT INTO task_lines(id, is_header, place, line, sha256) VALUES (?, ?, ?, ?, ?)",
        params![other.id, other.kind == OtherKind::Header, place, other.bytes, sha256(&other.bytes)],
    )?;
    Ok(())
}

/// Puts another line of the same id in the place of one.
pub(crate) fn replace_line(tx: &WriteTx<'_>, number: i64, other: &Other) -> Result<()> {
    tx.execute(
        "UPDATE task_lines SET is_header = ?, line = ?, sha256 = ? WHERE number = ?",
        params![other.kind == OtherKind::Header, other.bytes, sha256(&other.bytes), number],
    )?;
    Ok(())
}

/// Takes a line away.
pub(crate) fn remove_line(tx: &WriteTx<'_>, number: i64) -> Result<()> {
    tx.execute("DELETE FROM task_lines WHERE number = ?", [number])?;
    Ok(())
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

/// Before the path of a file that is about to be written: what is about to stand in it. No canonical path begins so.
const NEXT: &str = "next:";

/// The base of the next sync with a file, which has these bytes: as it was when the store last took it in, or, where
/// the sync that has written it was ended before it could say so, as it is.
pub(crate) fn base(conn: &ReadConn<'_>, path: &str, file: &[u8]) -> Result<Option<Vec<u8>>> {
    let find = |path: &str| {
        conn.query_optional("SELECT base FROM task_sync_bases WHERE path = ?", [path], |row| {
            row.get::<_, Vec<u8>>(0)
        })
    };
    match find(&format!("{NEXT}{path}"))? {
        Some(next) if next == file => Ok(Some(next)),
        _ => Ok(find(path)?),
    }
}

/// The store has taken a file in that has the bytes `base`; what is about to be written is `next`, `None` where that
/// is the same.
pub(crate) fn set_base(tx: &WriteTx<'_>, path: &str, base: &[u8], next: Option<&[u8]>) -> Result<()> {
    let at = tx.now_ms();
    let set = |path: &str, bytes: &[u8]| {
        tx.execute(
            "INSERT INTO task_sync_bases(path, base, at) VALUES (?, ?, ?)
             ON CONFLICT (path) DO UPDATE SET base = excluded.base, at = excluded.at
               WHERE base <> excluded.base",
            params![path, bytes, at],
        )
    };
    set(path, base)?;
    let coming = format!("{NEXT}{path}");
    match next {
        Some(next) => set(&coming, next)?,
        None => tx.execute("DELETE FROM task_sync_bases WHERE path = ?", [&coming])?,
    };
    Ok(())
}
