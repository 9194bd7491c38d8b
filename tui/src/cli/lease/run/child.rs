//! The command of `lease run`. The thread that starts it lives as long as it does: it is the death of that thread that
//! the kernel tells the command of.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::{Event, launcher};
use crate::cli::lease::token;
use crate::failure::Exit;

/// A command that runs, or has ended and was not reaped.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    /// Dropped when nobody signals it any more.
    reap: Sender<()>,
    thread: JoinHandle<io::Result<ExitStatus>>,
}

impl Child {
    /// Starts it; its end is told to `events`.
    pub(super) fn start(
        command: &[OsString],
        surroundings: &[(&'static str, String)],
        events: Sender<Event>,
    ) -> io::Result<Self> {
        let mut command = launcher::command(command)?;
        // It may be the token of another lease, and is a secret of whoever called us.
        command.env_remove(token::VARIABLE);
        command.envs(surroundings.iter().map(|(name, value)| (*name, value)));
        let (reap, reaped) = channel();
        let (started, starts) = channel();
        let thread = std::thread::Builder::new()
            .name("command".to_owned())
            .spawn(move || stand_by(&mut command, &started, &events, &reaped))?;
        let pid = starts.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
        Ok(Self { pid, reap, thread })
    }

    /// Sends a signal. It is not reaped yet, so its number is no other's.
    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process(self.pid, signal) {
            tracing::warn!(%error, ?signal, "signal the command");
        }
    }

    /// How it ended, as the shell sees it.
    pub(super) fn reap(self) -> io::Result<Exit> {
        drop(self.reap);
        let status =
            self.thread.join().map_err(|_| io::Error::other("the thread that waits has panicked"))??;
        let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        Ok(match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Child(number(code)),
            (None, Some(signal)) => Exit::Signal(number(signal)),
            (None, None) => Exit::Storage,
        })
    }
}

fn stand_by(
    command: &mut Command,
    started: &Sender<io::Result<Pid>>,
    events: &Sender<Event>,
    reaped: &Receiver<()>,
) -> io::Result<ExitStatus> {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return Err(io::ErrorKind::NotFound.into());
        }
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let _ = started.send(Ok(pid));
    // It stays a zombie, so that its number stays its own while somebody may signal it.
    let ended =
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
    let _ = events.send(Event::Ended);
    let _ = reaped.recv();
    ended?;
    child.wait()
}
