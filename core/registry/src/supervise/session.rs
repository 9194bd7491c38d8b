//! An agent in the foreground: it has the terminal, and the command waits for it.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_db::Db;
use conclave_db::process::{self, ProcessIdentity, Signal};
use nix::sys::signal::{SigSet, Signal as Blocked};
use rustix::process::{Pid, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::Command;
use super::launch::{News, launch};
use super::terminal::Terminal;
use crate::agents::{self, Agent};
use crate::error::{RegistryError, Result};

/// What is passed on to the child's group.
const FORWARDED: [i32; 4] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT];

/// Starts the command of an agent that was registered, with this process's standard streams and, where our group has it,
/// the terminal; waits, and gives what it ended with: its code, or 128 and the number of a signal. Its process is
/// recorded before it goes on, its end when this returns; then its port is free.
///
/// Must be called on the main thread, where a stop is taken before the next step.
///
/// # Errors
/// What is not started is recorded as ended where it was recorded at all.
pub fn foreground(
    state: &Db,
    agent: &Agent,
    launcher: &[OsString],
    command: &Command,
) -> Result<i32, Failed> {
    let before = |error: RegistryError| Failed::NotStarted { error, code: None };
    // From now on no signal ends this process before its child.
    let mut wanted = FORWARDED.to_vec();
    wanted.push(SIGCONT);
    let signals =
        Signals::new(wanted).map_err(|error| before(RegistryError::io("listen to signals", error)))?;
    let waits = process::current().map_err(|error| before(error.into()))?;
    let inherited = [Stdio::inherit(), Stdio::inherit(), Stdio::inherit()];
    let launched = launch(launcher, command, inherited).map_err(before)?;
    let child = launched.process.clone();
    let agent = match agents::started(state, agent, &child, &waits) {
        Ok(agent) => agent,
        Err(error) => return Err(before(launched.never_mind(error))),
    };
    let job = Job { child, number: launched.pid(), wants_terminal: Arc::default() };
    let passing = job.pass_on(signals);
    job.take_up();
    let mut going = launched.go_on();
    let code = loop {
        match going.waiting.news() {
            News::Ended(code) => break going.failure().map_or(Ok(code), Err),
            News::WantsTerminal if job.is_new_wish() => job.take_up(),
            News::Stopped | News::WantsTerminal => job.stop_too(),
        }
    };
    if let Some(terminal) = job.terminal() {
        terminal.take_back(job.number);
    }
    let status = match &code {
        Ok(code) => *code,
        Err((_, code)) => Some(i32::from(*code)),
    };
    let recorded = agents::ended(state, &agent, status);
    passing.close();
    let code = code.map_err(|(error, code)| Failed::NotStarted { error, code: Some(code) })?;
    match recorded {
        Ok(_) => code.ok_or(Failed::NotSeen),
        Err(error) => Err(Failed::NotRecorded { error }),
    }
}

/// Why nothing can be said of a command in the foreground.
#[derive(Debug)]
pub enum Failed {
    /// It did not run.
    NotStarted {
        /// Why.
        error: RegistryError,
        /// What a shell would end with, where it is the command's own fault.
        code: Option<u8>,
    },
    /// It ran and has ended, and the system kept from us how: it is recorded as lost.
    NotSeen,
    /// It ran and has ended, and that could not be recorded: it will be found lost.
    NotRecorded {
        /// Why.
        error: RegistryError,
    },
}

/// A child with its group.
#[derive(Debug, Clone)]
struct Job {
    child: ProcessIdentity,
    number: Pid,
    /// Whether it wanted the terminal though its input is none.
    wants_terminal: Arc<AtomicBool>,
}

impl Job {
    /// Passes signals on for as long as the handle is not closed.
    fn pass_on(&self, mut signals: Signals) -> Handle {
        let (job, handle) = (self.clone(), signals.handle());
        let passing = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            // A stop is for the thread that asked for it.
            let mut stop = SigSet::empty();
            stop.add(Blocked::SIGTSTP);
            let _ = stop.thread_block();
            for signal in signals.forever() {
                if signal == SIGCONT {
                    // The shell has put us into the foreground again, or into the background.
                    job.take_up();
                    continue;
                }
                if let Some(signal) = Signal::from_named_raw(signal) {
                    process::signal_group(&job.child, signal);
                    // Where it is stopped, as by reading from a terminal that it was not given, it hears nothing else.
                    process::signal_group(&job.child, Signal::CONT);
                }
            }
        });
        if let Err(error) = passing {
            tracing::warn!(%error, "signals are not passed on");
        }
        handle
    }

    /// The terminal that it is to have.
    fn terminal(&self) -> Option<Terminal> {
        let wants = self.wants_terminal.load(Ordering::Acquire);
        if wants { Terminal::of_this_session() } else { Terminal::of_input() }
    }

    /// Notes that it wants the terminal; gives whether that is new, and there is one.
    fn is_new_wish(&self) -> bool {
        let had = self.terminal().is_some();
        self.wants_terminal.store(true, Ordering::Release);
        !had && self.terminal().is_some()
    }

    /// Lets the child go on, with the terminal where that is ours to give.
    fn take_up(&self) {
        if let Some(terminal) = self.terminal() {
            terminal.give(self.number);
        }
        process::signal_group(&self.child, Signal::CONT);
    }

    /// The child was stopped. On a terminal that is for all of the job, so that the shell hears of it: we stop as well,
    /// and go on with the child. Where nobody would wake us (an orphaned group) the system does not stop us, and the
    /// child goes on at once.
    fn stop_too(&self) {
        let Some(terminal) = self.terminal() else { return };
        terminal.take_back(self.number);
        if kill_current_process_group(Signal::TSTP).is_ok() {
            self.take_up();
        }
    }
}
