//! The supervisor: a process of its own for each agent in the background, which waits for its end and records it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process;
use conclave_retry::{Sleeper as _, SystemSleeper};

use super::Command;
use super::launch::launch;
use super::log::{self, FULL, Log};
use super::word::{self, Word};
use crate::agents::{self, Agent, Key, Kind};
use crate::error::{RegistryError, Result};

/// So long a supervisor is given to start its agent and say so: it opens the state, and writes to it once. Beyond that
/// it hangs, and so would whoever waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How often the end is recorded when that fails, and the pause before the next time. Each waits for a lock by itself.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Starts a supervisor for an agent that was registered in `database`, and waits until the agent runs and that is
/// durable; gives its pid. `supervisor` are the words that make this program call [`supervise`] with the words that
/// follow; it works in `home`, and has `patience` for it.
///
/// # Errors
/// Why the agent does not run, of the kind and with the hint that the supervisor had. One that said nothing, or nothing
/// in time, is killed; then the row says whether its agent runs, and [`agents::stop`] ends it.
pub fn in_background(
    supervisor: &[OsString],
    home: &Path,
    database: &Path,
    agent: &Agent,
    command: &Command,
    log: &Path,
    patience: Duration,
) -> Result<u32> {
    let failed = |error: io::Error| RegistryError::io("start a supervisor", error);
    let Some((program, words)) = supervisor.split_first() else {
        return Err(RegistryError::Invalid("agents are started by the program itself".to_owned()));
    };
    let mut child = std::process::Command::new(program)
        .arg0("conclave")
        .args(words)
        .args([database, log, &command.directory])
        .args([agent.key.to_string(), agent.registration.to_string()])
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
    let said = child.stdout.take().map_or(Ok(None), |says| word::hear(says, patience));
    if let Ok(Some(Word::Started(pid))) = said {
        return Ok(pid);
    }
    // It has nothing else to do, and is not to do it later.
    let _ = child.kill();
    let ended = child.wait();
    let without = |said: String| RegistryError::Command {
        what: format!("start {}", command.program.display()),
        said,
        hint: None,
    };
    Err(match (said, ended) {
        (Ok(Some(Word::Failed(error))), _) => error,
        (Err(error), _) if error.kind() == io::ErrorKind::TimedOut => {
            without(format!("its supervisor said nothing for {} s, and was killed", patience.as_secs()))
        }
        (Err(error), _) | (Ok(_), Err(error)) => failed(error),
        (Ok(_), Ok(status)) => without(format!("its supervisor ended without a word ({status})")),
    })
}

/// What a supervisor does: leads a session of its own, starts the agent, says so to `parent` (its standard output),
/// keeps the log of what the agent writes from growing without end, waits for the agent's end, and records it. Returns
/// when all that is done.
///
/// `words` are those that [`in_background`] gave; `open` opens the state, which is closed while the agent runs.
///
/// Must be called by a process that has opened no file yet: those that it inherited are closed.
pub fn supervise(
    words: &[OsString],
    launcher: &[OsString],
    parent: &mut dyn Write,
    open: impl Fn(&Path) -> Result<Db>,
) {
    let started = Work::of(words).and_then(|work| {
        close_inherited();
        // The terminal that the user closes is none of ours.
        rustix::process::setsid().map_err(|errno| RegistryError::io("leave the session", errno.into()))?;
        let started = work.start(launcher, &open)?;
        Ok((work, started))
    });
    let (work, started) = match started {
        Ok(started) => started,
        Err(error) => return word::say(parent, &Word::Failed(error)),
    };
    word::say(
        parent,
        &Word::Started(started.agent.pid.and_then(|pid| pid.try_into().ok()).unwrap_or_default()),
    );
    fall_silent();
    let log = Arc::new(Mutex::new(started.log));
    watch(Arc::clone(&log));
    let code = started.waiting.for_end();
    for _ in 0..TRIES {
        let recorded = open(&work.database).and_then(|state| agents::ended(&state, &started.agent, code));
        match recorded {
            Ok(_) => break,
            Err(error) => tracing::error!(agent = %started.agent.key, %error, "record the end"),
        }
        SystemSleeper.sleep(PAUSE);
    }
    log::look_at(&log);
}

/// Looks at the log for as long as this process lives.
fn watch(log: Arc<Mutex<Log>>) {
    let watching = std::thread::Builder::new().name("log".to_owned());
    let watching = watching.spawn(move || log::keep_small(&log, &SystemSleeper, || true));
    if let Err(error) = watching {
        tracing::error!(%error, "the log is not rotated");
    }
}

/// Whatever the caller had open (a lock, the pipe that somebody reads to its end) would stay so while the agent runs.
fn close_inherited() {
    const STREAMS: i32 = 2;
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > STREAMS) {
        // The folder's own is among them, and closed already.
        let _ = nix::unistd::close(number);
    }
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
    registration: i64,
    command: Command,
}

/// An agent that runs.
struct Started {
    agent: Agent,
    waiting: super::launch::Waiting,
    log: Log,
}

impl Work {
    fn of(words: &[OsString]) -> Result<Self> {
        let wrong = || RegistryError::Invalid("a supervisor is started by the program itself".to_owned());
        let [database, log, directory, key, registration, program, args @ ..] = words else {
            return Err(wrong());
        };
        Ok(Self {
            database: PathBuf::from(database),
            log: PathBuf::from(log),
            key: key_of(key).ok_or_else(wrong)?,
            registration: registration.to_str().and_then(|number| number.parse().ok()).ok_or_else(wrong)?,
            command: Command {
                program: program.clone(),
                args: args.to_vec(),
                directory: PathBuf::from(directory),
                env: std::env::vars_os().collect(),
            },
        })
    }

    fn start(&self, launcher: &[OsString], open: &impl Fn(&Path) -> Result<Db>) -> Result<Started> {
        let opening = |error| RegistryError::io(format!("open {}", self.log.display()), error);
        let log = Log::open(&self.log, FULL).map_err(opening)?;
        let state = open(&self.database)?;
        let is_it = |agent: &Agent| agent.key == self.key && agent.registration == self.registration;
        let agent = agents::list(&state)?
            .into_iter()
            .find(is_it)
            .ok_or_else(|| RegistryError::NotFound { what: "agent", given: self.key.id.clone() })?;
        let waits = process::current()?;
        // It writes to the file itself: nothing of it goes through us, who may be killed.
        let end = || log.end().map_err(opening);
        let launched = launch(launcher, &self.command, [Stdio::null(), end()?.into(), end()?.into()])?;
        let agent = match agents::started(&state, &agent, &launched.process, &waits) {
            Ok(agent) => agent,
            Err(error) => return Err(launched.never_mind(error)),
        };
        match launched.go_on().started() {
            Ok(waiting) => Ok(Started { agent, waiting, log }),
            Err((error, code)) => {
                agents::ended(&state, &agent, Some(i32::from(code)))?;
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

#[cfg(test)]
mod tests;
