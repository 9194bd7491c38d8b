//! Answers.

use conclave_db::WriteTx;
use conclave_db::sql::{Error, Row, params};

use super::{extended, refuse_unknown, touch};
use crate::error::{ConsensusError, Result};
use crate::migrate::FindingKind;
use crate::record::{OutputRecord, RecordedOutput};
use crate::store::canonical;
use crate::store::dual::{self, Counted, RowTime, Sides, Spelling};
use crate::store::verify::Key;

const LEGACY: &str = "consensus_artifacts";

pub(crate) fn output(tx: &WriteTx<'_>, output: &OutputRecord) -> Result<RecordedOutput> {
    output_of(tx, output, output.response.as_deref())
}

/// The same with a raw text that stands elsewhere: it may be long.
pub(crate) fn output_of(
    tx: &WriteTx<'_>,
    output: &OutputRecord,
    response: Option<&[u8]>,
) -> Result<RecordedOutput> {
    refuse_unknown(tx, output.run)?;
    if output.attempt < 1 {
        return Err(ConsensusError::Invalid(format!(
            "attempt {} is none: they count from 1",
            output.attempt
        )));
    }
    if let Some(known) = known(tx, output)? {
        return Ok(known);
    }
    let at = output.at.unwrap_or_else(|| tx.now_ms());
    let sides = dual::sides(tx)?;
    if sides == Sides::New {
        let recorded = insert(tx, output, response, Some(at), None)?;
        touch(tx, output.run, at)?;
        return Ok(recorded);
    }
    let spelling = Spelling::of(tx, output.run)?;
    let time = spelling.time(at)?;
    let recorded = if sides == Sides::Legacy {
        let counted = Counted::so_far(tx)?;
        let legacy_id = insert_legacy(tx, output, response, &spelling, &time)?;
        let recorded = match complete(tx, output, legacy_id)? {
            Some(mirrored) => mirrored,
            // Without its trigger the row would be on one side alone.
            None => insert(tx, output, response, time.ms, Some(legacy_id))?,
        };
        counted.restore(tx)?;
        recorded
    } else {
        dual::write_both(tx, LEGACY, || {
            let legacy_id = insert_legacy(tx, output, response, &spelling, &time)?;
            Ok((Key::Number(legacy_id), insert(tx, output, response, time.ms, Some(legacy_id))?))
        })?
    };
    extended(tx, output.run, time.ms.unwrap_or(i64::MIN))?;
    Ok(recorded)
}

/// The row that an earlier call with the same key has stored.
fn known(tx: &WriteTx<'_>, output: &OutputRecord) -> Result<Option<RecordedOutput>> {
    let Some(key) = &output.write_key else { return Ok(None) };
    let query = "SELECT id, sequence, valid_json,
        (run_id, agent_name, attempt) = (?2, ?3, ?4) AND CAST(content AS BLOB) = ?5
      FROM agent_outputs WHERE write_key = ?1";
    let values = params![key, output.run.0, output.agent, output.attempt, output.content];
    let found = tx.query_optional(query, values, |row| {
        let recorded = RecordedOutput { id: row.get(0)?, sequence: row.get(1)?, valid_json: row.get(2)? };
        Ok((recorded, row.get::<_, bool>(3)?))
    })?;
    match found {
        Some((_, false)) => {
            Err(ConsensusError::Invalid(format!("write key {key:?} is that of another output")))
        }
        found => Ok(found.map(|(recorded, _)| recorded)),
    }
}

fn insert_legacy(
    tx: &WriteTx<'_>,
    output: &OutputRecord,
    response: Option<&[u8]>,
    spelling: &Spelling,
    time: &RowTime,
) -> Result<i64> {
    tx.query_row(
        "INSERT INTO main.consensus_artifacts(spec_id, stage, agent_name, content_json, response_text, run_id,
           created_at)
         VALUES(?1, ?2, ?3, CAST(?4 AS TEXT), CAST(?5 AS TEXT), ?6, ?7) RETURNING id",
        params![
            dual::Text(&spelling.spec),
            dual::Text(&spelling.stage),
            output.agent,
            output.content,
            response,
            spelling.run_id(),
            time
        ],
        |row| row.get(0),
    )
    .map_err(dual::refused(FindingKind::MissingInLegacy, LEGACY, None))
}

/// The number behind the answers of the agent in the attempt.
const NEXT: &str = "1 + ifnull((SELECT max(o.sequence) FROM agent_outputs o
  WHERE o.run_id = ?1 AND o.agent_name = ?2 AND o.attempt = ?3), 0)";

/// What is derived from the content, `c`, in which the parameters 4 and 5 are its bytes and whether they are
/// UTF-8.
fn derived() -> String {
    format!(
        "(SELECT c, valid, {} AS model FROM (SELECT c, ?5 AND json_valid(c) AS valid
           FROM (SELECT CAST(?4 AS TEXT) AS c)))",
        canonical::model_version("c", "valid")
    )
}

fn insert(
    tx: &WriteTx<'_>,
    output: &OutputRecord,
    response: Option<&[u8]>,
    at: Option<i64>,
    legacy_id: Option<i64>,
) -> Result<RecordedOutput> {
    // What canonical form would lose is taken from the legacy row, as it is stored there.
    let (columns, from) = match legacy_id {
        Some(_) => {
            ("l.id, l.stage, l.run_id, l.created_at", "CROSS JOIN main.consensus_artifacts l WHERE l.id = ?9")
        }
        None => ("?9, NULL, NULL, NULL", ""),
    };
    let utf8 = std::str::from_utf8(&output.content).is_ok();
    let inserted = tx.query_row(
        &format!(
            "INSERT INTO agent_outputs(run_id, agent_name, attempt, sequence, content, valid_json, model_version,
               response_text, output_timestamp, write_key, legacy_id, legacy_stage, legacy_run_id,
               legacy_created_at)
             SELECT ?1, ?2, ?3, {NEXT}, c, valid, model, CAST(?6 AS TEXT), ?7, ?8, {columns} FROM {} {from}
             RETURNING id, sequence, valid_json",
            derived()
        ),
        params![
            output.run.0,
            output.agent,
            output.attempt,
            output.content,
            utf8,
            response,
            at,
            output.write_key,
            legacy_id
        ],
        recorded,
    );
    match legacy_id {
        Some(id) => {
            Ok(inserted.map_err(dual::refused(FindingKind::MissingInNew, LEGACY, Some(&Key::Number(id))))?)
        }
        None => Ok(inserted?),
    }
}

/// What both statements return.
fn recorded(row: &Row<'_>) -> std::result::Result<RecordedOutput, Error> {
    Ok(RecordedOutput { id: row.get(0)?, sequence: row.get(1)?, valid_json: row.get(2)? })
}

/// Gives the row that the trigger made what the legacy table has no column for.
fn complete(tx: &WriteTx<'_>, output: &OutputRecord, legacy_id: i64) -> Result<Option<RecordedOutput>> {
    let utf8 = std::str::from_utf8(&output.content).is_ok();
    Ok(tx.query_optional(
        &format!(
            "UPDATE agent_outputs SET attempt = ?3, captured_phase = NULL, write_key = ?6, valid_json = d.valid,
               model_version = d.model,
               sequence = CASE WHEN attempt = ?3 THEN sequence ELSE {NEXT} END
             FROM {} AS d WHERE legacy_id = ?7 AND run_id = ?1 AND agent_name = ?2
             RETURNING id, sequence, valid_json",
            derived()
        ),
        params![
            output.run.0,
            output.agent,
            output.attempt,
            output.content,
            utf8,
            output.write_key,
            legacy_id
        ],
        recorded,
    )?)
}
