//! Agents that are started and end. The legacy schema has no attempt, no exit code and no signal.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::{extended, refuse_unknown, touch};
use crate::error::{ConsensusError, Result};
use crate::migrate::FindingKind;
use crate::record::{CompletionRecord, SpawnRecord};
use crate::runs::RunId;
use crate::store::capture;
use crate::store::dual::{self, Counted, RowTime, Sides, Spelling};
use crate::store::verify::Key;

const LEGACY: &str = "agent_executions";

/// What is known of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    run: i64,
    /// Started and not ended.
    open: bool,
    completed: bool,
    mirrored: bool,
    captured: Option<i64>,
}

fn known(conn: &ReadConn<'_>, agent_id: &str) -> Result<Option<Known>> {
    let query =
        "SELECT run_id, completed_at IS NULL AND state = 'spawned', completed_at IS NOT NULL, mirrored,
        captured_phase
      FROM run_attempts WHERE agent_id = ?1";
    Ok(conn.query_optional(query, [agent_id], |row| {
        Ok(Known {
            run: row.get(0)?,
            open: row.get(1)?,
            completed: row.get(2)?,
            mirrored: row.get(3)?,
            captured: row.get(4)?,
        })
    })?)
}

/// The same where there are legacy tables. An execution of which only the legacy table knows is mirrored first, by
/// its trigger.
fn known_on_both(tx: &WriteTx<'_>, agent_id: &str) -> Result<Option<Known>> {
    let found = known(tx, agent_id)?;
    if found.is_some() {
        return Ok(found);
    }
    let counted = Counted::so_far(tx)?;
    let touched =
        tx.execute("UPDATE main.agent_executions SET agent_id = agent_id WHERE agent_id = ?1", [agent_id])?;
    counted.restore(tx)?;
    if touched == 0 { Ok(None) } else { known(tx, agent_id) }
}

pub(crate) fn spawn(tx: &WriteTx<'_>, spawn: &SpawnRecord) -> Result<()> {
    refuse_unknown(tx, spawn.run)?;
    if spawn.attempt < 1 {
        return Err(ConsensusError::Invalid(format!("attempt {} is none: they count from 1", spawn.attempt)));
    }
    let at = spawn.at.unwrap_or_else(|| tx.now_ms());
    let mut sides = dual::sides(tx)?;
    let known =
        if sides == Sides::New { known(tx, &spawn.agent_id)? } else { known_on_both(tx, &spawn.agent_id)? };
    if let Some(known) = known {
        if known.run != spawn.run.0 {
            let (id, other) = (&spawn.agent_id, known.run);
            return Err(ConsensusError::Invalid(format!("agent id {id:?} belongs to run {other}")));
        }
        if !known.open {
            return touch(tx, spawn.run, at);
        }
    }
    let spelling = if sides == Sides::New { None } else { Some(Spelling::of(tx, spawn.run)?) };
    let Some(spelling) = spelling.filter(Spelling::holds_executions) else {
        sides = Sides::New;
        match known {
            // What its legacy row says of its start stands: that is not told of another.
            Some(known) if known.mirrored => count(tx, spawn)?,
            _ => start(tx, spawn, sides, Some(at))?,
        }
        return touch(tx, spawn.run, at);
    };
    let time = spelling.time(at)?;
    if sides == Sides::Legacy {
        let counted = Counted::so_far(tx)?;
        start_legacy(tx, spawn, &spelling, &time)?;
        start(tx, spawn, sides, time.ms)?;
        counted.restore(tx)?;
    } else {
        dual::write_both(tx, LEGACY, || {
            start_legacy(tx, spawn, &spelling, &time)?;
            start(tx, spawn, sides, time.ms)?;
            Ok((key(&spawn.agent_id), ()))
        })?;
    }
    extended(tx, spawn.run, time.ms.unwrap_or(i64::MIN))
}

fn key(agent_id: &str) -> Key {
    Key::Text(agent_id.as_bytes().to_vec())
}

fn start_legacy(tx: &WriteTx<'_>, spawn: &SpawnRecord, spelling: &Spelling, time: &RowTime) -> Result<()> {
    tx.execute(
        "INSERT INTO main.agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT(agent_id) DO UPDATE SET phase_type = excluded.phase_type,
           agent_name = excluded.agent_name, spawned_at = excluded.spawned_at",
        params![
            spawn.agent_id,
            dual::Text(&spelling.spec),
            dual::Text(&spelling.stage),
            spawn.phase_type,
            spawn.agent,
            spelling.run_id(),
            time
        ],
    )
    .map_err(dual::refused(FindingKind::MissingInLegacy, LEGACY, Some(&key(&spawn.agent_id))))?;
    Ok(())
}

/// Keeps which attempt it is, for which the legacy schema has no column.
fn count(tx: &WriteTx<'_>, spawn: &SpawnRecord) -> Result<()> {
    tx.execute(
        "UPDATE run_attempts SET attempt = ?2 WHERE agent_id = ?1",
        params![spawn.agent_id, spawn.attempt],
    )?;
    Ok(())
}

