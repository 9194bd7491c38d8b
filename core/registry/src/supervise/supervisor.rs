//! The supervisor: a process of its own for each agent in the background, which waits for its end and records it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process;
use conclave_retry::{Sleeper as _, SystemSleeper};
use rustix::pipe::{PipeFlags, pipe_with};

use super::Command;
use super::launch::launch;
use super::log::{FULL, Log};
use crate::agents::{self, Agent, Key, Kind};
use crate::error::{RegistryError, Result};

/// What the supervisor says once the agent runs.
const STARTED: &str = "started ";
/// What it says when that failed, with the rest of the line for people.
const FAILED: &str = "failed ";
/// So long the end of the output is waited for when the agent has ended: others may hold it open for good.
const LINGER: Duration = Duration::from_millis(250);
/// How often the end is recorded when that fails, and the pause before the next time. Each waits for a lock by itself.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Starts a supervisor for an agent that was registered in `database`, and waits until the agent runs and that is
/// durable; gives its pid. `supervisor` are the words that make this program call [`supervise`] with the words that
/// follow; it works in `home`.
///
/// # Errors
/// Why the agent does not run. Nothing of it is left then but its row.
pub fn in_background(
    supervisor: &[OsString],
    home: &Path,
    database: &Path,
    agent: &Agent,
    command: &Command,
    log: &Path,
) -> Result<u32> {
    let failed = |error: io::Error| RegistryError::io("start a supervisor", error);
    let Some((program, words)) = supervisor.split_first() else {
        return Err(RegistryError::Invalid("agents are started by the program itself".to_owned()));
    };
    let mut child = std::process::Command::new(program)
        .arg0("conclave")
        .args(words)
        .args([database, log, &command.directory])
        .args([agent.key.to_string(), agent.started_at_ms.to_string()])
        .arg(&command.program)
        .args(&command.args)
        .current_dir(home)
        .env_clear()
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let mut line = String::new();
    if let Some(says) = child.stdout.take() {
        BufReader::new(says).read_line(&mut line).map_err(failed)?;
    }
    if let Some(pid) = line.trim_end().strip_prefix(STARTED).and_then(|pid| pid.parse().ok()) {
        return Ok(pid);
    }
    // It has nothing else to do.
    let status = child.wait().map_err(failed)?;
    let said = match line.trim_end().strip_prefix(FAILED) {
        Some(said) => said.to_owned(),
        None => format!("its supervisor ended without a word ({status})"),
    };
    Err(RegistryError::Command { what: format!("start {}", command.program.display()), said, hint: None })
}

/// What a supervisor does: leads a session of its own, starts the agent, says so to `parent` (its standard output), copies what the agent
/// writes to its log, waits for its end, and records it. Returns when all that is done.
///
/// `words` are those that [`in_background`] gave; `open` opens the state, which is closed while the agent runs.
pub fn supervise(
    words: &[OsString],
    launcher: &[OsString],
    parent: &mut dyn Write,
    open: impl Fn(&Path) -> Result<Db>,
) {
    let started = Work::of(words).and_then(|work| {
        // The terminal that the user closes is none of ours.
        rustix::process::setsid().map_err(|errno| RegistryError::io("leave the session", errno.into()))?;
        let started = work.start(launcher, &open)?;
        Ok((work, started))
    });
    let (work, started) = match started {
        Ok(started) => started,
        Err(error) => {
            let said = match &error {
                RegistryError::Command { said, .. } => said.clone(),
                other => other.to_string(),
            };
            say(parent, &format!("{FAILED}{}", said.replace('\n', " ")));
            return;
        }
    };
    say(parent, &format!("{STARTED}{}", started.agent.pid.unwrap_or_default()));
    fall_silent();
    let code = started.waiting.for_end();
    // Mostly nobody else holds it, and it ends with the agent.
    let _ = started.copied.recv_timeout(LINGER);
    for _ in 0..TRIES {
        let recorded = open(&work.database).and_then(|state| agents::ended(&state, &started.agent, code));
        match recorded {
            Ok(_) => return,
            Err(error) => tracing::error!(agent = %started.agent.key, %error, "record the end"),
        }
        SystemSleeper.sleep(PAUSE);
    }
}

