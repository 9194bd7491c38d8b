//! Tasks whose records are not looked at yet: most of those that a file has are what they are here.

use conclave_db::ReadConn;

use super::reading;
use super::tasks::Stored;
use crate::error::Result;
use crate::record::Record;

/// A task as its row.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) number: i64,
    pub(crate) place: i64,
    pub(crate) bytes: Vec<u8>,
}

impl Raw {
    /// The task. An error where the record is none: the file is damaged.
    pub(crate) fn read(&self) -> Result<Stored> {
        let record = Record::read(&self.bytes).map_err(|flaw| reading::damaged(self.number, &flaw))?;
        Ok(Stored { number: self.number, record })
    }
}

/// All tasks with their ids, in the order of their file.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<(String, Raw)>> {
    let rows =
        conn.query_all("SELECT id, number, place, record FROM tasks ORDER BY place, number", [], |row| {
            let raw = Raw { number: row.get(1)?, place: row.get(2)?, bytes: row.get(3)? };
            Ok((row.get(0)?, raw))
        })?;
    Ok(rows)
}

/// Some tasks, by their numbers after this one; none is the end.
pub(crate) fn after(conn: &ReadConn<'_>, number: i64) -> conclave_db::Result<Vec<Raw>> {
    let sql = "SELECT number, place, record FROM tasks WHERE number > ?1 ORDER BY number LIMIT 1000";
    conn.query_all(sql, [number], |row| {
        Ok(Raw { number: row.get(0)?, place: row.get(1)?, bytes: row.get(2)? })
    })
}

/// One task.
pub(crate) fn find(conn: &ReadConn<'_>, id: &str) -> Result<Option<Raw>> {
    let row = conn.query_optional("SELECT number, place, record FROM tasks WHERE id = ?", [id], |row| {
        Ok(Raw { number: row.get(0)?, place: row.get(1)?, bytes: row.get(2)? })
    })?;
    Ok(row)
}
