//! Asking one agent until it has answered, or is not to be asked again.

use std::time::Duration;

use conclave_retry::ErrorClass;
use tokio::sync::SemaphorePermit;

use super::attempt::{Attempt, Attempted};
use super::prompt::Earlier;
use super::retrying::Failures;
use super::stage::Stage;
use super::{AttemptEnd, Event, slots};
use crate::agents::AgentDefinition;
use crate::error::Result;
use crate::store::workflow::{self as store, IN_WORDS, Past};

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// It has answered, or failed for good, or there is no time left.
    Done,
    /// Somebody wants the end of it.
    Stopped,
}

/// Where an agent stands before it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Standing {
    failures: Failures,
    /// Attempts since the last failure that were lost or ended from outside: the next one is made in their place.
    lost: i64,
    /// It failed for good.
    given_up: bool,
    /// Why and until when, ms, the next attempt waits.
    waits: Option<(String, i64)>,
}

impl Standing {
    fn of(past: &[Past]) -> Self {
        let mut standing = Self::default();
        for attempt in past {
            let failed = matches!(attempt.end, Some(AttemptEnd::Failed | AttemptEnd::TimedOut));
            if failed {
                standing.failures.all += 1;
                standing.failures.degraded += u32::from(attempt.class.as_deref() == Some("degraded"));
                standing.lost = 0;
            } else {
                standing.lost += 1;
            }
            standing.given_up = failed && attempt.retry_at.is_none();
            let why = attempt.message.clone().unwrap_or_default();
            standing.waits = attempt.retry_at.filter(|_| failed).map(|at| (why, at));
        }
        standing
    }

    /// The number of the next attempt: those that were not its own failures do not count.
    fn next(&self) -> i64 {
        i64::from(self.failures.all) + 1
    }
}

/// One more attempt after an answer in words where JSON is wanted. It uses up no retry, and whatever comes of it the
/// agent has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Repair {
    number: i64,
    lost: i64,
}

impl Repair {
    /// The one that is to be made after these attempts: after the answer in words none came to an end of its own.
    pub(super) fn due(past: &[Past]) -> Option<Self> {
        let in_words = |attempt: &Past| {
            attempt.end == Some(AttemptEnd::Answered) && attempt.reason.as_deref() == Some(IN_WORDS)
        };
        let answered = past.iter().rposition(in_words)?;
        let (before, after) = past.split_at(answered + 1);
        let was_lost =
            |attempt: &Past| matches!(attempt.end, None | Some(AttemptEnd::Lost | AttemptEnd::Cancelled));
        let lost = i64::try_from(after.len()).unwrap_or(i64::MAX);
        after.iter().all(was_lost).then_some(Self { number: before.last()?.attempt + 1, lost })
    }

    async fn make(self, stage: &Stage, definition: &AgentDefinition, earlier: &[Earlier]) -> Result<Asked> {
        let (run, agent) = (stage.run, definition.name.clone());
        let answer = stage.db.read_async(move |conn| store::answer(conn, run, &agent)).await?;
        let Some(answer) = answer else { return Ok(Asked::Done) };
        let slot = match take_slot(stage).await {
            Ok(slot) => slot,
            Err(asked) => return Ok(asked),
        };
        let attempt = Attempt {
            definition,
            number: self.number,
            lost: self.lost,
            failures: Failures::default(),
            earlier,
            in_words: Some(&answer),
        };
        let attempted = attempt.make(stage).await?;
        drop(slot);
        Ok(if attempted == Attempted::Stopped { Asked::Stopped } else { Asked::Done })
    }
}

/// Waits until the agent may be started; gives what came of asking where it is not to be.
async fn take_slot(stage: &Stage) -> std::result::Result<Option<SemaphorePermit<'static>>, Asked> {
    if stage.time.left_for_work().is_zero() {
        return Err(Asked::Done);
    }
    tokio::select! {
        biased;
        () = stage.stop.cancelled() => Err(Asked::Stopped),
        () = tokio::time::sleep(stage.time.left_for_work()) => Err(Asked::Done),
        slot = slots::take() => Ok(slot),
    }
}

