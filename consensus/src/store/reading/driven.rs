//! What a run has beyond others where Conclave drives it.

use conclave_db::ReadConn;

use super::{Lead, Target, View};
use crate::error::Result;
use crate::runs::AttemptDetail;
use crate::store::workflow;
use crate::workflow::{AgentState, AttemptEnd, Owner, RosterEntry, RunSettings};

/// Settings and roster, where it has any. They are on the new side in every phase.
pub(crate) fn driven(
    conn: &ReadConn<'_>,
    view: View,
    run: &Target,
    attempts: &[AttemptDetail],
) -> Result<(Option<RunSettings>, Vec<RosterEntry>)> {
    let Some(id) = run.real.filter(|_| view.lead != Lead::LegacyAlone) else {
        return Ok((None, Vec::new()));
    };
    let Some(driven) = workflow::driven_run(conn, id)? else { return Ok((None, Vec::new())) };
    let answers = workflow::answers(conn, id)?;
    let mut roster = Vec::new();
    for definition in workflow::roster(conn, id)? {
        let own: Vec<&AttemptDetail> =
            attempts.iter().filter(|attempt| attempt.agent == definition.name).collect();
        let last = own.iter().max_by_key(|attempt| attempt.attempt);
        let retry_at = last.and_then(|attempt| attempt.details.retry_at);
        let state = if answers.contains_key(&definition.name) {
            AgentState::Answered
        } else {
            match last.map(|attempt| (attempt.details.outcome, attempt.completed_at)) {
                None => AgentState::Waiting,
                Some((None, None)) => AgentState::Running,
                Some((Some(AttemptEnd::Lost | AttemptEnd::Cancelled), _)) => AgentState::Left,
                Some(_) if retry_at.is_some() => AgentState::Retrying,
                Some(_) => AgentState::Failed,
            }
        };
        roster.push(RosterEntry {
            agent: definition.name.clone(),
            family: definition.family.clone(),
            state,
            attempts: u32::try_from(own.len()).unwrap_or(u32::MAX),
            limit: definition.retries.saturating_add(1),
            retry_at,
            definition,
        });
    }
    let settings = RunSettings {
        prompt: String::from_utf8_lossy(&driven.prompt).into_owned(),
        quorum: u32::try_from(driven.quorum).unwrap_or(u32::MAX),
        accept: driven.accept,
        timeout_ms: driven.timeout_ms,
        sequential: driven.sequential,
        phase_type: driven.phase_type,
        directory: driven.directory,
        actor: driven.actor,
        owner: Owner::stored(driven.owner.as_deref()),
        driven_at: driven.driven_at,
        cancelled_at: driven.cancelled_at,
        ended_at: driven.ended_at,
    };
    Ok((Some(settings), roster))
}
