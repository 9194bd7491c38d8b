//! What the end of an attempt means, and the row that it becomes.

use std::sync::Arc;
use std::time::Duration;

use conclave_db::DbError;
use conclave_retry::{ErrorClass, RetryReason};

use super::{Attempt, Attempted};
use crate::agents::{self, Ended, Failed, Judged, Preset, Written};
use crate::answer::{Answer, Found};
use crate::child::{self, Capture, Done, Why};
use crate::error::{ConsensusError, Result};
use crate::record::{CompletionRecord, OutputRecord};
use crate::store::workflow::{self as store, AttemptEnded, IN_WORDS, REPAIR};
use crate::workflow::launching::Came;
use crate::workflow::retrying::Retrying;
use crate::workflow::stage::Stage;
use crate::workflow::writing::write;
use crate::workflow::{AttemptEnd, Event};

/// The end of standard error that is kept with an attempt, in bytes.
const STDERR_KEPT: usize = 16 * 1024;

/// What an attempt came to.
struct Outcome {
    end: AttemptEnd,
    /// Nothing is judged where somebody ended it.
    judged: Option<Judged>,
    done: Option<Done>,
}

impl Attempt<'_> {
    /// Stores what came of it, the answer and the end in one transaction, and gives both. It ended at this time, ms.
    pub(super) async fn store(
        &self,
        stage: &Stage,
        agent_id: String,
        session_id: Option<String>,
        came: Came,
        at: i64,
    ) -> Result<(Attempted, AttemptEnd)> {
        let Outcome { end, judged, done } = self.judge(stage, came).await?;
        let (answer, failed) = match judged {
            Some(Judged::Answer(answer)) => (Some(answer), None),
            Some(Judged::Failed(failed)) => (None, Some(failed)),
            None => (None, None),
        };
        let retry_at = failed.as_ref().and_then(|failed| self.retry_at(stage, failed));
        let attempted = match (&answer, &failed) {
            (Some(answer), _) if stage.schema.is_some() && answer.found == Found::Text => {
                Attempted::AnsweredInWords
            }
            (Some(_), _) => Attempted::Answered,
            (None, Some(failed)) => {
                Attempted::Failed { class: failed.class, message: failed.message.clone(), retry_at }
            }
            (None, None) => Attempted::Stopped,
        };
        let reason = match &attempted {
            _ if self.in_words.is_some() => Some(REPAIR),
            Attempted::AnsweredInWords => Some(IN_WORDS),
            _ => failed.as_ref().map(|failed| failed.class.reason()),
        };
        let ended = self.row(stage, agent_id, session_id, end, done, (answer, failed));
        let mut ended = AttemptEnded { reason, retry_at, ..ended };
        ended.completion.at = Some(at);
        if let Some(output) = &mut ended.output {
            output.at = Some(at);
        }
        let ended = Arc::new(ended);
        write(&stage.db, "attempt ended", move |tx| store::ended(tx, &ended)).await?;
        stage.session.tell(Event::Ended {
            agent: self.definition.name.clone(),
            attempt: u32::try_from(self.number).unwrap_or(u32::MAX),
            end,
        });
        Ok((attempted, end))
    }

    /// What its end means. An answer may be long: it is read where that holds nobody up.
    async fn judge(&self, stage: &Stage, came: Came) -> Result<Outcome> {
        let preset = self.definition.known();
        let (wants_json, is_repair) = (stage.schema.is_some(), self.in_words.is_some());
        let judging = tokio::task::spawn_blocking(move || {
            let (end, judged) = judge(preset, &came, wants_json, is_repair);
            let done = match came {
                Came::Ended(done) => Some(done),
                Came::NotStarted(_) => None,
            };
            Outcome { end, judged, done }
        });
        judging.await.map_err(|error| {
            ConsensusError::Storage(DbError::Panicked { label: "judge", message: error.to_string() })
        })
    }

    /// When the next attempt begins, ms; a repair is not repeated.
    fn retry_at(&self, stage: &Stage, failed: &Failed) -> Option<i64> {
        if self.in_words.is_some() {
            return None;
        }
        let retrying = Retrying {
            retries: self.definition.retries,
            policy: stage.session.retry,
            random: &*stage.session.random,
        };
        let now = stage.db.clock().wall_ms();
        let class = not_before(failed, now);
        let delay = retrying.delay(self.failures, class, stage.time.left_for_work())?;
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        Some(now.saturating_add(delay))
    }

    fn row(
        &self,
        stage: &Stage,
        agent_id: String,
        given_session: Option<String>,
        end: AttemptEnd,
        done: Option<Done>,
        (answer, failed): (Option<Answer>, Option<Failed>),
    ) -> AttemptEnded {
        let message = match (&failed, end) {
            (Some(failed), _) => Some(failed.message.clone()),
            (None, AttemptEnd::Cancelled) => Some("ended before it had answered".to_owned()),
            (None, _) => None,
        };
        let (usage, session) = match (&answer, &failed) {
            (Some(answer), _) => (answer.usage.clone(), answer.session_id.clone()),
            (None, Some(failed)) => (failed.usage.clone(), failed.session_id.clone()),
            (None, None) => Default::default(),
        };
        let (exit_code, signal) = done.as_ref().map_or((None, None), |done| (done.exit_code, done.signal));
        let (stdout, stderr) = done.map(|done| (done.stdout, done.stderr)).unzip();
        let is_cut = [&stdout, &stderr].into_iter().flatten().any(|output| output.cut.is_some());
        AttemptEnded {
            output: answer.map(|answer| OutputRecord {
                run: stage.run,
                agent: self.definition.name.clone(),
                attempt: self.number,
                content: answer.content,
                // That of the completion.
                response: None,
                at: None,
                // The same however often the attempt was lost before.
                write_key: Some(stage.agent_id(&self.definition.name, self.number, 0)),
            }),
            end,
            class: failed.as_ref().map(|failed| failed.class),
            reason: None,
            hint: failed.and_then(|failed| failed.hint),
            retry_at: None,
            stderr: stderr.as_ref().map(tail).filter(|text| !text.is_empty()),
            stdout_bytes: stdout.as_ref().map(|stdout| stdout.total),
            stderr_bytes: stderr.as_ref().map(|stderr| stderr.total),
            truncated: is_cut,
            session_id: session.or(given_session),
            usage,
            completion: CompletionRecord {
                agent_id,
                response: stdout.map(Capture::into_told),
                extraction_error: message.clone(),
                exit_code: exit_code.map(i64::from),
                signal: signal.map(i64::from),
                at: None,
            },
            message,
        }
    }
}

