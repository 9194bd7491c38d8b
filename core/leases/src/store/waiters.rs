//! The rows of those who wait.

use std::collections::BTreeSet;

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Error, Row, params};
use conclave_db::{ReadConn, WriteTx};

use super::grants;
use crate::error::Result;
use crate::model::Mode;
use crate::name::{HolderId, LeaseName};
use crate::queue::Place;

/// Who waits for names that hang together: for this one, for others that one of those waits for too, and so on. In
/// the order of the queue.
pub(crate) fn around(conn: &ReadConn<'_>, name: &LeaseName) -> Result<Vec<Place>> {
    let sql = "WITH RECURSIVE around(name) AS (
                 VALUES(?1)
                 UNION SELECT others.name FROM around JOIN lease_waits AS mine ON mine.name = around.name
                   JOIN lease_waits AS others ON others.waiter = mine.waiter
               )
               SELECT w.id, w.ticket, w.holder_id, w.mode, w.boot_id, w.pid_namespace, w.pid, w.start_time,
                 w.since_utc_ms, w.could_since_boot_ms, w.asleep, lease_waits.name
               FROM around JOIN lease_waits ON lease_waits.name = around.name
                 JOIN lease_waiters AS w ON w.id = lease_waits.waiter
               ORDER BY w.asleep, w.ticket, lease_waits.name";
    Ok(together(conn.query_all(sql, [name.as_str()], place)?))
}

/// All who wait, in the order of the queue.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Place>> {
    let sql = "SELECT w.id, w.ticket, w.holder_id, w.mode, w.boot_id, w.pid_namespace, w.pid, w.start_time,
                 w.since_utc_ms, w.could_since_boot_ms, w.asleep, lease_waits.name
               FROM lease_waiters AS w JOIN lease_waits ON lease_waits.waiter = w.id
               ORDER BY w.asleep, w.ticket, lease_waits.name";
    Ok(together(conn.query_all(sql, [], place)?))
}

/// One row for each name that one waits for.
fn place(row: &Row<'_>) -> Result<Place, Error> {
    Ok(Place {
        id: row.get(0)?,
        ticket: row.get(1)?,
        holder: HolderId::stored(row.get(2)?),
        mode: grants::mode(row, 3)?,
        process: ProcessIdentity {
            boot_id: row.get(4)?,
            pid_namespace: row.get(5)?,
            pid: row.get(6)?,
            start_time: row.get(7)?,
        },
        since_utc_ms: row.get(8)?,
        could_since_boot_ms: row.get(9)?,
        asleep: row.get(10)?,
        names: BTreeSet::from([LeaseName::stored(row.get(11)?)]),
    })
}

fn together(rows: Vec<Place>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::with_capacity(rows.len());
    for row in rows {
        match places.last_mut() {
            Some(last) if last.id == row.id => last.names.extend(row.names),
            _ => places.push(row),
        }
    }
    places
}

/// Puts one at the end of the queue; gives its id.
pub(crate) fn insert(
    tx: &WriteTx<'_>,
    names: &[LeaseName],
    mode: Mode,
    holder: &HolderId,
    process: &ProcessIdentity,
    since_utc_ms: i64,
) -> Result<i64> {
    let sql = "INSERT INTO lease_waiters(ticket, holder_id, mode, boot_id, pid_namespace, pid, start_time, since_utc_ms)
               SELECT ifnull(max(ticket), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM lease_waiters RETURNING id";
    let ProcessIdentity { boot_id, pid_namespace, pid, start_time } = process;
    let id = tx.query_row(
        sql,
        params![holder.as_str(), mode.as_str(), boot_id, pid_namespace, pid, start_time, since_utc_ms],
        |row| row.get(0),
    )?;
    for name in names {
        tx.execute("INSERT INTO lease_waits(name, waiter) VALUES(?1, ?2)", params![name.as_str(), id])?;
    }
    Ok(id)
}

/// Removes one, whether or not it is there.
pub(crate) fn remove(tx: &WriteTx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM lease_waiters WHERE id = ?1", [id])?;
    Ok(())
}

/// Puts one to sleep: behind all others, until it wakes.
pub(crate) fn sleeps(tx: &WriteTx<'_>, id: i64) -> Result<()> {
    tx.execute("UPDATE lease_waiters SET asleep = 1, could_since_boot_ms = NULL WHERE id = ?1", [id])?;
    Ok(())
}

/// Gives one that was asleep the last ticket; whether it is still there.
pub(crate) fn wakes(tx: &WriteTx<'_>, id: i64) -> Result<bool> {
    let sql = "UPDATE lease_waiters SET asleep = 0, ticket = 1 + (SELECT max(ticket) FROM lease_waiters)
               WHERE id = ?1";
    Ok(tx.execute(sql, [id])? > 0)
}

/// Writes down since when one could take what it waits for.
pub(crate) fn set_could_since(tx: &WriteTx<'_>, id: i64, boot_ms: Option<i64>) -> Result<()> {
    tx.execute("UPDATE lease_waiters SET could_since_boot_ms = ?2 WHERE id = ?1", params![id, boot_ms])?;
    Ok(())
}
