//! Starting a child.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use conclave_db::process::{self, ProcessIdentity};
use rustix::io::Errno;
use tokio::signal::unix::{SignalKind, signal};

use super::leader::Leader;
use super::running::Running;
use super::{Command, MARK, census, launch};

/// Starts a child. It runs when this returns, and is killed with its group when the result is dropped.
///
/// To be called inside of a tokio runtime whose input, output and time are enabled.
///
/// # Errors
/// What the system says: `NotFound` for a program that is not there (or a folder, then it says so), and errors of
/// which [`is_exhausted`] knows that trying again later may help. Of a child with a launcher some are known only when
/// it has ended ([`Done::not_started`](super::Done::not_started)).
pub fn start(command: Command) -> io::Result<Running> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(io::Error::other("a child process is started inside of a runtime only"));
    }
    // Before the start, so that no end is missed.
    let deaths = signal(SignalKind::child())?;
    let Command { launcher, program, args, directory, env, stdin, mark } = command;
    let is_launched = !launcher.is_empty();
    if is_launched {
        launch::look_for(&program, &env, &directory).map_err(|error| in_folder(error, &directory))?;
    }
    let mut line = launcher.into_iter().chain([program]).chain(args);
    let program = line.next().unwrap_or_else(OsString::new);
    let input = if stdin.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut prepared = tokio::process::Command::new(program);
    if !is_launched {
        // Who leads a group cannot leave the session.
        prepared.process_group(0);
    }
    let mut child = prepared
        .args(line)
        .current_dir(&directory)
        .env_clear()
        .envs(env)
        .env(MARK, &mark)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| in_folder(error, &directory))?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let number = child.id().and_then(|id| Some((id, census::pid(id)?)));
    let (id, pid) = number.ok_or_else(|| io::Error::other("the child process has no number"))?;
    let leader = Leader::new(child, identity(id), pid, deaths, is_launched);
    Ok(Running::new(leader, mark, stdin, (input, output, errors)))
}

/// Whether a start failed for want of file descriptors, processes or memory: later there may be some.
pub fn is_exhausted(error: &io::Error) -> bool {
    let errors = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| errors.iter().any(|errno| errno.raw_os_error() == code))
}

/// The system says the same of a missing folder as of a missing program.
fn in_folder(error: io::Error, directory: &Path) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound && !directory.is_dir() {
        return io::Error::new(io::ErrorKind::NotFound, format!("{}: no such folder", directory.display()));
    }
    error
}

/// Who the child is, even when it has ended already. Without `/proc` nobody will find it again.
fn identity(pid: u32) -> ProcessIdentity {
    let (boot_id, pid_namespace) =
        process::current().map_or_else(|_| (String::new(), 0), |own| (own.boot_id, own.pid_namespace));
    let start_time = census::stat(Path::new("/proc"), pid).map_or(0, |stat| stat.start_time);
    ProcessIdentity { boot_id, pid_namespace, pid, start_time }
}