/// The class, with the time that hosts are left alone for: before that a model would be asked for nothing.
fn not_before(failed: &Failed, now: i64) -> ErrorClass {
    let left = failed.away.and_then(|away| away.until).map(|until| until.saturating_sub(now));
    let left = left.map(|left| Duration::from_millis(u64::try_from(left).unwrap_or(0)));
    match failed.class {
        ErrorClass::Retryable { reason, after } => ErrorClass::Retryable { reason, after: after.max(left) },
        class => class,
    }
}

/// Nothing is judged where somebody ended it.
pub(in crate::workflow) fn judge(
    preset: Option<&Preset>,
    came: &Came,
    wants_json: bool,
    is_repair: bool,
) -> (AttemptEnd, Option<Judged>) {
    let judged = match came {
        Came::Ended(done) if done.why == Why::Cancelled => return (AttemptEnd::Cancelled, None),
        Came::NotStarted(error) if child::is_exhausted(error) => Judged::Failed(Failed::new(
            ErrorClass::retryable(RetryReason::Unavailable),
            format!("could not be started: {error}"),
        )),
        Came::NotStarted(error) => {
            let ended = Ended { not_started: Some(error), ..Ended::default() };
            agents::judge(preset, &ended, wants_json)
        }
        Came::Ended(done) => {
            let ended = Ended {
                exit_code: done.exit_code,
                signal: done.signal,
                timed_out: done.why == Why::TimedOut,
                not_started: None,
                stdout: Written { bytes: &done.stdout.bytes, cut: done.stdout.cut },
                stderr: Written { bytes: &done.stderr.bytes, cut: done.stderr.cut },
            };
            agents::judge(preset, &ended, wants_json)
        }
    };
    let judged = match judged {
        // The words that are there say as much.
        Judged::Answer(answer) if is_repair && answer.found == Found::Text => Judged::Failed(Failed {
            usage: answer.usage,
            session_id: answer.session_id,
            ..Failed::new(
                ErrorClass::Degraded { succeeded: 0, total: 1 },
                "asked for JSON alone, it answered in words again",
            )
        }),
        judged => judged,
    };
    let end = match (&judged, came) {
        (Judged::Answer(_), _) => AttemptEnd::Answered,
        (_, Came::Ended(Done { why: Why::TimedOut, .. })) => AttemptEnd::TimedOut,
        _ => AttemptEnd::Failed,
    };
    (end, Some(judged))
}

/// The end of what it wrote, as text; bytes that are none are replaced.
fn tail(output: &Capture) -> String {
    let bytes = &output.bytes;
    let from = bytes.len().saturating_sub(STDERR_KEPT).max(output.cut.unwrap_or(0));
    let kept = bytes.get(from..).unwrap_or(bytes);
    // A character that was cut in front is no character.
    let whole = kept.iter().take(3).take_while(|byte| from > 0 && **byte & 0xc0 == 0x80).count();
    String::from_utf8_lossy(kept.get(whole..).unwrap_or(kept)).into_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use conclave_retry::{ErrorClass, PermanentReason, RetryReason};

    use super::{Capture, Failed, STDERR_KEPT, not_before, tail};
    use crate::agents::Away;

    #[test]
    fn no_model_is_asked_again_before_a_host_may_be() {
        let failed = |class, until| Failed {
            away: Some(Away { until, is_full: false }),
            ..Failed::new(class, "no host may be asked now")
        };
        let busy = |after| ErrorClass::Retryable { reason: RetryReason::Unavailable, after };
        for (until, after) in [(Some(31_000), Some(30_000)), (Some(500), Some(0)), (None, None)] {
            let wanted = busy(after.map(Duration::from_millis));
            assert_eq!(not_before(&failed(busy(None), until), 1000), wanted, "{until:?}");
        }
        let denied = ErrorClass::permanent(PermanentReason::Denied);
        assert_eq!(not_before(&failed(denied, Some(31_000)), 1000), denied);
    }

    #[test]
    fn the_end_of_stderr_is_kept() {
        let of = |bytes: &[u8], cut| tail(&Capture { bytes: bytes.to_vec(), total: 0, cut });
        let mut long = "ä".repeat(STDERR_KEPT).into_bytes();
        long.push(b'!');
        let kept = of(&long, None);
        assert!(kept.len() <= STDERR_KEPT && kept.ends_with("ä!") && kept.starts_with('ä'));
        assert_eq!(of(b"\x80x", None), "\u{fffd}x");
        assert_eq!(of(b"begin\x80end", Some(5)), "end");
    }
}
