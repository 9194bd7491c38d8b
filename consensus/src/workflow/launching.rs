//! From an agent and what it is asked to a process: its command line, its environment, its folder, its start.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_retry::Random;

use super::{Session, scratch, slots};
use crate::agents::{self, AgentDefinition, CommandLine, Launch};
use crate::child::{self, Command, Done, Running};

/// What an agent is asked, and where.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// The agent, with the values of its environment.
    pub(super) definition: AgentDefinition,
    /// All that it is asked.
    pub(super) prompt: Vec<u8>,
    pub(super) schema: Option<String>,
    pub(super) directory: PathBuf,
    /// What all processes of the attempt carry in their environment.
    pub(super) mark: String,
    /// What a model is told its question belongs to.
    pub(super) run: String,
    /// The time of the attempt.
    pub(super) time: Duration,
}

/// A process that can be started, and the folder that goes with it.
pub(super) struct Prepared {
    pub(super) command: Command,
    pub(super) scratch: tempfile::TempDir,
    /// The session's id, where the agent was given one.
    pub(super) session_id: Option<String>,
}

/// Everything that the process needs.
pub(super) async fn prepare(session: &Session, order: Order) -> io::Result<Prepared> {
    let Order { definition, prompt, schema, directory, mark, run, time } = order;
    let session_id = uuid(&*session.random);
    let own_mark = mark.clone();
    let made = tokio::task::spawn_blocking(move || {
        let scratch = scratch::folder(&own_mark)?;
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
    let (definition, mut line, scratch) = made.await.map_err(io::Error::other)??;
    if definition.is_model() {
        session.models.complete(&mut line, time, &run);
    }
    let CommandLine { program, args, env, stdin, session_id, .. } = line;
    let of_preset = definition.known().into_iter().flat_map(agents::Preset::environment);
    let mut pass: Vec<&str> = definition.env_pass.iter().map(String::as_str).collect();
    for name in of_preset {
        pass.push(name);
    }
    let mut environment: Vec<(OsString, OsString)> =
        child::environment(session.environment.iter().cloned(), &pass, &definition.env);
    environment.retain(|(name, _)| env.iter().all(|(own, _)| own != name));
    environment.extend(env);
    if definition.is_model() {
        environment.extend(session.models.variables(&session.environment));
    }
    let launcher = session.launcher.clone();
    let command = Command { launcher, program, args, directory, env: environment, stdin, mark };
    Ok(Prepared { command, scratch, session_id })
}

/// Starts the process on a thread that may be held up: a start takes milliseconds, in which the answers of others
/// would wait. Dropped meanwhile, the child is killed as soon as it is there.
pub(super) async fn start(command: Command) -> io::Result<Running> {
    let _turn = slots::starting().await;
    match tokio::task::spawn_blocking(move || child::start(command)).await {
        Ok(started) => started,
        Err(error) => Err(io::Error::other(error)),
    }
}

/// How a process came to its end, or did not come to its beginning.
pub(super) enum Came {
    NotStarted(io::Error),
    Ended(Done),
}

impl Came {
    pub(super) fn of(done: Done) -> Self {
        match done.not_started {
            Some(code) => Self::NotStarted(io::Error::from_raw_os_error(code)),
            None => Self::Ended(done),
        }
    }

    /// Exit code and signal, where there are any.
    pub(super) const fn exit(&self) -> (Option<i32>, Option<i32>) {
        match self {
            Self::NotStarted(_) => (None, None),
            Self::Ended(done) => (done.exit_code, done.signal),
        }
    }
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
