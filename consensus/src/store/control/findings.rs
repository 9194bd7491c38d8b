//! What the last comparison of both sides found, and what of it is closed since.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use super::soak;
use crate::error::Result;
use crate::migrate::{Finding, FindingKind, VerifyReport};

/// Keeps what a comparison found; without anything to change only the time of it.
pub(crate) fn keep(tx: &WriteTx<'_>, found: &VerifyReport) -> Result<()> {
    tx.execute("DELETE FROM migration_findings", [])?;
    for finding in &found.findings {
        insert(tx, finding, true)?;
    }
    tx.execute(
        "UPDATE migration_state SET verified_at = ?1, differences = ?2, missing_in_new = ?3 WHERE id = 1",
        params![tx.now_ms(), found.differences, found.missing_in_new],
    )?;
    if found.differences > 0 {
        soak::restart(tx)?;
    }
    Ok(())
}

/// Keeps differences beside those that the last comparison found, and begins the soak anew. One that is kept
/// already is not counted again; gives how many were not.
pub(crate) fn add(tx: &WriteTx<'_>, findings: &[Finding]) -> Result<usize> {
    let (mut added, mut missing) = (0, 0);
    for finding in findings {
        let new = insert(tx, finding, false)?;
        added += new;
        missing += if finding.kind == FindingKind::MissingInNew { new } else { 0 };
    }
    if added > 0 {
        tx.execute(
            "UPDATE migration_state SET differences = differences + ?1, missing_in_new = missing_in_new + ?2
             WHERE id = 1",
            [added, missing],
        )?;
        soak::restart(tx)?;
    }
    Ok(added)
}

/// Keeps a finding; unless `again`, not one that is kept already. Gives how many rows that makes.
fn insert(tx: &WriteTx<'_>, finding: &Finding, again: bool) -> Result<usize> {
    Ok(tx.execute(
        "INSERT INTO migration_findings(found_at, kind, legacy_table, legacy_id, agent_id, output_id, field)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?8 OR NOT EXISTS (SELECT 1 FROM migration_findings
           WHERE (kind, legacy_table) = (?2, ?3) AND (legacy_id, agent_id, output_id, field) IS (?4, ?5, ?6, ?7))",
        params![
            tx.now_ms(),
            finding.kind.as_str(),
            finding.table,
            finding.legacy_id,
            finding.agent_id,
            finding.output_id,
            finding.field,
            again
        ],
    )?)
}

/// Takes so many differences off the count, of which `missing` are legacy rows without their counterpart.
pub(crate) fn close(tx: &WriteTx<'_>, closed: u64, missing: u64) -> Result<()> {
    tx.execute(
        "UPDATE migration_state SET differences = max(0, differences - ?1),
           missing_in_new = max(0, missing_in_new - ?2) WHERE id = 1",
        params![closed, missing],
    )?;
    Ok(())
}

/// A backfill has come to its end: no legacy row lacks its counterpart but those that the new tables cannot hold,
/// which have their notices.
pub(crate) fn close_copied(tx: &WriteTx<'_>, refused: u64) -> Result<()> {
    let missing = super::state(tx)?.missing_in_new;
    if missing > refused {
        tx.execute(
            "DELETE FROM migration_findings WHERE kind = 'missing_in_new' AND NOT EXISTS (
               SELECT 1 FROM migration_pending p WHERE p.legacy_table = migration_findings.legacy_table
                 AND (migration_findings.legacy_id IS NULL OR p.legacy_rowid = migration_findings.legacy_id))",
            [],
        )?;
        close(tx, missing - refused, missing - refused)?;
    }
    Ok(())
}
