//! Who drives a run, and which runs nobody has closed yet.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::workflow::{Owner, Unfinished};

/// What came of taking a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is ours, and its time counts from now.
    Ours,
    /// Somebody else has it.
    Refused(Owner),
    /// It is closed.
    Closed,
}

/// The stored owner, and whether the run is closed.
fn stored(conn: &ReadConn<'_>, run: RunId) -> Result<(Owner, bool)> {
    let query = "SELECT owner, ended_at IS NOT NULL FROM run_settings WHERE run_id = ?1";
    let found = conn.query_optional(query, [run.0], |row| {
        Ok((Owner::stored(row.get::<_, Option<String>>(0)?.as_deref()), row.get(1)?))
    })?;
    if let Some(found) = found {
        return Ok(found);
    }
    let there = "SELECT EXISTS (SELECT 1 FROM consensus_runs WHERE id = ?1)";
    if conn.query_row(there, [run.0], |row| row.get(0))? {
        return Err(ConsensusError::refused(format!("run {run} was not begun by Conclave"), None));
    }
    Err(ConsensusError::NotFound { what: "run", name: run.to_string() })
}

/// Who drives the run now; nobody where it is closed.
pub(crate) fn driven(conn: &ReadConn<'_>, run: RunId) -> Result<Owner> {
    Ok(stored(conn, run)?.0)
}

/// Whether the run is closed, and who drives it. One that is gone is closed.
pub(crate) fn standing(conn: &ReadConn<'_>, run: RunId) -> Result<(bool, Owner)> {
    match stored(conn, run) {
        Ok((owner, closed)) => Ok((closed, owner)),
        Err(ConsensusError::NotFound { .. }) => Ok((true, Owner::Nobody)),
        Err(error) => Err(error),
    }
}

/// Who drives a run that is not closed; nothing where it is closed, or was not begun by Conclave.
pub(crate) fn left_by(conn: &ReadConn<'_>, run: RunId) -> Result<Option<Owner>> {
    let query = "SELECT owner FROM run_settings WHERE run_id = ?1 AND ended_at IS NULL";
    Ok(conn.query_optional(query, [run.0], |row| {
        Ok(Owner::stored(row.get::<_, Option<String>>(0)?.as_deref()))
    })?)
}

/// Takes a run that nobody alive drives.
pub(crate) fn take(tx: &WriteTx<'_>, run: RunId, me: &ProcessIdentity) -> Result<Taken> {
    let (owner, closed) = stored(tx, run)?;
    if closed {
        return Ok(Taken::Closed);
    }
    if !owner.may_take() {
        return Ok(Taken::Refused(owner));
    }
    tx.execute(
        "UPDATE run_settings SET owner = ?2, driven_at = ?3 WHERE run_id = ?1",
        params![run.0, serde_json::json!(me).to_string(), tx.now_ms()],
    )?;
    Ok(Taken::Ours)
}

/// Nobody drives the run any more.
pub(crate) fn release(tx: &WriteTx<'_>, run: RunId, me: &ProcessIdentity) -> Result<()> {
    tx.execute(
        "UPDATE run_settings SET owner = NULL WHERE run_id = ?1 AND owner = ?2",
        params![run.0, serde_json::json!(me).to_string()],
    )?;
    Ok(())
}

/// Asks for the end of the run before its time; gives whether it was not closed.
pub(crate) fn cancel(tx: &WriteTx<'_>, run: RunId) -> Result<bool> {
    let (_, closed) = stored(tx, run)?;
    if !closed {
        tx.execute(
            "UPDATE run_settings SET cancelled_at = ifnull(cancelled_at, ?2) WHERE run_id = ?1",
            params![run.0, tx.now_ms()],
        )?;
    }
    Ok(!closed)
}

/// Whether somebody asked for its end.
pub(crate) fn is_cancelled(conn: &ReadConn<'_>, run: RunId) -> Result<bool> {
    let query = "SELECT cancelled_at IS NOT NULL FROM run_settings WHERE run_id = ?1";
    // A run that is gone has ended too.
    Ok(conn.query_optional(query, [run.0], |row| row.get(0))?.unwrap_or(true))
}

/// The runs that are not closed, oldest first.
pub(crate) fn unfinished(conn: &ReadConn<'_>) -> Result<Vec<Unfinished>> {
    let query = "SELECT s.run_id, r.run_key, r.spec_id, r.stage, s.phase_type, s.sequential, s.owner, s.driven_at,
        (SELECT count(*) FROM run_roster a WHERE a.run_id = s.run_id),
        (SELECT count(*) FROM run_roster a WHERE a.run_id = s.run_id AND EXISTS (
           SELECT 1 FROM agent_outputs o WHERE o.run_id = s.run_id AND o.agent_name = a.agent_name)),
        s.cancelled_at IS NOT NULL, s.actor
      FROM run_settings s JOIN consensus_runs r ON r.id = s.run_id WHERE s.ended_at IS NULL ORDER BY s.run_id";
    Ok(conn.query_all(query, [], |row| {
        Ok(Unfinished {
            run: RunId(row.get(0)?),
            run_key: row.get(1)?,
            spec: row.get(2)?,
            stage: row.get(3)?,
            phase_type: row.get(4)?,
            sequential: row.get(5)?,
            owner: Owner::stored(row.get::<_, Option<String>>(6)?.as_deref()),
            driven_at: row.get(7)?,
            expected: row.get(8)?,
            answered: row.get(9)?,
            cancelled: row.get(10)?,
            actor: row.get(11)?,
        })
    })?)
}
