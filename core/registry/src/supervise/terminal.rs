//! The terminal that a command shares with the child that it waits for.
//!
//! A terminal has one group in its foreground, which may read and gets Ctrl-C and Ctrl-Z. The child leads a group of its
//! own, so it is given the terminal while it runs, as a shell does with a job; when it is stopped or has ended, the
//! command takes it back, so that the shell above finds everything as it left it.

use std::fs::File;
use std::io::{IsTerminal as _, stdin};

use nix::sys::signal::{SigSet, Signal};
use rustix::process::Pid;
use rustix::termios::{tcgetpgrp, tcsetpgrp};

/// The terminal of this session.
#[derive(Debug)]
pub(super) struct Terminal {
    input: File,
}

impl Terminal {
    /// Where standard input is one: who reads from elsewhere leaves the terminal with its neighbours in a pipeline, or
    /// with the script that starts it beside itself.
    pub(super) fn of_input() -> Option<Self> {
        if stdin().is_terminal() { Self::of_this_session() } else { None }
    }

    /// Whatever standard input is: a pager reads from the terminal all the same. `None` where the session has none.
    pub(super) fn of_this_session() -> Option<Self> {
        let input = File::options().read(true).write(true).open("/dev/tty").ok()?;
        tcgetpgrp(&input).is_ok().then_some(Self { input })
    }

    /// Gives it to the child's group, where our own has it: of a command in the background it is not to give away.
    pub(super) fn give(&self, child: Pid) {
        if self.is_with(own_group()) {
            self.set(child);
        }
    }

    /// Takes it back from the child's group, where that has it.
    pub(super) fn take_back(&self, child: Pid) {
        if self.is_with(Some(child))
            && let Some(own) = own_group()
        {
            self.set(own);
        }
    }

    fn is_with(&self, group: Option<Pid>) -> bool {
        group.is_some() && tcgetpgrp(&self.input).ok() == group
    }

    /// Whoever is in the background and does this would be stopped by SIGTTOU; blocked, it does not come. A terminal that
    /// is gone needs nobody in its foreground.
    fn set(&self, group: Pid) {
        let mut stops = SigSet::empty();
        stops.add(Signal::SIGTTOU);
        let is_blocked = stops.thread_block().is_ok();
        if is_blocked {
            let _ = tcsetpgrp(&self.input, group);
            let _ = stops.thread_unblock();
        }
    }
}

/// Our group; `None` where it began outside of our pid namespace.
fn own_group() -> Option<Pid> {
    Pid::from_raw(nix::unistd::getpgrp().as_raw())
}