/// Makes the new row or starts it again: the one that a trigger has just made gets what its legacy row has no
/// column for.
fn start(tx: &WriteTx<'_>, spawn: &SpawnRecord, sides: Sides, at: Option<i64>) -> Result<()> {
    let values = params![spawn.agent_id, spawn.run.0, spawn.agent, spawn.attempt, spawn.phase_type, at];
    if sides == Sides::New {
        tx.execute(
            "INSERT INTO run_attempts(agent_id, run_id, agent_name, attempt, phase_type, spawned_at, state)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, 'spawned')
             ON CONFLICT(agent_id) DO UPDATE SET agent_name = excluded.agent_name, attempt = excluded.attempt,
               phase_type = excluded.phase_type, spawned_at = excluded.spawned_at",
            values,
        )?;
        // The way back from phase 4 may have passed it by.
        return capture::note_changed(tx, LEGACY, &spawn.agent_id);
    }
    tx.execute(
        "INSERT INTO run_attempts(agent_id, run_id, agent_name, attempt, phase_type, spawned_at, state, mirrored,
           legacy_stage, legacy_run_id, legacy_spawned_at, legacy_completed_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, 'spawned', 1, l.stage, l.run_id, l.spawned_at, l.completed_at
         FROM main.agent_executions l WHERE l.agent_id = ?1
         ON CONFLICT(agent_id) DO UPDATE SET agent_name = excluded.agent_name, attempt = excluded.attempt,
           phase_type = excluded.phase_type, spawned_at = excluded.spawned_at, mirrored = 1,
           legacy_stage = excluded.legacy_stage, legacy_run_id = excluded.legacy_run_id,
           legacy_spawned_at = excluded.legacy_spawned_at, legacy_completed_at = excluded.legacy_completed_at,
           captured_phase = NULL",
        values,
    )
    .map_err(dual::refused(FindingKind::MissingInNew, LEGACY, Some(&key(&spawn.agent_id))))?;
    Ok(())
}

pub(crate) fn completion(tx: &WriteTx<'_>, completion: &CompletionRecord) -> Result<bool> {
    let at = completion.at.unwrap_or_else(|| tx.now_ms());
    let sides = dual::sides(tx)?;
    let id = &completion.agent_id;
    let known = if sides == Sides::New { known(tx, id)? } else { known_on_both(tx, id)? };
    let Some(known) = known else {
        return Err(ConsensusError::NotFound { what: "attempt", name: id.clone() });
    };
    if known.completed {
        return Ok(false);
    }
    let run = RunId(known.run);
    // What was started on the new side alone ends there too.
    if sides == Sides::New || !known.mirrored {
        end(tx, completion, at, Known { mirrored: false, ..known })?;
        capture::note_changed(tx, LEGACY, id)?;
        touch(tx, run, at)?;
        return Ok(true);
    }
    if sides == Sides::Legacy {
        let counted = Counted::so_far(tx)?;
        end_legacy(tx, completion, at)?;
        end(tx, completion, at, known)?;
        counted.restore(tx)?;
    } else {
        dual::write_both(tx, LEGACY, || {
            end_legacy(tx, completion, at)?;
            end(tx, completion, at, known)?;
            Ok((key(id), ()))
        })?;
    }
    extended(tx, run, at)?;
    Ok(true)
}

fn end_legacy(tx: &WriteTx<'_>, completion: &CompletionRecord, at: i64) -> Result<()> {
    let values =
        params![completion.agent_id, dual::time_text(at)?, completion.response, completion.extraction_error];
    tx.execute(
        "UPDATE main.agent_executions SET completed_at = ?2, response_text = CAST(?3 AS TEXT),
           extraction_error = ?4 WHERE agent_id = ?1",
        values,
    )
    .map_err(dual::refused(FindingKind::MissingInLegacy, LEGACY, Some(&key(&completion.agent_id))))?;
    Ok(())
}

/// Ends the new row; with its legacy row where that has just been ended.
fn end(tx: &WriteTx<'_>, completion: &CompletionRecord, at: i64, known: Known) -> Result<()> {
    let written = if known.mirrored {
        "(SELECT l.completed_at FROM main.agent_executions l WHERE l.agent_id = ?1)"
    } else {
        "legacy_completed_at"
    };
    let ended = tx.execute(
        &format!(
            "UPDATE run_attempts SET completed_at = ?2, response_text = CAST(?3 AS TEXT), extraction_error = ?4,
               exit_code = ?5, signal = ?6, state = CASE WHEN ?4 IS NULL THEN 'completed' ELSE 'failed' END,
               legacy_completed_at = {written}, captured_phase = ?7
             WHERE agent_id = ?1"
        ),
        params![
            completion.agent_id,
            at,
            completion.response,
            completion.extraction_error,
            completion.exit_code,
            completion.signal,
            known.captured
        ],
    );
    if known.mirrored {
        ended.map_err(dual::refused(FindingKind::MissingInNew, LEGACY, Some(&key(&completion.agent_id))))?;
    } else {
        ended?;
    }
    Ok(())
}
