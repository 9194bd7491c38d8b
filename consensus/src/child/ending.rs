//! Ending all that belongs together: SIGTERM, a grace, SIGKILL, until a look finds nobody.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use super::census::{self, Process};
use super::leader::Leader;
use super::stop::Stop;

/// The first pause between two looks; doubled up to [`LONGEST_PAUSE`]. Nobody tells when a grandchild ends.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A killed process that is still there after this hangs in the kernel and is left to it.
const UNKILLABLE: Duration = Duration::from_secs(5);

/// Those who are to end.
pub(super) trait Members {
    /// Who of them is still there.
    async fn left(&mut self) -> Vec<Process>;
    /// Signals at once those who can be; tells whether this reached `process`.
    fn signal_together(&self, signal: Signal);
    /// Whether [`Members::signal_together`] reaches this one.
    fn is_together(&self, process: &Process) -> bool;
}

/// A child of ours and all that it started.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) leader: &'a mut Leader,
    pub(super) mark: &'a str,
}

impl Members for Family<'_> {
    async fn left(&mut self) -> Vec<Process> {
        let group = self.leader.identity().pid;
        let found = census::take().await.map(|census| {
            let belongs = |process: &&Process| process.group == group || process.has_mark(self.mark);
            census.processes.iter().filter(belongs).cloned().collect::<Vec<_>>()
        });
        // Nothing can be seen: only of the leader we know.
        found.unwrap_or_else(|| {
            let start_time = self.leader.identity().start_time;
            let leader = Process { pid: group, start_time, group, mark: None };
            if self.leader.has_exited() { Vec::new() } else { vec![leader] }
        })
    }

    fn signal_together(&self, signal: Signal) {
        self.leader.signal_group(signal);
    }

    fn is_together(&self, process: &Process) -> bool {
        process.group == self.leader.identity().pid
    }
}

/// Ends them; returns how many could not be ended.
pub(super) async fn end(members: &mut impl Members, grace: Duration, stop: &Stop) -> usize {
    if ask(members, grace, stop).await { 0 } else { kill(members).await }
}

/// SIGTERM, and SIGCONT for those who are stopped. Whether all have ended before the grace was over.
async fn ask(members: &mut impl Members, grace: Duration, stop: &Stop) -> bool {
    let mut grace = pin!(sleep(grace));
    let mut pause = FIRST_PAUSE;
    let mut asked = BTreeSet::new();
    members.signal_together(Signal::TERM);
    members.signal_together(Signal::CONT);
    let mut is_first = true;
    loop {
        let left = members.left().await;
        if left.is_empty() {
            return true;
        }
        for process in left {
            let is_new = asked.insert((process.pid, process.start_time));
            // Twice might mean something else to a program, so only those who were started since.
            if is_new && !(is_first && members.is_together(&process)) {
                process.signal(Signal::TERM);
                process.signal(Signal::CONT);
            }
        }
        is_first = false;
        tokio::select! {
            biased;
            () = stop.killed() => return false,
            () = &mut grace => return false,
            () = sleep(pause) => pause = (2 * pause).min(LONGEST_PAUSE),
        }
    }
}

async fn kill(members: &mut impl Members) -> usize {
    let mut bound = pin!(sleep(UNKILLABLE));
    let mut pause = FIRST_PAUSE;
    loop {
        members.signal_together(Signal::KILL);
        let left = members.left().await;
        if left.is_empty() {
            return 0;
        }
        for process in &left {
            process.signal(Signal::KILL);
        }
        tokio::select! {
            biased;
            () = &mut bound => return left.len(),
            () = sleep(pause) => pause = (2 * pause).min(LONGEST_PAUSE),
        }
    }
}
