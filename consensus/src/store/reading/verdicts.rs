//! What is computed of a run: from its roster and its outputs, never from what somebody claims.
//!
//! The verdict of a closed run is stored, and goes as soon as its outputs change; of every other run it is worked out
//! when it is read. Settings and roster are on the new side in every phase.

use conclave_db::ReadConn;

use super::legacy::Additions;
use super::{Lead, Rows, Target, View, optional_text, outputs, text};
use crate::agents::Accept;
use crate::error::{ConsensusError, Result};
use crate::runs::{AttemptDetail, RunId, RunStatus, RunSummary};
use crate::store::workflow;
use crate::verdict::{self, Case, CaseAgent, Verdict};
use crate::workflow::Owner;

/// Puts what is computed in the place of what is claimed. A run that is under way stays that. `additions` are the
/// rows without a counterpart; agents must be known.
pub(super) fn settle(
    conn: &ReadConn<'_>,
    view: View,
    runs: &mut [RunSummary],
    additions: &Additions,
) -> Result<()> {
    let groups = additions.by_number();
    for run in runs {
        if run.status == RunStatus::Running {
            run.interrupted = is_interrupted(conn, view, run)?;
            continue;
        }
        let real = (view.lead != Lead::LegacyAlone && run.id.0 > 0).then_some(run.id);
        let rows = Rows { real, unmapped: groups.get(&run.id).map(|group| &group.identity) };
        let settings = settings(conn, real)?;
        let status = match settings.status.filter(|_| rows.unmapped.is_none()) {
            Some(stored) => Some(stored),
            None => case(conn, view, rows, run, &settings)?.map(|case| verdict::status(&case)),
        };
        put(run, status, settings.driven);
    }
    Ok(())
}

/// The verdict on a run, which its summary takes over; nothing where there is nothing to judge yet.
pub(crate) fn verdict(
    conn: &ReadConn<'_>,
    view: View,
    run: &mut Target,
    attempts: &[AttemptDetail],
) -> Result<Option<Verdict>> {
    if run.summary.status == RunStatus::Running {
        run.summary.interrupted = is_interrupted(conn, view, &run.summary)?;
        return Ok(None);
    }
    let verdict = judged(conn, view, run, attempts)?;
    let driven = settings(conn, run.real)?.driven;
    put(&mut run.summary, verdict.as_ref().map(|verdict| verdict.status), driven);
    Ok(verdict)
}

/// Whether Conclave began the run, and whoever drove it is there no more.
fn is_interrupted(conn: &ReadConn<'_>, view: View, run: &RunSummary) -> Result<bool> {
    if view.lead == Lead::LegacyAlone || run.id.0 <= 0 {
        return Ok(false);
    }
    Ok(workflow::left_by(conn, run.id)?.is_some_and(|owner| matches!(owner, Owner::Nobody | Owner::Ended)))
}

/// The verdict on the rows as they are, whether the run is under way or not: what is stored when a run is closed is
/// this, so that it can be computed again.
pub(crate) fn judged(
    conn: &ReadConn<'_>,
    view: View,
    run: &Target,
    attempts: &[AttemptDetail],
) -> Result<Option<Verdict>> {
    Ok(full_case(conn, view, run, attempts)?.map(|case| verdict::judge(&case)))
}

/// What the verdict on a run that Conclave drives depends on.
pub(crate) fn driven_case(conn: &ReadConn<'_>, run: RunId) -> Result<Case> {
    let view = View::of(conn)?;
    let not_found = || ConsensusError::NotFound { what: "run", name: run.to_string() };
    let target = super::locate(conn, view, run)?.ok_or_else(not_found)?;
    let attempts = super::attempts(conn, view, &target)?;
    full_case(conn, view, &target, &attempts)?.ok_or_else(not_found)
}

/// The case with who failed.
fn full_case(
    conn: &ReadConn<'_>,
    view: View,
    run: &Target,
    attempts: &[AttemptDetail],
) -> Result<Option<Case>> {
    let settings = settings(conn, run.real)?;
    let mut case = case(conn, view, run.rows(), &run.summary, &settings)?;
    if let Some(case) = &mut case {
        for agent in &mut case.expected {
            let own = attempts.iter().filter(|attempt| attempt.agent == agent.name);
            let last = own.max_by_key(|attempt| attempt.attempt);
            agent.failed = last.and_then(failure);
        }
    }
    Ok(case)
}

/// How an attempt failed, if it did.
fn failure(attempt: &AttemptDetail) -> Option<String> {
    let ended = !matches!(attempt.state.as_str(), "spawned" | "completed" | "answered");
    ended.then(|| attempt.state.clone())
}

fn put(run: &mut RunSummary, status: Option<RunStatus>, driven: bool) {
    // What Conclave wrote into the synthesis of its own run is this verdict and no claim of anybody else.
    if driven && run.recorded.as_deref() == status.map(RunStatus::as_str) {
        run.recorded = None;
    }
    run.status = status.unwrap_or(RunStatus::Unknown);
    run.consensus_ok = status.map(|status| status == RunStatus::Ok);
    run.degraded = status.map(|status| status == RunStatus::Degraded);
}

/// What is stored of a run for its verdict.
#[derive(Default)]
struct Settings {
    /// That of the stored verdict.
    status: Option<RunStatus>,
    quorum: Option<usize>,
    accept: Accept,
    /// Whether Conclave drove it: then it has a roster.
    driven: bool,
}

fn settings(conn: &ReadConn<'_>, run: Option<RunId>) -> Result<Settings> {
    let Some(run) = run else { return Ok(Settings::default()) };
    let query =
        "SELECT (SELECT status FROM run_verdicts WHERE run_id = ?1), s.run_id IS NOT NULL, s.quorum, s.accept
      FROM (SELECT ?1 AS id) LEFT JOIN run_settings s ON s.run_id = id";
    Ok(conn.query_row(query, [run.0], |row| {
        Ok(Settings {
            status: optional_text(row, 0)?.as_deref().and_then(RunStatus::parse),
            driven: row.get(1)?,
            quorum: row.get(2)?,
            accept: optional_text(row, 3)?.as_deref().and_then(Accept::parse).unwrap_or_default(),
        })
    })?)
}

/// What the verdict depends on; nothing where nobody answered and nobody is expected.
fn case(
    conn: &ReadConn<'_>,
    view: View,
    rows: Rows<'_>,
    run: &RunSummary,
    settings: &Settings,
) -> Result<Option<Case>> {
    let mut expected = Vec::new();
    if let Some(run) = rows.real.filter(|_| settings.driven) {
        let query = "SELECT agent_name, family FROM run_roster WHERE run_id = ?1 ORDER BY position";
        expected = conn.query_all(query, [run.0], |row| {
            Ok(CaseAgent { name: text(row, 0)?, family: optional_text(row, 1)?, failed: None })
        })?;
    }
    if run.output_count == 0 && expected.is_empty() {
        return Ok(None);
    }
    let answers = outputs::latest(conn, view, rows)?;
    if expected.is_empty() {
        // Whoever was started without an answer is in the list of agents too.
        expected = run
            .agents
            .iter()
            .map(|name| CaseAgent { name: name.clone(), family: None, failed: None })
            .collect();
    }
    let stage = run.stage.clone();
    Ok(Some(Case { stage, expected, answers, quorum: settings.quorum, accept: settings.accept }))
}
