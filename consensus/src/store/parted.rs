//! Legacy rows that were written while no trigger stood, where the new side leads already.
//!
//! A table that an older program has dropped, made again or restored counts its ids anew, so a row of it may have
//! an id that another row has had. Such a row is no counterpart of that one: both stay, each for itself.

use conclave_db::WriteTx;
use conclave_db::sql::params;
use serde_json::json;

use super::control::{self, Phase};
use super::copy::{self, Copier, Scope, kinds};
use super::verify::{Key, Pair};
use super::{mend, schema, shape};
use crate::error::Result;
use crate::migrate::{Finding, FindingKind};

/// Rows of one step of the comparison.
const ROWS: u32 = 1000;
/// Most rows that the entry names.
const NAMED: usize = 100;

/// Before the triggers come on again: no id that was ever mirrored is given again, and from phase 4 on the legacy
/// rows that differ from their counterpart are parted from it. Compares everything in the transaction, which is
/// worth it: once the triggers stand, nothing says any more which of them nobody has seen.
pub(crate) fn part(tx: &WriteTx<'_>) -> Result<()> {
    if !schema::missing_tables(tx)?.is_empty() {
        return Ok(());
    }
    keep_ids(tx)?;
    if control::phase(tx)? < Phase::NewOnly {
        return Ok(());
    }
    let (mut parted, mut named) = (0_u64, Vec::new());
    for pair in Pair::all(tx)? {
        let mut low = None;
        while let Some(range) = pair.next(tx, low.as_ref(), ROWS)? {
            let (legacy, new) = pair.digests(tx, &range)?;
            let differences = if legacy == new { Vec::new() } else { pair.differences(tx, &range)? };
            for (key, finding) in differences {
                let (FindingKind::Different, Some(id)) = (finding.kind, finding.output_id) else { continue };
                let own = part_row(tx, &finding, &key, id)?;
                parted += 1;
                if named.len() < NAMED {
                    named.push(json!({
                        "table": finding.table, "legacy_id": finding.legacy_id, "agent_id": finding.agent_id,
                        "output_id": id, "own": own,
                    }));
                }
            }
            low = Some(range.high);
        }
    }
    if parted > 0 {
        let detail = json!({"rows of their own": parted, "rows": named});
        control::record_event(tx, "conclave", "parted", &detail)?;
    }
    Ok(())
}

/// The table goes on counting behind every id that a mirrored row has.
fn keep_ids(tx: &WriteTx<'_>) -> Result<()> {
    let there = control::legacy_tables(tx)?;
    for kind in kinds::all() {
        let (legacy, new) = (kind.legacy, kind.new);
        if kind.chunk_key != "id" || !there.contains(&legacy) {
            continue;
        }
        let greatest: Option<i64> =
            tx.query_row(&format!("SELECT max(legacy_id) FROM {new}"), [], |row| row.get(0))?;
        let Some(greatest) = greatest else { continue };
        let raised = "UPDATE main.sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
        if tx.execute(raised, params![legacy, greatest])? == 0 {
            tx.execute(
                "INSERT INTO main.sqlite_sequence(name, seq) VALUES(?1, ?2)",
                params![legacy, greatest],
            )?;
        }
    }
    Ok(())
}

/// The row `id` of the new table and the legacy row with this key are two. Gives the id of what has become of the
/// legacy row, where that is here already.
fn part_row(tx: &WriteTx<'_>, finding: &Finding, key: &Key, id: i64) -> Result<Option<i64>> {
    let kinds = kinds::of_state(tx)?;
    let Some(kind) = kinds.into_iter().find(|kind| kind.legacy == finding.table) else { return Ok(None) };
    if kind.chunk_key != "id" {
        let copier =
            Copier::new(kind, Scope { source: None, to_legacy: false, later: false, overwrite: true });
        return keep_beside(tx, &copier, key, id);
    }
    // An import of the same file knows the row without the legacy id too.
    let (new, name) = (kind.new, kind.name);
    tx.execute(
        &format!(
            "INSERT INTO imported_rows(kind, source_row, source_id, target_id)
             SELECT '{name}', legacy_id, source_id, id FROM {new} o WHERE id = ?1 AND source_id IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM imported_rows i WHERE i.target_id = o.id AND i.kind = '{name}')
             ON CONFLICT(kind, source_row, source_id) DO NOTHING"
        ),
        [id],
    )?;
    tx.execute(&format!("UPDATE {new} SET legacy_id = NULL WHERE id = ?1"), [id])?;
    Ok(None)
}

/// Two executions cannot have one id. The one that leads keeps it, and the legacy row is kept as an attempt of its
/// own, so that a repair loses nothing.
fn keep_beside(tx: &WriteTx<'_>, copier: &Copier, key: &Key, id: i64) -> Result<Option<i64>> {
    let Some(rowid) = mend::legacy_rowid(tx, copier.kind.legacy, key)? else { return Ok(None) };
    copy::begin(tx)?;
    shape::legacy_views(tx, "main")?;
    tx.execute(
        "UPDATE run_attempts SET agent_id = agent_id || '#held' || id, mirrored = 0 WHERE id = ?1",
        [id],
    )?;
    copier.mend(tx, rowid)?;
    let own = mend::attempt(tx, key)?.map(|(own, _)| own);
    if let Some(own) = own {
        let aside = "UPDATE run_attempts SET agent_id = agent_id || '#' || id, mirrored = 0 WHERE id = ?1";
        tx.execute(aside, [own])?;
    }
    tx.execute("UPDATE run_attempts SET agent_id = ?2, mirrored = 1 WHERE id = ?1", params![id, key])?;
    Ok(own)
}
