//! The task that vacuums while a program runs for long: the UI, `run` and `auto`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{VacuumBudget, VacuumStats, is_due, run};
use crate::checkpoint::{CheckpointMode, checkpoint};
use crate::error::{DbError, ErrorKind, Result};
use crate::stats::AutoVacuum;
use crate::{Db, stats};

/// When the daemon works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VacuumSchedule {
    /// It frees what is free at this interval, however little.
    pub every: Duration,
    /// How often it looks whether more than a fifth is free, which it does not leave for the interval.
    pub look: Duration,
    /// How much one cycle may do.
    pub budget: VacuumBudget,
}

impl Default for VacuumSchedule {
    /// Once a day, and a look (two reads of the header) once a minute.
    fn default() -> Self {
        let look = Duration::from_mins(1);
        Self { every: Duration::from_hours(24), look, budget: VacuumBudget::default() }
    }
}

/// The running daemon. Dropping the handle ends it too, without waiting.
#[derive(Debug)]
pub struct VacuumDaemon {
    ends: Arc<AtomicBool>,
    wake: watch::Sender<()>,
    last: watch::Receiver<Option<VacuumStats>>,
    task: Option<JoinHandle<()>>,
}

impl VacuumDaemon {
    /// What the last cycle did; `None` before the first.
    pub fn last(&self) -> Option<VacuumStats> {
        self.last.borrow().clone()
    }

    /// Tells of each cycle.
    pub fn subscribe(&self) -> watch::Receiver<Option<VacuumStats>> {
        self.last.clone()
    }

    /// Ends the daemon, after the slice it may be in.
    pub async fn shutdown(mut self) {
        self.end();
        if let Some(task) = self.task.take() {
            // An error means that it has ended already, by a panic of ours that tokio has shown.
            let _ = task.await;
        }
    }

    fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = self.wake.send(());
    }
}

impl Drop for VacuumDaemon {
    fn drop(&mut self) {
        self.end();
    }
}

/// Starts the daemon on the current tokio runtime (with its time driver). Its first look is one interval away:
/// a program that starts has better things to do. It never blocks a thread of the runtime.
pub fn spawn_daemon(db: Db, schedule: VacuumSchedule) -> Result<VacuumDaemon> {
    if db.is_read_only() {
        return Err(DbError::file(ErrorKind::ReadOnly, db.path(), "opened read-only: cannot be vacuumed"));
    }
    let runtime = tokio::runtime::Handle::try_current()
        .map_err(|error| DbError::Invalid(format!("start the vacuum daemon: {error}")))?;
    let ends = Arc::new(AtomicBool::new(false));
    let (wake, woken) = watch::channel(());
    let (tell, last) = watch::channel(None);
    let task = runtime.spawn(serve(db, schedule, Arc::clone(&ends), woken, tell));
    Ok(VacuumDaemon { ends, wake, last, task: Some(task) })
}

async fn serve(
    db: Db,
    schedule: VacuumSchedule,
    ends: Arc<AtomicBool>,
    mut woken: watch::Receiver<()>,
    tell: watch::Sender<Option<VacuumStats>>,
) {
    let mut cycled = Instant::now();
    let mut idle = Idle::default();
    // A change ends the wait early: somebody wants the daemon to end.
    while timeout(schedule.look.min(schedule.every), woken.changed()).await.is_err() {
        let whole = cycled.elapsed() >= schedule.every;
        let settles = idle.begins(db.metrics().commits);
        let (db, ends) = (db.clone(), Arc::clone(&ends));
        let look = move || look(&db, schedule.budget, whole, settles, &ends);
        let looked = tokio::task::spawn_blocking(look).await;
        if whole {
            cycled = Instant::now();
        }
        match looked {
            Ok(Ok(Some(done))) => drop(tell.send(Some(done))),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the vacuum daemon will try again"),
            Err(error) => return tracing::error!(%error, "the vacuum daemon ends"),
        }
    }
}

/// Whether this process writes.
#[derive(Debug, Default)]
struct Idle {
    commits: u64,
    settled: bool,
}

impl Idle {
    /// Once in each time without a commit, at the first look that finds one.
    const fn begins(&mut self, commits: u64) -> bool {
        let quiet = commits == self.commits;
        let begins = quiet && !self.settled;
        self.commits = commits;
        self.settled = quiet;
        begins
    }
}

/// One look; a cycle when enough is free, or when it is time and anything is. Who has stopped writing leaves
/// no log behind that nobody would copy before the next write.
fn look(
    db: &Db,
    budget: VacuumBudget,
    whole: bool,
    settles: bool,
    ends: &AtomicBool,
) -> Result<Option<VacuumStats>> {
    let found = stats(db)?;
    let goes_on = || !ends.load(Ordering::Relaxed);
    if whole && found.auto_vacuum == AutoVacuum::None {
        tracing::warn!(file = %db.path().display(), "cannot be vacuumed in slices: conversion needed");
    }
    let possible = found.auto_vacuum == AutoVacuum::Incremental && found.freelist_count > 0;
    if is_due(&found) || (whole && possible) {
        return run(db, budget, &mut |_| {}, &goes_on).map(Some);
    }
    if (whole || settles) && found.wal_bytes > 0 && goes_on() {
        checkpoint(db, CheckpointMode::Passive)?;
    }
    Ok(None)
}
