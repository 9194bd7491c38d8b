//! Rows that come about here, each written by whoever holds the write lock, on the sides that the phase asks for.
//!
//! The row of a run is on the new side in every phase: the legacy tables have none.

mod attempt;
mod output;
mod synthesis;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

pub(crate) use self::attempt::{completion, spawn};
pub(crate) use self::output::{output, output_of};
pub(crate) use self::synthesis::synthesis;
use super::runs;
use crate::canonical::{run_key, stage};
use crate::error::{ConsensusError, Result};
use crate::record::RunRecord;
use crate::runs::RunId;

/// Finds the run's row and updates it, or makes it. An upsert would use up a number each time.
pub(crate) fn run(tx: &WriteTx<'_>, run: &RunRecord) -> Result<RunId> {
    let key = run_key(Some(run.run_id.as_bytes()), conclave_db::sql::ValueRef::Null);
    let key = String::from_utf8_lossy(&key).into_owned();
    let at = run.at.unwrap_or_else(|| tx.now_ms());
    let status = run.status.map(crate::runs::RunStatus::as_str);
    let known = tx.query_optional(
        "UPDATE consensus_runs SET updated_at = ifnull(max(updated_at, ?4), ?4), origin = 'conclave',
           run_timestamp = ifnull(run_timestamp, ?4), started_at = ifnull(started_at, ?4),
           status = ifnull(?5, status), consensus_ok = ifnull(?6, consensus_ok),
           degraded = ifnull(?7, degraded), synthesis_json = ifnull(?8, synthesis_json)
         WHERE run_key = ?1 AND spec_id = ?2 AND stage = ?3 RETURNING id",
        params![
            key,
            run.spec,
            stage(&run.stage),
            at,
            status,
            run.consensus_ok,
            run.degraded,
            run.synthesis_json
        ],
        |row| row.get(0),
    )?;
    if let Some(id) = known {
        return Ok(RunId(id));
    }
    Ok(RunId(tx.query_row(
        "INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at, status,
           consensus_ok, degraded, synthesis_json, origin)
         VALUES(?1, ?2, ?3, ?4, ?4, ?4, ifnull(?5, 'unknown'), ?6, ?7, ?8, 'conclave') RETURNING id",
        params![
            key,
            run.spec,
            stage(&run.stage),
            at,
            status,
            run.consensus_ok,
            run.degraded,
            run.synthesis_json
        ],
        |row| row.get(0),
    )?))
}

/// A run's rows moved on.
fn touch(tx: &WriteTx<'_>, run: RunId, at: i64) -> Result<()> {
    tx.execute(
        "UPDATE consensus_runs SET updated_at = ?2 WHERE id = ?1 AND ?2 > ifnull(updated_at, ?2 - 1)",
        params![run.0, at],
    )?;
    Ok(())
}

/// A run got a row of this time. One that legacy rows made is a function of its rows.
fn extended(tx: &WriteTx<'_>, run: RunId, at: i64) -> Result<()> {
    let [times, _] = runs::follow_rows("= ?1");
    tx.execute(&times, [run.0])?;
    touch(tx, run, at)
}

fn refuse_unknown(conn: &ReadConn<'_>, run: RunId) -> Result<()> {
    let known = "SELECT EXISTS (SELECT 1 FROM consensus_runs WHERE id = ?1)";
    if conn.query_row(known, [run.0], |row| row.get(0))? {
        return Ok(());
    }
    Err(ConsensusError::NotFound { what: "run", name: run.to_string() })
}
