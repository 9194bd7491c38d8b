//! A run goes, with everything that hangs on it, on both sides.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use super::{driven_run, past};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::store::verify::Key;
use crate::store::{capture, control, reading, remade};
use crate::workflow::Owner;

/// What mirrors the rows of a legacy table: the legacy key and the table with its column of that key.
const MIRRORED: [(&str, &str, &str); 3] = [
    (
        "consensus_artifacts",
        "id",
        "SELECT legacy_id FROM agent_outputs WHERE run_id = ?1 AND legacy_id IS NOT NULL",
    ),
    (
        "consensus_synthesis",
        "id",
        "SELECT legacy_id FROM run_syntheses WHERE run_id = ?1 AND legacy_id IS NOT NULL",
    ),
    ("agent_executions", "agent_id", "SELECT agent_id FROM run_attempts WHERE run_id = ?1 AND mirrored = 1"),
];

/// Where the rows of files that were imported went: they come again with the next import.
const IMPORTED: [(&str, &str); 4] = [
    ("'artifact', 'output'", "SELECT id FROM agent_outputs WHERE run_id = ?1"),
    ("'synthesis'", "SELECT id FROM run_syntheses WHERE run_id = ?1"),
    ("'execution'", "SELECT id FROM run_attempts WHERE run_id = ?1"),
    ("'run'", "SELECT ?1"),
];

/// Deletes the run; gives its attempts that have no end, or nothing where there was no run. What a live process drives is refused. In phases that have a
/// legacy side its legacy rows go too, in phase 4 as well: they would be taken for rows of an older program else.
pub(crate) fn delete(tx: &WriteTx<'_>, run: RunId) -> Result<Option<Vec<String>>> {
    let view = reading::View::of(tx)?;
    let Some(target) = reading::locate(tx, view, run)? else { return Ok(None) };
    if view.phase.has_legacy_side() {
        remade::refuse_while_missing(tx)?;
    }
    let real = target.summary.id;
    let mut unended = Vec::new();
    if let Some(driven) = driven_run(tx, real)? {
        let owner = Owner::judge(driven.owner.as_ref());
        if driven.ended_at.is_none() && !matches!(owner, Owner::Nobody | Owner::Ended) {
            let hint = "end it first, with `c` in the interface or Ctrl-C where it runs";
            return Err(ConsensusError::refused(format!("run {real} is being driven"), Some(hint)));
        }
        let open = past(tx, real)?.into_iter().filter(|attempt| attempt.end.is_none());
        unended.extend(open.map(|attempt| attempt.agent_id));
    }
    let tables = control::legacy_tables(tx)?;
    let mapped = "SELECT mapped FROM migration_state WHERE id = 1";
    let mapped: bool = tx.query_row(mapped, [], |row| row.get(0))?;
    if !tables.is_empty() {
        capture::suspend(tx)?;
    }
    for (table, rowids) in reading::unmapped_rows(tx, view, &target)? {
        for rowid in rowids {
            tx.execute(&format!("DELETE FROM main.{table} WHERE rowid = ?1"), [rowid])?;
            tx.execute(
                "DELETE FROM migration_pending WHERE legacy_table = ?1 AND legacy_rowid = ?2",
                params![table, rowid],
            )?;
        }
    }
    for (table, key, keys) in MIRRORED {
        if !tables.contains(&table) {
            continue;
        }
        let keys = tx.query_all(keys, [real.0], |row| Ok(Key::of(row.get_ref(0)?)))?;
        for gone in keys.into_iter().flatten() {
            tx.execute(&format!("DELETE FROM main.{table} WHERE {key} = ?1"), [&gone])?;
            capture::note_changed(tx, table, &gone)?;
        }
    }
    for (kinds, targets) in IMPORTED {
        tx.execute(
            &format!("DELETE FROM imported_rows WHERE kind IN ({kinds}) AND target_id IN ({targets})"),
            [real.0],
        )?;
    }
    tx.execute("DELETE FROM consensus_runs WHERE id = ?1", [real.0])?;
    if !tables.is_empty() {
        capture::resume(tx)?;
    }
    if mapped {
        // Both sides of every row went together.
        capture::keep_all_mapped(tx)?;
    }
    Ok(Some(unended))
}
