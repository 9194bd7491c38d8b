//! The thread that reads what spool and cache hold.
//!
//! A ledger may have to count the lines of files, so it is no part of the reads that a page waits for, and at most a
//! twentieth of the time goes into it however often it is asked for. In between only the times of folders and of files that
//! are being written are looked at, once a second; a change is told once, and whoever reads on is told of the next.

use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use conclave_cache::Cache as _;
use conclave_db::{Db, FileIdentity};
use conclave_retry::{Clock as _, SystemClock};
use conclave_spool::Spool;
use conclave_spool::ledger::ledger;
use conclave_spool::quota::gauge;

use super::Shared;
use crate::failure::{Doing as _, Failure};
use crate::project::Project;
use crate::ui::message::Msg;
use crate::ui::problem::Problem;
use crate::ui::screens::storage::{SpoolNumbers, Stores};
use crate::{event_spool, parse_cache};

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_secs(1);
/// After a read so many times its duration pass before the next…
const REST: u32 = 20;
/// …but never more than this.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Serves until nobody asks any more.
pub(super) fn serve(shared: &Shared, asks: &Receiver<()>, messages: &Sender<Msg>) {
    let mut state = State::default();
    let (mut wanted, mut rested) = (false, Duration::ZERO);
    let mut traces: Option<Vec<Trace>> = None;
    loop {
        let asked = if wanted {
            asks.recv_timeout(rested.saturating_sub(SystemClock.monotonic()))
        } else if traces.is_some() {
            asks.recv_timeout(LOOK)
        } else {
            asks.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match asked {
            Ok(()) => wanted = true,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) if wanted => {
                wanted = false;
                let begun = SystemClock.monotonic();
                let project = shared.project();
                // Before it is read: what changes meanwhile is seen afterwards.
                traces = Some(traces_of(&project));
                let stores = catch_unwind(AssertUnwindSafe(|| state.read(&project)));
                let stores = stores.unwrap_or_else(|_| failed_by_a_defect());
                if messages.send(Msg::Stores(Box::new(stores))).is_err() {
                    return;
                }
                let ended = SystemClock.monotonic();
                rested = ended + (ended.saturating_sub(begun) * REST).min(LONGEST_REST);
            }
            Err(RecvTimeoutError::Timeout) => {
                if traces.take_if(|traces| !traces.iter().all(Trace::is_the_same)).is_some()
                    && messages.send(Msg::StoresChanged).is_err()
                {
                    return;
                }
            }
        }
    }
}

fn failed_by_a_defect() -> Stores {
    let problem = Problem::from(Failure::internal("reading it failed by a defect; the log has more"));
    Stores { spool: Err(problem.clone()), cache: Err(problem) }
}

/// The state, open as long as it is the same file.
#[derive(Debug, Default)]
struct State {
    open: Option<(FileIdentity, Db)>,
}

impl State {
    fn opened(&mut self, project: &Project) -> Result<Option<Db>, Failure> {
        let identity = FileIdentity::of(&project.database).ok().flatten();
        if let Some((known, db)) = &self.open
            && Some(*known) == identity
            && db.path() == project.database
        {
            return Ok(Some(db.clone()));
        }
        self.open = None;
        let db = project.open_read_only()?;
        self.open = identity.zip(db.clone());
        Ok(db)
    }

    fn read(&mut self, project: &Project) -> Stores {
        Stores {
            spool: self.spool(project).map_err(Problem::from),
            cache: cache(project).map_err(Problem::from),
        }
    }

    fn spool(&mut self, project: &Project) -> Result<SpoolNumbers, Failure> {
        let opened = self.opened(project);
        // The files tell how full it is, also where nobody can read the state.
        let db = opened.as_ref().ok().cloned().flatten();
        let spool = event_spool::of(project, db.clone())?;
        let ledger = opened.and_then(|db| ledger(&spool, db.as_ref()).doing("read the ledger"));
        let gauge = gauge(&spool, db.as_ref()).doing("read the spool");
        Ok(SpoolNumbers {
            limits: spool.options().limits,
            gauge: gauge.map_err(Problem::from),
            ledger: ledger.map_err(Problem::from),
        })
    }
}

fn cache(project: &Project) -> Result<Option<conclave_cache::Stats>, Failure> {
    let Some(cache) = parse_cache::open_read_only(project)? else { return Ok(None) };
    cache.stats().doing("read the cache").map(Some)
}

/// A file or folder as it was: when it changed, how long and which one it is; `None` where it was not there.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    path: PathBuf,
    seen: Option<(i64, i64, u64, u64)>,
}

impl Trace {
    fn of(path: PathBuf) -> Self {
        let seen = seen(&path);
        Self { path, seen }
    }

    fn is_the_same(&self) -> bool {
        seen(&self.path) == self.seen
    }
}

fn seen(path: &Path) -> Option<(i64, i64, u64, u64)> {
    let found = path.symlink_metadata().ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.len(), found.ino()))
}

/// What to look at: a file that comes or goes changes its folder, and only those that are being written change themselves.
fn traces_of(project: &Project) -> Vec<Trace> {
    let cache = parse_cache::file(project);
    let mut log = cache.clone().into_os_string();
    log.push("-wal");
    let mut paths = vec![cache, log.into()];
    if let Ok(spool) = event_spool::of(project, None) {
        paths.extend(paths_of(&spool));
    }
    paths.into_iter().map(Trace::of).collect()
}

fn paths_of(spool: &Spool) -> Vec<PathBuf> {
    let layout = spool.layout();
    let mut paths = vec![layout.root().to_path_buf()];
    for monitor in spool.options().monitors.iter() {
        let folder = layout.monitor(monitor);
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|end| end == "part")));
        paths.extend([folder, layout.done(monitor), layout.quarantine(monitor)]);
    }
    paths
}

#[cfg(test)]
mod tests;
