//! One attempt: recorded, started, heard to its end.

mod ended;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use conclave_retry::{ErrorClass, Random};

use super::Event;
use super::models::Asked;
use super::prompt::{Earlier, Question};
use super::retrying::Failures;
use super::stage::Stage;
use super::writing::write;
use super::{scratch, slots};
use crate::agents::{self, AgentDefinition, CommandLine, Launch};
use crate::child::{self, Command, Done, Running};
use crate::error::Result;
use crate::record::SpawnRecord;
use crate::store::workflow::{self as store, Spawned};

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempted {
    Answered,
    /// Answered in words where JSON is wanted.
    AnsweredInWords,
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
    /// The answer in words that is to be given again as JSON. Such an attempt is not repeated, and brings JSON or
    /// nothing.
    pub(super) in_words: Option<&'a [u8]>,
}

/// Starts the process on a thread that may be held up: a start takes milliseconds, in which the answers of others
/// would wait. Dropped meanwhile, the child is killed as soon as it is there.
async fn start(command: Command) -> io::Result<Running> {
    let _turn = slots::starting().await;
    match tokio::task::spawn_blocking(move || child::start(command)).await {
        Ok(started) => started,
        Err(error) => Err(io::Error::other(error)),
    }
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

    /// Exit code and signal, where there are any.
    const fn exit(&self) -> (Option<i32>, Option<i32>) {
        match self {
            Self::NotStarted(_) => (None, None),
            Self::Ended(done) => (done.exit_code, done.signal),
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
        let mut transcript = stage.transcript(&self.definition.name, self.number);
        let came = match self.launch(stage, &agent_id).await {
            Err(error) => Came::NotStarted(error),
            Ok(prepared) => {
                session_id = prepared.session_id;
                match start(prepared.command).await {
                    Err(error) => Came::NotStarted(error),
                    Ok(running) => {
                        let (id, process) = (agent_id.clone(), running.identity().clone());
                        let pid = process.pid;
                        write(&stage.db, "started", move |tx| store::started(tx, &id, &process)).await?;
                        self.tell_started(stage, pid);
                        if let Some(transcript) = &mut transcript {
                            transcript.started(pid);
                        }
                        let limits = stage.time.limits(self.definition.timeout);
                        let line = |line: &str| {
                            let (agent, text) = (self.definition.name.clone(), line.to_owned());
                            stage.session.tell(Event::Line { agent, text });
                        };
                        let piece = |output, piece: &[u8]| {
                            if let Some(transcript) = &mut transcript {
                                transcript.heard(output, piece);
                            }
                        };
                        let done = running.wait_hearing(&limits, &stage.stop, line, piece).await;
                        drop(prepared.scratch);
                        Came::of(done)
                    }
                }
            }
        };
        // Now, and not when it is stored: that may have to wait for others.
        let at = stage.db.clock().wall_ms();
        let exit = came.exit();
        let (attempted, end) = self.store(stage, agent_id, session_id, came, at).await?;
        if let Some(transcript) = transcript {
            transcript.ended(end, exit);
        }
        Ok(attempted)
    }

    fn tell_started(&self, stage: &Stage, pid: u32) {
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        stage.session.tell(Event::Started {
            agent: self.definition.name.clone(),
            attempt: number,
            // A repair may be one more.
            limit: self.definition.retries.saturating_add(1).max(number),
            pid,
        });
    }

    /// Everything that the process needs.
    async fn launch(&self, stage: &Stage, agent_id: &str) -> io::Result<Prepared> {
        let mut definition = self.definition.clone();
        definition.env = stage.session.values_of(&definition.name);
        let is_built_in = stage.asks_built_in();
        let question = Question {
            role: definition.role.as_deref(),
            prompt: &stage.driven.prompt,
            // Another prompt may ask for more than the schema lets through.
            keys: if is_built_in { &[] } else { stage.required() },
            earlier: self.earlier,
            in_words: self.in_words,
        };
        let prompt = question.compose();
        let session_id = uuid(&*stage.session.random);
        let schema = stage.schema.clone().filter(|_| is_built_in);
        let mark = stage.mark(agent_id);
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
        let CommandLine { mut program, mut args, env, stdin, session_id, .. } = line;
        let of_preset = definition.known().into_iter().flat_map(agents::Preset::environment);
        let mut pass: Vec<&str> = definition.env_pass.iter().map(String::as_str).collect();
        for name in of_preset {
            pass.push(name);
        }
        let mut environment: Vec<(OsString, OsString)> =
            child::environment(stage.session.environment.iter().cloned(), &pass, &definition.env);
        environment.retain(|(name, _)| env.iter().all(|(own, _)| own != name));
        environment.extend(env);
        if definition.is_model() {
            let question = Asked { run: stage.run, time: stage.time.limits(definition.timeout).timeout };
            stage.session.models.complete(&mut program, &mut args, question);
            environment.extend(stage.session.models.variables(&stage.session.environment));
        }
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
}

/// A process that can be started, and the folder that goes with it.
struct Prepared {
    command: Command,
    scratch: tempfile::TempDir,
    /// The session's id, where the agent was given one.
    session_id: Option<String>,
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

    use super::{private_file, uuid};

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
    fn a_prompt_in_a_file_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prompt.md");
        private_file(&file, b"do it").unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(private_file(&file, b"else").is_err(), "what is there is not written over");
        assert_eq!(std::fs::read(&file).unwrap(), b"do it");
    }
}
