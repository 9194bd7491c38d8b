//! One attempt: recorded, started, heard, judged, stored.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use conclave_retry::{ErrorClass, Random, RetryReason};

use super::prompt::{self, Earlier};
use super::retrying::{Failures, Retrying};
use super::scratch;
use super::stage::Stage;
use super::writing::write;
use super::{AttemptEnd, Event};
use crate::agents::{self, AgentDefinition, CommandLine, Ended, Failed, Judged, Launch};
use crate::answer::Answer;
use crate::child::{self, Command, Done, Why};
use crate::error::Result;
use crate::record::{CompletionRecord, OutputRecord, SpawnRecord};
use crate::store::workflow::{self as store, AttemptEnded, Spawned};

/// The end of standard error that is kept with an attempt, in bytes.
const STDERR_KEPT: usize = 16 * 1024;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempted {
    Answered,
    /// Without an answer: the next attempt begins at this time, ms; there is none where it is absent.
    Failed {
        class: ErrorClass,
        message: String,
        retry_at: Option<i64>,
    },
    /// Somebody ended it, or it was not begun at all.
    Stopped,
}

/// An attempt that is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) definition: &'a AgentDefinition,
    /// Which one, from 1.
    pub(super) number: i64,
    /// How often it was begun before and lost: then it has another id.
    pub(super) lost: i64,
    pub(super) failures: Failures,
    pub(super) earlier: &'a [Earlier],
}

/// How a process came to its end, or did not come to its beginning.
enum Came {
    NotStarted(io::Error),
    Ended(Done),
}

impl Came {
    fn of(done: Done) -> Self {
        match done.not_started {
            Some(code) => Self::NotStarted(io::Error::from_raw_os_error(code)),
            None => Self::Ended(done),
        }
    }
}

