//! The process that was started, which leads the group of all it starts.

use std::process::ExitStatus;

use conclave_db::process::ProcessIdentity;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::process::Child;

/// A child whose end was not asked for yet, so that its pid and its group are still its own. When dropped before,
/// its group is killed.
#[derive(Debug)]
pub(super) struct Leader {
    child: Child,
    identity: ProcessIdentity,
    pid: Pid,
    /// Ends of any children; the runtime tells all who listen.
    deaths: tokio::signal::unix::Signal,
    is_ours: bool,
    /// Whether it has a launcher, which makes the group.
    is_launched: bool,
}

impl Leader {
    pub(super) const fn new(
        child: Child,
        identity: ProcessIdentity,
        pid: Pid,
        deaths: tokio::signal::unix::Signal,
        is_launched: bool,
    ) -> Self {
        Self { child, identity, pid, deaths, is_ours: true, is_launched }
    }

    pub(super) const fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Whether it has ended. It stays a zombie, which keeps the number of the group from being given away.
    pub(super) fn has_exited(&mut self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.pid), look) {
            Ok(ended) => ended.is_some(),
            Err(Errno::INTR) => false,
            // Somebody else has waited for it: the numbers may be another's by now.
            Err(_) => {
                self.is_ours = false;
                true
            }
        }
    }

    /// Completes when it has ended. May be dropped and asked again.
    pub(super) async fn exited(&mut self) {
        while !self.has_exited() {
            self.deaths.recv().await;
        }
    }

    /// Sends a signal to all of the group at once.
    pub(super) fn signal_group(&self, signal: Signal) {
        if self.is_ours {
            // Fails where none of them is left, which is as good.
            let sent = kill_process_group(self.pid, signal);
            // The launcher has not made the group yet. Nobody else can make one of this number.
            if self.is_launched && sent == Err(Errno::SRCH) {
                let _ = kill_process(self.pid, signal);
                if signal == Signal::KILL {
                    // It may have come to it in between.
                    let _ = kill_process_group(self.pid, signal);
                }
            }
        }
    }

    pub(super) const fn is_launched(&self) -> bool {
        self.is_launched
    }

    /// Whether it has a launcher that was still in our session, where a Ctrl-C reaches it; to be asked before its end
    /// is taken.
    pub(super) fn is_in_our_session(&self) -> bool {
        if !self.is_launched || !self.is_ours {
            return false;
        }
        // Ours is 0 where it began outside of our pid namespace, as under `docker exec`.
        let pid = nix::unistd::Pid::from_raw(self.pid.as_raw_nonzero().get());
        nix::unistd::getsid(Some(pid)).is_ok_and(|session| session != pid)
    }

    /// Takes the end of one that has exited; from here on its number is free. `None` for one that goes on.
    pub(super) fn reap(&mut self) -> Option<ExitStatus> {
        // The last of the group, if any, and nothing else while the leader was not waited for.
        self.signal_group(Signal::KILL);
        let status = self.child.try_wait().ok().flatten();
        self.is_ours &= status.is_none();
        status
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // The runtime waits for the leader later (`kill_on_drop`).
        self.signal_group(Signal::KILL);
    }
}