/// Asks the agent, of which these attempts are known, until it is done with.
pub(super) async fn ask(
    stage: &Stage,
    definition: &AgentDefinition,
    past: &[Past],
    earlier: &[Earlier],
) -> Result<Asked> {
    if let Some(repair) = Repair::due(past) {
        return repair.make(stage, definition, earlier).await;
    }
    let mut standing = Standing::of(past);
    while !standing.given_up {
        if let Some((why, until)) = standing.waits.take()
            && let Some(asked) = wait(stage, definition, standing.next(), why, until).await
        {
            return Ok(asked);
        }
        let slot = match take_slot(stage).await {
            Ok(slot) => slot,
            Err(asked) => return Ok(asked),
        };
        let attempt = Attempt {
            definition,
            number: standing.next(),
            lost: standing.lost,
            failures: standing.failures,
            earlier,
            in_words: None,
        };
        let attempted = attempt.make(stage).await?;
        drop(slot);
        match attempted {
            Attempted::Answered => return Ok(Asked::Done),
            Attempted::AnsweredInWords => {
                let repair = Repair { number: standing.next() + 1, lost: 0 };
                return repair.make(stage, definition, earlier).await;
            }
            Attempted::Stopped => return Ok(Asked::Stopped),
            Attempted::Failed { class, message, retry_at } => {
                standing.failures.all += 1;
                standing.lost = 0;
                standing.failures.degraded += u32::from(matches!(class, ErrorClass::Degraded { .. }));
                standing.given_up = retry_at.is_none();
                standing.waits = retry_at.map(|at| (message, at));
            }
        }
    }
    Ok(Asked::Done)
}

/// Waits for the next attempt; gives what came of asking where there is to be none.
async fn wait(
    stage: &Stage,
    definition: &AgentDefinition,
    attempt: i64,
    why: String,
    until: i64,
) -> Option<Asked> {
    let left = until.saturating_sub(stage.db.clock().wall_ms());
    // A clock that was set back makes no wait longer than one may be.
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    let delay = left.min(stage.session.retry.settings().longest_asked);
    stage.session.tell(Event::Waiting {
        agent: definition.name.clone(),
        attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
        until,
        why,
    });
    tokio::select! {
        biased;
        () = stage.stop.cancelled() => Some(Asked::Stopped),
        () = tokio::time::sleep(delay) => None,
        () = tokio::time::sleep(stage.time.left_for_work()) => Some(Asked::Done),
    }
}

#[cfg(test)]
mod tests {
    use super::{AttemptEnd, Failures, IN_WORDS, Past, Repair, Standing};

    fn past(attempt: i64, end: Option<AttemptEnd>, class: Option<&str>, retry_at: Option<i64>) -> Past {
        Past {
            agent_id: format!("x/{attempt}"),
            agent: "a".into(),
            attempt,
            end,
            class: class.map(str::to_owned),
            reason: None,
            message: Some("busy".into()),
            retry_at,
            process: None,
        }
    }

    #[test]
    fn a_repair_is_due_until_it_has_ended() {
        let words =
            || Past { reason: Some(IN_WORDS.into()), ..past(2, Some(AttemptEnd::Answered), None, None) };
        let due = |past: &[Past]| Repair::due(past).map(|repair| (repair.number, repair.lost));
        let with = |ends: &[Option<AttemptEnd>]| {
            let mut all = vec![past(1, Some(AttemptEnd::Failed), Some("retryable"), None), words()];
            all.extend(ends.iter().map(|end| past(3, *end, None, None)));
            due(&all)
        };
        assert_eq!(due(&[]), None);
        assert_eq!(due(&[past(1, Some(AttemptEnd::Answered), None, None)]), None);
        assert_eq!(with(&[]), Some((3, 0)));
        assert_eq!(with(&[Some(AttemptEnd::Lost), Some(AttemptEnd::Cancelled)]), Some((3, 2)));
        for end in [AttemptEnd::Answered, AttemptEnd::Failed, AttemptEnd::TimedOut] {
            assert_eq!(with(&[Some(AttemptEnd::Lost), Some(end)]), None, "{end:?}");
        }
    }

    #[test]
    fn only_its_own_failures_count() {
        let (failed, lost) = (Some(AttemptEnd::Failed), Some(AttemptEnd::Lost));
        let standing = |past: &[Past]| {
            let standing = Standing::of(past);
            let Failures { all, degraded } = standing.failures;
            (
                standing.next(),
                standing.lost,
                all,
                degraded,
                standing.given_up,
                standing.waits.map(|(_, at)| at),
            )
        };
        assert_eq!(standing(&[]), (1, 0, 0, 0, false, None));
        assert_eq!(standing(&[past(1, lost, None, None)]), (1, 1, 0, 0, false, None));
        assert_eq!(standing(&[past(1, Some(AttemptEnd::Cancelled), None, None)]), (1, 1, 0, 0, false, None));
        assert_eq!(standing(&[past(1, failed, Some("permanent"), None)]), (2, 0, 1, 0, true, None));
        assert_eq!(standing(&[past(1, failed, Some("degraded"), Some(5))]), (2, 0, 1, 1, false, Some(5)));
        let both = [past(1, failed, Some("degraded"), None), past(2, lost, None, None)];
        assert_eq!(standing(&both), (2, 1, 1, 1, false, None));
        let both = [past(1, lost, None, None), past(1, failed, Some("retryable"), Some(7))];
        assert_eq!(standing(&both), (2, 0, 1, 0, false, Some(7)));
        assert_eq!(standing(&[past(1, Some(AttemptEnd::TimedOut), None, None)]), (2, 0, 1, 0, true, None));
    }
}