/// Says it to whoever started us, who may be gone.
fn say(parent: &mut dyn Write, line: &str) {
    let _ = writeln!(parent, "{line}").and_then(|()| parent.flush());
}

/// Lets go of the pipe to whoever started us.
fn fall_silent() {
    if let Ok(nowhere) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(nowhere);
    }
}

/// What a supervisor is told.
#[derive(Debug)]
struct Work {
    database: PathBuf,
    log: PathBuf,
    key: Key,
    registered_ms: i64,
    command: Command,
}

/// An agent that runs.
struct Started {
    agent: Agent,
    waiting: super::launch::Waiting,
    /// Ends when all of the output is copied.
    copied: Receiver<()>,
}

impl Work {
    fn of(words: &[OsString]) -> Result<Self> {
        let wrong = || RegistryError::Invalid("a supervisor is started by the program itself".to_owned());
        let [database, log, directory, key, registered, program, args @ ..] = words else {
            return Err(wrong());
        };
        Ok(Self {
            database: PathBuf::from(database),
            log: PathBuf::from(log),
            key: key_of(key).ok_or_else(wrong)?,
            registered_ms: registered.to_str().and_then(|ms| ms.parse().ok()).ok_or_else(wrong)?,
            command: Command {
                program: program.clone(),
                args: args.to_vec(),
                directory: PathBuf::from(directory),
                env: std::env::vars_os().collect(),
            },
        })
    }

    fn start(&self, launcher: &[OsString], open: &impl Fn(&Path) -> Result<Db>) -> Result<Started> {
        let log = Log::open(&self.log, FULL)
            .map_err(|error| RegistryError::io(format!("open {}", self.log.display()), error))?;
        let state = open(&self.database)?;
        let is_it = |agent: &Agent| agent.key == self.key && agent.started_at_ms == self.registered_ms;
        let agent = agents::list(&state)?
            .into_iter()
            .find(is_it)
            .ok_or_else(|| RegistryError::NotFound { what: "agent", given: self.key.id.clone() })?;
        let waits = process::current()?;
        let piped = |errno: rustix::io::Errno| RegistryError::io("make a pipe", errno.into());
        let (output, writes) = pipe_with(PipeFlags::CLOEXEC).map_err(piped)?;
        let errors = writes.try_clone().map_err(|error| RegistryError::io("make a pipe", error))?;
        let launched = launch(launcher, &self.command, [Stdio::null(), writes.into(), errors.into()])?;
        let agent = match agents::started(&state, &agent, &launched.process, &waits) {
            Ok(agent) => agent,
            Err(error) => return Err(launched.never_mind(error)),
        };
        match launched.go_on() {
            Ok(waiting) => Ok(Started { agent, waiting, copied: copy(File::from(output), log) }),
            Err((error, code)) => {
                agents::ended(&state, &agent, i32::from(code))?;
                Err(error)
            }
        }
    }
}

fn key_of(word: &OsStr) -> Option<Key> {
    let (kind, id) = std::str::from_utf8(word.as_bytes()).ok()?.split_once(':')?;
    let kinds = [Kind::Architect, Kind::Builder, Kind::Util, Kind::Annotation];
    let kind = kinds.into_iter().find(|known| known.as_str() == kind)?;
    Some(Key { kind, id: id.to_owned() })
}

/// Copies the output to the log until it ends; tells when that is.
fn copy(mut output: File, mut log: Log) -> Receiver<()> {
    let (done, copied) = channel();
    let copying = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
        let mut piece = vec![0; 64 << 10];
        loop {
            match output.read(&mut piece) {
                Ok(0) => break,
                // A full disk costs the log, and not the agent.
                Ok(length) => _ = log.write(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        drop(done);
    });
    if let Err(error) = copying {
        tracing::error!(%error, "the output is not kept");
    }
    copied
}
