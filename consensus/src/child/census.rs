//! A look at all processes: who is in which group, and who bears which mark.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_db::process::{self, Stat};
use rustix::process::{Pid, Signal};
use tokio::sync::Mutex;

use super::MARK;

/// One process that has not ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) start_time: u64,
    pub(super) group: u32,
    /// The mark in its environment, if it has one that we may read.
    pub(super) mark: Option<Vec<u8>>,
}

impl Process {
    pub(super) fn has_mark(&self, mark: &str) -> bool {
        self.mark.as_deref() == Some(mark.as_bytes())
    }

    /// Sends a signal to this very process. That it has ended, or is not ours to signal, is found by the next look.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = process::signal_started(self.pid, self.start_time, signal);
    }
}

pub(super) fn pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

/// All processes that could be seen at one time, but for this one.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) processes: Vec<Process>,
}

/// How many looks were begun.
static BEGUN: AtomicU64 = AtomicU64::new(0);
/// The last look, and which it was.
static LAST: Mutex<Option<(u64, Arc<Census>)>> = Mutex::const_new(None);

/// Looks, off the runtime's threads. Those who ask while somebody looks share the next look, so that hundreds of
/// children that end together cost a few and not hundreds. `None` where nothing can be seen.
pub(super) async fn take() -> Option<Arc<Census>> {
    // A look that was begun before the question does not answer it.
    let wanted = BEGUN.load(Ordering::Acquire) + 1;
    let mut last = LAST.lock().await;
    if let Some((number, census)) = &*last
        && *number >= wanted
    {
        return Some(Arc::clone(census));
    }
    let number = BEGUN.fetch_add(1, Ordering::AcqRel) + 1;
    let census = tokio::task::spawn_blocking(|| look(Path::new("/proc"))).await.ok().flatten().map(Arc::new);
    *last = census.clone().map(|census| (number, census));
    census
}

/// A process may end while it is looked at; then it is not there.
fn look(proc: &Path) -> Option<Census> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let here = std::process::id();
    let entries = std::fs::read_dir(proc).ok()?;
    let mut processes = Vec::new();
    for entry in entries {
        let Some(pid) = entry.ok()?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if pid == here {
            continue;
        }
        let Some(found) = stat(proc, pid).filter(|stat| !stat.has_ended()) else { continue };
        let mark =
            std::fs::read(proc.join(pid.to_string()).join("environ")).ok().and_then(|all| mark_in(&all));
        processes.push(Process { pid, start_time: found.start_time, group: found.group, mark });
    }
    Some(Census { processes })
}

fn mark_in(environ: &[u8]) -> Option<Vec<u8>> {
    let value = |entry: &[u8]| entry.strip_prefix(MARK.as_bytes())?.strip_prefix(b"=").map(<[u8]>::to_vec);
    environ.split(|byte| *byte == 0).find_map(value)
}

/// What is known of a process, one that has ended too; `None` when there is none, or nothing to see.
pub(super) fn stat(proc: &Path, pid: u32) -> Option<Stat> {
    Stat::parse(&std::fs::read(proc.join(pid.to_string()).join("stat")).ok()?)
}

#[cfg(test)]
mod tests;
