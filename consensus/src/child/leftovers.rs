//! What a child left behind when this program was killed, found again and ended.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_db::process::{self, ProcessIdentity};
use rustix::process::Signal;

use super::census::{self, Process};
use super::ending::{Members, end};
use super::stop::Stop;

/// What was found of a child of an earlier process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// Processes that were ended.
    pub ended: usize,
    /// Processes that could not be: they hang in the kernel.
    pub left: usize,
}

/// Ends what still lives of a child whose parent is gone: those whose environment has this mark, and the group of
/// the child while itself lives. SIGTERM, after `grace` SIGKILL. Returns when none is left (or five seconds after
/// SIGKILL).
///
/// A child of another boot or of another pid namespace is not looked for: the first is dead, of the second nothing
/// can be said here. Without an identity (the parent was killed before it was stored) the mark alone counts, in
/// this pid namespace.
///
/// Only to be called for an attempt whose owner is known to be dead: this cannot tell the living from leftovers.
pub async fn end_leftovers(mark: &str, identity: Option<&ProcessIdentity>, grace: Duration) -> Leftovers {
    let Ok(here) = process::current() else { return Leftovers::default() };
    let is_foreign =
        |it: &ProcessIdentity| it.boot_id != here.boot_id || it.pid_namespace != here.pid_namespace;
    // An empty mark is no mark: it would be found in strangers.
    if mark.is_empty() || identity.is_some_and(is_foreign) {
        return Leftovers::default();
    }
    let mut orphans =
        Orphans { mark, child: identity, namespace: here.pid_namespace, found: BTreeSet::new() };
    let left = end(&mut orphans, grace, &Stop::new()).await;
    Leftovers { ended: orphans.found.len().saturating_sub(left), left }
}

/// The members of a family whose parent is gone. Nobody keeps the number of their group from being given away.
#[derive(Debug)]
struct Orphans<'a> {
    mark: &'a str,
    child: Option<&'a ProcessIdentity>,
    namespace: u64,
    /// Pid and start time of all that were found: who belongs once does so for good.
    found: BTreeSet<(u32, u64)>,
}

impl Members for Orphans<'_> {
    async fn left(&mut self) -> Vec<Process> {
        let Some(census) = census::take().await else { return Vec::new() };
        let is_child =
            |it: &Process, child: &ProcessIdentity| (it.pid, it.start_time) == (child.pid, child.start_time);
        // While the child lives, the group of its number is its own.
        let group = self.child.filter(|child| census.processes.iter().any(|it| is_child(it, child)));
        let belongs = |it: &&Process| {
            let is_marked = it.has_mark(self.mark) && (self.child.is_some() || self.is_here(it));
            let is_grouped = group.is_some_and(|child| it.group == child.pid || is_child(it, child));
            is_marked || is_grouped || self.found.contains(&(it.pid, it.start_time))
        };
        let left = census.processes.iter().filter(belongs).cloned().collect::<Vec<_>>();
        self.found.extend(left.iter().map(|it| (it.pid, it.start_time)));
        left
    }

    fn signal_together(&self, _: Signal) {}

    fn is_together(&self, _: &Process) -> bool {
        false
    }
}

impl Orphans<'_> {
    fn is_here(&self, process: &Process) -> bool {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(format!("/proc/{}/ns/pid", process.pid)).is_ok_and(|it| it.ino() == self.namespace)
    }
}
