//! Syntheses, which carry the claim of their run.

use conclave_db::WriteTx;
use conclave_db::sql::params;

use super::{extended, refuse_unknown, touch};
use crate::error::{ConsensusError, Result};
use crate::migrate::FindingKind;
use crate::record::SynthesisRecord;
use crate::runs::RunId;
use crate::store::dual::{self, Counted, RowTime, Sides, Spelling};
use crate::store::runs;
use crate::store::verify::Key;

const LEGACY: &str = "consensus_synthesis";

pub(crate) fn synthesis(tx: &WriteTx<'_>, run: RunId, synthesis: &SynthesisRecord) -> Result<i64> {
    refuse_unknown(tx, run)?;
    if let Some(known) = known(tx, run, synthesis)? {
        return Ok(known);
    }
    let at = synthesis.at.unwrap_or_else(|| tx.now_ms());
    let sides = dual::sides(tx)?;
    if sides == Sides::New {
        let id = insert(tx, run, synthesis, Some(at), None)?;
        claim(tx, run, id)?;
        touch(tx, run, at)?;
        return Ok(id);
    }
    let spelling = Spelling::of(tx, run)?;
    let time = spelling.time(at)?;
    let id = if sides == Sides::Legacy {
        let counted = Counted::so_far(tx)?;
        let legacy_id = insert_legacy(tx, synthesis, &spelling, &time)?;
        let mirrored = tx.query_optional(
            "UPDATE run_syntheses SET captured_phase = NULL, write_key = ?3
             WHERE legacy_id = ?1 AND run_id = ?2 RETURNING id",
            params![legacy_id, run.0, synthesis.write_key],
            |row| row.get(0),
        )?;
        let id = match mirrored {
            Some(id) => id,
            // Without its trigger the row would be on one side alone.
            None => insert(tx, run, synthesis, time.ms, Some(legacy_id))?,
        };
        counted.restore(tx)?;
        id
    } else {
        dual::write_both(tx, LEGACY, || {
            let legacy_id = insert_legacy(tx, synthesis, &spelling, &time)?;
            Ok((Key::Number(legacy_id), insert(tx, run, synthesis, time.ms, Some(legacy_id))?))
        })?
    };
    claim(tx, run, id)?;
    extended(tx, run, time.ms.unwrap_or(i64::MIN))?;
    Ok(id)
}

/// The row that an earlier call with the same key has stored.
fn known(tx: &WriteTx<'_>, run: RunId, synthesis: &SynthesisRecord) -> Result<Option<i64>> {
    let Some(key) = &synthesis.write_key else { return Ok(None) };
    let query = "SELECT id, (run_id, output_markdown, status) = (?2, ?3, ?4) FROM run_syntheses
      WHERE write_key = ?1";
    let values = params![key, run.0, synthesis.output_markdown, synthesis.status];
    let found = tx.query_optional(query, values, |row| Ok((row.get(0)?, row.get::<_, bool>(1)?)))?;
    match found {
        Some((_, false)) => {
            Err(ConsensusError::Invalid(format!("write key {key:?} is that of another synthesis")))
        }
        found => Ok(found.map(|(id, _)| id)),
    }
}

fn insert_legacy(
    tx: &WriteTx<'_>,
    synthesis: &SynthesisRecord,
    spelling: &Spelling,
    time: &RowTime,
) -> Result<i64> {
    tx.query_row(
        "INSERT INTO main.consensus_synthesis(spec_id, stage, output_markdown, output_path, status,
           artifacts_count, agreements, conflicts, degraded, run_id, created_at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id",
        params![
            dual::Text(&spelling.spec),
            dual::Text(&spelling.stage),
            synthesis.output_markdown,
            synthesis.output_path,
            synthesis.status,
            synthesis.artifacts_count,
            synthesis.agreements,
            synthesis.conflicts,
            synthesis.degraded,
            spelling.run_id(),
            time
        ],
        |row| row.get(0),
    )
    .map_err(dual::refused(FindingKind::MissingInLegacy, LEGACY, None))
}

fn insert(
    tx: &WriteTx<'_>,
    run: RunId,
    synthesis: &SynthesisRecord,
    at: Option<i64>,
    legacy_id: Option<i64>,
) -> Result<i64> {
    // What canonical form would lose is taken from the legacy row, as it is stored there.
    let source = match legacy_id {
        Some(_) => "l.id, l.stage, l.run_id, l.created_at FROM main.consensus_synthesis l WHERE l.id = ?11",
        None => "?11, NULL, NULL, NULL",
    };
    let inserted = tx.query_row(
        &format!(
            "INSERT INTO run_syntheses(run_id, output_markdown, output_path, status, artifacts_count, agreements,
               conflicts, degraded, created_at, write_key, legacy_id, legacy_stage, legacy_run_id,
               legacy_created_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, {source} RETURNING id"
        ),
        params![
            run.0,
            synthesis.output_markdown,
            synthesis.output_path,
            synthesis.status,
            synthesis.artifacts_count,
            synthesis.agreements,
            synthesis.conflicts,
            synthesis.degraded,
            at,
            synthesis.write_key,
            legacy_id
        ],
        |row| row.get(0),
    );
    match legacy_id {
        Some(id) => {
            Ok(inserted.map_err(dual::refused(FindingKind::MissingInNew, LEGACY, Some(&Key::Number(id))))?)
        }
        None => Ok(inserted?),
    }
}

/// Gives the run what its synthesis claims.
fn claim(tx: &WriteTx<'_>, run: RunId, id: i64) -> Result<()> {
    tx.execute(
        &format!(
            "UPDATE consensus_runs SET {} FROM run_syntheses y WHERE consensus_runs.id = ?1 AND y.id = ?2",
            runs::claim()
        ),
        params![run.0, id],
    )?;
    Ok(())
}
