//! The rows of `port_allocations`.

use std::collections::BTreeSet;

use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::time;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) project: String,
    pub(crate) base: u16,
    pub(crate) pid: Option<i64>,
    pub(crate) registered_at: String,
    pub(crate) last_used_at: String,
}

/// One to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct New<'row> {
    pub(crate) project: &'row str,
    pub(crate) base: u16,
    pub(crate) pid: Option<i64>,
    pub(crate) registered_ms: i64,
    pub(crate) used_ms: i64,
}

pub(crate) fn base_of(conn: &ReadConn<'_>, project: &str) -> Result<Option<u16>> {
    let sql = "SELECT base_port FROM port_allocations WHERE project_path = ?1";
    Ok(conn.query_optional(sql, [project], |row| row.get(0))?)
}

pub(crate) fn bases(conn: &ReadConn<'_>) -> Result<BTreeSet<u16>> {
    let all = conn.query_all("SELECT base_port FROM port_allocations", [], |row| row.get(0))?;
    Ok(all.into_iter().collect())
}

/// The project that has this base.
pub(crate) fn owner_of(conn: &ReadConn<'_>, base: u16) -> Result<Option<String>> {
    let sql = "SELECT project_path FROM port_allocations WHERE base_port = ?1";
    Ok(conn.query_optional(sql, [base], |row| row.get(0))?)
}

pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Row>> {
    let sql = "SELECT project_path, base_port, pid, registered_at, last_used_at FROM port_allocations ORDER BY base_port";
    Ok(conn.query_all(sql, [], |row| {
        Ok(Row {
            project: row.get(0)?,
            base: row.get(1)?,
            pid: row.get(2)?,
            registered_at: row.get(3)?,
            last_used_at: row.get(4)?,
        })
    })?)
}

pub(crate) fn count(conn: &ReadConn<'_>) -> Result<u64> {
    Ok(conn.query_row("SELECT count(*) FROM port_allocations", [], |row| row.get(0))?)
}

pub(crate) fn insert(tx: &WriteTx<'_>, new: &New<'_>) -> Result<()> {
    let (registered, used) = (time::text_of(new.registered_ms), time::text_of(new.used_ms));
    tx.execute(
        "INSERT INTO port_allocations(project_path, base_port, pid, registered_at, last_used_at)
         VALUES(?1, ?2, ?3, ?4, ?5)",
        (new.project, new.base, new.pid, registered, used),
    )?;
    Ok(())
}

/// The block was asked for. A clock that was set back does not take that back.
pub(crate) fn touch(tx: &WriteTx<'_>, project: &str, now_ms: i64) -> Result<()> {
    let sql = "UPDATE port_allocations SET last_used_at = max(last_used_at, ?2) WHERE project_path = ?1";
    tx.execute(sql, (project, time::text_of(now_ms)))?;
    Ok(())
}

/// Removes the row, unless it was used or changed since it was read; says whether it did.
pub(crate) fn delete_unused_since(tx: &WriteTx<'_>, row: &Row) -> Result<bool> {
    let sql = "DELETE FROM port_allocations WHERE project_path = ?1 AND base_port = ?2 AND last_used_at = ?3";
    Ok(tx.execute(sql, (&row.project, row.base, &row.last_used_at))? > 0)
}

/// Forgets the pid, where it is still this one.
pub(crate) fn forget_pid(tx: &WriteTx<'_>, project: &str, pid: i64) -> Result<()> {
    tx.execute(
        "UPDATE port_allocations SET pid = NULL WHERE project_path = ?1 AND pid = ?2",
        (project, pid),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
