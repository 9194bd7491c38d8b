//! The run row as a function of its rows.

use conclave_db::WriteTx;

use super::canonical;
use crate::error::Result;

/// What the synthesis `row` claims: the columns of its run, by name.
pub(crate) fn claims(row: &str) -> [(&'static str, String); 4] {
    let keys = ["output_markdown", "output_path", "status", "artifacts_count", "agreements", "conflicts"]
        .iter()
        .map(|key| format!("'{key}', CAST({row}.{key} AS TEXT)"))
        .collect::<Vec<_>>()
        .join(", ");
    [
        ("status", canonical::status(&format!("{row}.status"))),
        ("consensus_ok", canonical::consensus_ok(&format!("{row}.status"))),
        ("degraded", canonical::degraded(&format!("{row}.degraded"))),
        ("synthesis_json", format!("json_object({keys})")),
    ]
}

/// The recorded claim of the newest synthesis `y`, as assignments to the columns of its run.
pub(crate) fn claim() -> String {
    claims("y").map(|(name, value)| format!("{name} = {value}")).join(", ")
}

/// The greatest known time of an execution. A clock that went back may let it end before it starts.
pub(crate) fn until(spawned: &str, completed: &str) -> String {
    format!("ifnull(max({spawned}, {completed}), ifnull({completed}, {spawned}))")
}

/// Which runs take the claim of a synthesis that joins them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// All: the synthesis is one of the state's own legacy rows, whoever mirrors it.
    All,
    /// Those that legacy rows made: what another file brings does not speak for a run that was made here.
    MadeByLegacy,
}

/// Gives the runs of the prepared chunk the claim of their newest synthesis.
pub(crate) fn take_claims(tx: &WriteTx<'_>, claimed: Claimed) -> Result<()> {
    const IN_CHUNK: &str = "IN (SELECT p.run FROM temp.chunk c JOIN temp.placed p ON p.id = c.id
      WHERE c.action IN (0, 2))";
    let [_, take] = follow_syntheses(IN_CHUNK, claimed);
    tx.execute(&take, [])?;
    Ok(())
}

/// The statements that make the times of those runs that legacy rows made follow their rows again, and take away
/// such runs without any. `which` is a condition on the run's id, such as `= 5`.
pub(crate) fn follow_rows(which: &str) -> [String; 2] {
    let until = until("spawned_at", "completed_at");
    [
        format!(
            "UPDATE consensus_runs SET (run_timestamp, started_at, updated_at) = (
               SELECT min(at), min(at), max(until) FROM (
                 SELECT output_timestamp AS at, output_timestamp AS until FROM agent_outputs
                   WHERE run_id = consensus_runs.id
                 UNION ALL SELECT created_at, created_at FROM run_syntheses WHERE run_id = consensus_runs.id
                 UNION ALL SELECT spawned_at, {until} FROM run_attempts WHERE run_id = consensus_runs.id))
             WHERE id {which} AND origin = 'legacy'"
        ),
        format!(
            "DELETE FROM consensus_runs WHERE id {which} AND origin = 'legacy'
               AND NOT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = consensus_runs.id)
               AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = consensus_runs.id)
               AND NOT EXISTS (SELECT 1 FROM run_attempts WHERE run_id = consensus_runs.id)"
        ),
    ]
}

/// The statements that give runs the claim of their newest synthesis; those that legacy rows made lose a claim
/// that no synthesis makes any more. The triggers, the backfill and the repair go by it.
pub(crate) fn follow_syntheses(which: &str, claimed: Claimed) -> [String; 2] {
    let whose = match claimed {
        Claimed::All => "",
        Claimed::MadeByLegacy => " AND consensus_runs.origin = 'legacy'",
    };
    [
        format!(
            "UPDATE consensus_runs SET status = 'unknown', consensus_ok = NULL, degraded = NULL,
               synthesis_json = NULL
             WHERE id {which} AND origin = 'legacy'
               AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = consensus_runs.id)"
        ),
        format!(
            "UPDATE consensus_runs SET {} FROM run_syntheses AS y
             WHERE consensus_runs.id {which}{whose}
               AND y.id = (SELECT max(n.id) FROM run_syntheses n WHERE n.run_id = consensus_runs.id)",
            claim()
        ),
    ]
}

/// Makes the columns of a run that legacy rows made follow its rows again; without any it goes.
pub(crate) fn recompute(tx: &WriteTx<'_>, run: i64, claimed: Claimed) -> Result<()> {
    let legacy = format!("= {run}");
    let [forget, take] = follow_syntheses(&legacy, claimed);
    let [times, gone] = follow_rows(&legacy);
    for statement in [forget, take, times, gone] {
        tx.execute(&statement, [])?;
    }
    Ok(())
}