impl Attempt<'_> {
    pub(super) async fn make(&self, stage: &Stage) -> Result<Attempted> {
        let agent_id = stage.agent_id(&self.definition.name, self.number, self.lost);
        let spawn = SpawnRecord {
            agent_id: agent_id.clone(),
            run: stage.run,
            agent: self.definition.name.clone(),
            attempt: self.number,
            phase_type: stage.driven.phase_type.clone(),
            at: None,
        };
        let me = stage.me.clone();
        if write(&stage.db, "spawn", move |tx| store::spawn(tx, &spawn, &me)).await? == Spawned::Cancelled {
            stage.stop.cancel();
            return Ok(Attempted::Stopped);
        }
        let mut session_id = None;
        let came = match self.launch(stage, &agent_id).await {
            Err(error) => Came::NotStarted(error),
            Ok(prepared) => {
                session_id = prepared.session_id;
                match child::start(prepared.command) {
                    Err(error) => Came::NotStarted(error),
                    Ok(running) => {
                        let (id, process) = (agent_id.clone(), running.identity().clone());
                        let pid = process.pid;
                        write(&stage.db, "started", move |tx| store::started(tx, &id, &process)).await?;
                        self.tell_started(stage, pid);
                        let limits = stage.time.limits(self.definition.timeout);
                        let done = running.wait(&limits, &stage.stop, |line| {
                            let (agent, text) = (self.definition.name.clone(), line.to_owned());
                            stage.session.tell(Event::Line { agent, text });
                        });
                        let done = done.await;
                        drop(prepared.scratch);
                        Came::of(done)
                    }
                }
            }
        };
        self.store(stage, agent_id, session_id, came).await
    }

    fn tell_started(&self, stage: &Stage, pid: u32) {
        stage.session.tell(Event::Started {
            agent: self.definition.name.clone(),
            attempt: u32::try_from(self.number).unwrap_or(u32::MAX),
            limit: self.definition.retries.saturating_add(1),
            pid,
        });
    }

    /// Everything that the process needs.
    async fn launch(&self, stage: &Stage, agent_id: &str) -> io::Result<Prepared> {
        let mut definition = self.definition.clone();
        definition.env = stage.session.values_of(&definition.name);
        let prompt = prompt::compose(definition.role.as_deref(), &stage.driven.prompt, self.earlier);
        let session_id = uuid(&*stage.session.random);
        let (schema, mark) = (stage.schema.clone(), stage.mark(agent_id));
        let made = tokio::task::spawn_blocking(move || {
            let scratch = scratch::folder(&mark)?;
            let prompt_file = scratch.path().join("prompt.md");
            let launch = Launch {
                prompt: &prompt,
                prompt_file: &prompt_file,
                schema: schema.as_deref(),
                session_id: &session_id,
                scratch: scratch.path(),
            };
            let line = agents::command_of(&definition, &launch);
            for (path, bytes) in &line.files {
                private_file(path, bytes)?;
            }
            Ok::<_, io::Error>((definition, line, scratch))
        });
        let (definition, line, scratch) = made.await.map_err(io::Error::other)??;
        let CommandLine { program, args, env, stdin, session_id, .. } = line;
        let preset = definition.preset.as_deref().and_then(agents::preset);
        let of_preset = preset.into_iter().flat_map(agents::Preset::environment);
        let mut pass: Vec<&str> = definition.env_pass.iter().map(String::as_str).collect();
        for name in of_preset {
            pass.push(name);
        }
        let mut environment: Vec<(OsString, OsString)> =
            child::environment(stage.session.environment.iter().cloned(), &pass, &definition.env);
        environment.retain(|(name, _)| env.iter().all(|(own, _)| own != name));
        environment.extend(env);
        let command = Command {
            launcher: stage.session.launcher.clone(),
            program,
            args,
            directory: stage.directory(),
            env: environment,
            stdin,
            mark: stage.mark(agent_id),
        };
        Ok(Prepared { command, scratch, session_id })
    }

    /// Stores what came of it, the answer and the end in one transaction.
    async fn store(
        &self,
        stage: &Stage,
        agent_id: String,
        session_id: Option<String>,
        came: Came,
    ) -> Result<Attempted> {
        let (end, judged) = self.judge(stage, &came);
        let (answer, failed) = match judged {
            Some(Judged::Answer(answer)) => (Some(answer), None),
            Some(Judged::Failed(failed)) => (None, Some(failed)),
            None => (None, None),
        };
        let retrying = Retrying {
            retries: self.definition.retries,
            policy: stage.session.retry,
            random: &*stage.session.random,
        };
        let delay = failed
            .as_ref()
            .and_then(|failed| retrying.delay(self.failures, failed.class, stage.time.left_for_work()));
        let retry_at = delay.map(|delay| {
            let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
            stage.db.clock().wall_ms().saturating_add(delay)
        });
        let attempted = match (&answer, &failed) {
            (Some(_), _) => Attempted::Answered,
            (None, Some(failed)) => {
                Attempted::Failed { class: failed.class, message: failed.message.clone(), retry_at }
            }
            (None, None) => Attempted::Stopped,
        };
        let ended = self.ended(stage, agent_id, session_id, end, came, (answer, failed), retry_at);
        write(&stage.db, "attempt ended", move |tx| store::ended(tx, &ended)).await?;
        stage.session.tell(Event::Ended {
            agent: self.definition.name.clone(),
            attempt: u32::try_from(self.number).unwrap_or(u32::MAX),
            end,
        });
        Ok(attempted)
    }

    /// What its end means; nothing is judged where somebody ended it.
    fn judge(&self, stage: &Stage, came: &Came) -> (AttemptEnd, Option<Judged>) {
        let preset = self.definition.preset.as_deref().and_then(agents::preset);
        let judged = match came {
            Came::Ended(done) if done.why == Why::Cancelled => return (AttemptEnd::Cancelled, None),
            Came::NotStarted(error) if child::is_exhausted(error) => Judged::Failed(Failed::new(
                ErrorClass::retryable(RetryReason::Unavailable),
                format!("could not be started: {error}"),
            )),
            Came::NotStarted(error) => {
                let ended = Ended { not_started: Some(error), ..Ended::default() };
                agents::judge(preset, &ended, stage.schema.is_some())
            }
            Came::Ended(done) => {
                let ended = Ended {
                    exit_code: done.exit_code,
                    signal: done.signal,
                    timed_out: done.why == Why::TimedOut,
                    not_started: None,
                    stdout: &done.stdout.bytes,
                    stderr: &done.stderr.bytes,
                    truncated: done.stdout.truncated,
                };
                agents::judge(preset, &ended, stage.schema.is_some())
            }
        };
        let end = match (&judged, came) {
            (Judged::Answer(_), _) => AttemptEnd::Answered,
            (_, Came::Ended(Done { why: Why::TimedOut, .. })) => AttemptEnd::TimedOut,
            _ => AttemptEnd::Failed,
        };
        (end, Some(judged))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one row")]
    fn ended(
        &self,
        stage: &Stage,
        agent_id: String,
        given_session: Option<String>,
        end: AttemptEnd,
        came: Came,
        (answer, failed): (Option<Answer>, Option<Failed>),
        retry_at: Option<i64>,
    ) -> AttemptEnded {
        let done = match came {
            Came::Ended(done) => Some(done),
            Came::NotStarted(_) => None,
        };
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
        AttemptEnded {
            completion: CompletionRecord {
                agent_id,
                response: done.as_ref().map(|done| done.stdout.bytes.clone()),
                extraction_error: message.clone(),
                exit_code: done.as_ref().and_then(|done| done.exit_code).map(i64::from),
                signal: done.as_ref().and_then(|done| done.signal).map(i64::from),
                at: None,
            },
            output: answer.map(|answer| OutputRecord {
                run: stage.run,
                agent: self.definition.name.clone(),
                attempt: self.number,
                content: answer.content,
                response: Some(answer.raw),
                at: None,
                // The same however often the attempt was lost before.
                write_key: Some(stage.agent_id(&self.definition.name, self.number, 0)),
            }),
            end,
            class: failed.as_ref().map(|failed| failed.class),
            message,
            hint: failed.and_then(|failed| failed.hint),
            retry_at,
            stderr: done.as_ref().map(|done| tail(&done.stderr.bytes)).filter(|text| !text.is_empty()),
            stdout_bytes: done.as_ref().map(|done| done.stdout.total),
            stderr_bytes: done.as_ref().map(|done| done.stderr.total),
            truncated: done.as_ref().is_some_and(|done| done.stdout.truncated || done.stderr.truncated),
            session_id: session.or(given_session),
            usage,
        }
    }
}

