//! Calls that run, and callers that wait.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Error, FromSqlError, Row, params};
use conclave_db::{ReadConn, Result, WriteTx};

use crate::ledger::{Flight, Kind};
use crate::presence::Presence;
use crate::store::{namespace, read, stored};

/// Reads all columns of a row.
fn flight(row: &Row<'_>) -> Result<Flight, Error> {
    Ok(Flight {
        id: row.get(0)?,
        endpoint: row.get(1)?,
        model: row.get(2)?,
        kind: Kind::parse(row.get_ref(3)?.as_str()?).ok_or(FromSqlError::InvalidType)?,
        process: ProcessIdentity {
            boot_id: row.get(7)?,
            // What is no number is no namespace of here either.
            pid_namespace: row.get_ref(6)?.as_str()?.parse().unwrap_or(u64::MAX),
            pid: row.get(4)?,
            start_time: row.get::<_, i64>(5).map(read)?,
        },
        started: row.get(8)?,
        beat: row.get(9)?,
        generation: row.get(10)?,
        reserved_tokens: row.get::<_, i64>(11).map(read)?,
    })
}

pub(super) fn of_host(conn: &ReadConn<'_>, endpoint: &str) -> Result<Vec<Flight>> {
    let sql = "SELECT id, endpoint, model, kind, pid, pid_start, pid_ns, boot_id, started, beat, generation,
                 reserved_tokens FROM llm_inflight WHERE endpoint = ?1 ORDER BY id";
    conn.query_all(sql, [endpoint], flight)
}

pub(super) fn all(conn: &ReadConn<'_>) -> Result<Vec<Flight>> {
    let sql = "SELECT id, endpoint, model, kind, pid, pid_start, pid_ns, boot_id, started, beat, generation,
                 reserved_tokens FROM llm_inflight ORDER BY id";
    conn.query_all(sql, [], flight)
}

/// Callers that wait for a host, and calls that run there; those of ended processes are not among them.
pub(crate) fn waiting_and_running(
    conn: &ReadConn<'_>,
    endpoint: &str,
    presence: &Presence,
    now_boot_ms: i64,
) -> Result<(u64, u64)> {
    let (mut waiting, mut running) = (0_u64, 0_u64);
    for flight in of_host(conn, endpoint)?.iter().filter(|flight| presence.lives(flight, now_boot_ms)) {
        let count = if flight.kind == Kind::Wait { &mut waiting } else { &mut running };
        *count = count.saturating_add(1);
    }
    Ok((waiting, running))
}

pub(super) fn enter(tx: &WriteTx<'_>, flight: &Flight) -> Result<i64> {
    let sql = "INSERT INTO llm_inflight(endpoint, model, kind, pid, pid_start, pid_ns, boot_id, started, beat, generation,
                 reserved_tokens)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id";
    let process = &flight.process;
    tx.query_row(
        sql,
        params![
            flight.endpoint,
            flight.model,
            flight.kind.as_str(),
            process.pid,
            stored(process.start_time),
            namespace(process),
            process.boot_id,
            flight.started,
            flight.beat,
            flight.generation,
            stored(flight.reserved_tokens),
        ],
        |row| row.get(0),
    )
}

pub(super) fn become_flight(tx: &WriteTx<'_>, flight: &Flight) -> Result<bool> {
    let sql = "UPDATE llm_inflight SET endpoint = ?2, model = ?3, kind = ?4, started = ?5, beat = ?6, generation = ?7,
                 reserved_tokens = ?8 WHERE id = ?1";
    let changed = tx.execute(
        sql,
        params![
            flight.id,
            flight.endpoint,
            flight.model,
            flight.kind.as_str(),
            flight.started,
            flight.beat,
            flight.generation,
            stored(flight.reserved_tokens),
        ],
    )?;
    Ok(changed > 0)
}

pub(super) fn leave(tx: &WriteTx<'_>, id: i64) -> Result<()> {
    tx.execute("DELETE FROM llm_inflight WHERE id = ?1", [id])?;
    Ok(())
}

/// Touches all rows of a process.
pub(crate) fn beat(tx: &WriteTx<'_>, process: &ProcessIdentity, now_boot_ms: i64) -> Result<()> {
    let sql = "UPDATE llm_inflight SET beat = ?1 WHERE pid = ?2 AND pid_start = ?3 AND pid_ns = ?4 AND boot_id = ?5";
    let process =
        params![now_boot_ms, process.pid, stored(process.start_time), namespace(process), process.boot_id];
    tx.execute(sql, process)?;
    Ok(())
}