/// A process that can be started, and the folder that goes with it.
struct Prepared {
    command: Command,
    scratch: tempfile::TempDir,
    /// The session's id, where the agent was given one.
    session_id: Option<String>,
}

/// The end of what it wrote, as text; bytes that are none are replaced.
fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(STDERR_KEPT);
    let kept = bytes.get(from..).unwrap_or(bytes);
    // A character that was cut in front is no character.
    let whole = kept.iter().take(3).take_while(|byte| from > 0 && **byte & 0xc0 == 0x80).count();
    String::from_utf8_lossy(kept.get(whole..).unwrap_or(kept)).into_owned()
}

/// A file that this user alone reads: it may hold the prompt.
fn private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(bytes)
}

/// A random UUID (version 4) in its usual form.
fn uuid(random: &dyn Random) -> String {
    let (high, low) = (random.next_u64(), random.next_u64());
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use conclave_retry::SeededRandom;

    use super::{STDERR_KEPT, tail, uuid};

    #[test]
    fn a_session_has_a_uuid() {
        let random = SeededRandom::new(7);
        let (one, other) = (uuid(&random), uuid(&random));
        assert_ne!(one, other);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('4') && "89ab".contains(&parts[3][..1]), "{one}");
    }

    #[test]
    fn the_end_of_stderr_is_kept() {
        let mut long = "ä".repeat(STDERR_KEPT).into_bytes();
        long.push(b'!');
        let kept = tail(&long);
        assert!(kept.len() <= STDERR_KEPT && kept.ends_with("ä!") && kept.starts_with('ä'));
        assert_eq!(tail(b"\x80x"), "\u{fffd}x");
    }
}
