//! A fair turn between processes: a courtesy around write transactions, never the truth.
//!
//! SQLite's busy handler sleeps and tries again, so whoever comes at the right moment wins and others starve.
//! Two file locks beside the database make a queue of it: take `-queue`, take `-turn`, free `-queue`. Only one
//! process waits for the turn at a time, so whoever frees it cannot take it again at once. The locks end with
//! their process; the files stay. Nothing hangs on them: after some patience a writer goes on without.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::file::beside;

/// Where the waiting thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Idle,
    /// The thread waits for the locks, and someone waits for the thread.
    Wanted,
    /// The turn is in hand.
    Granted,
    /// The thread still waits; nobody wants the turn any more.
    Abandoned,
}

#[derive(Debug)]
struct Locks {
    queue: File,
    turn: File,
    wait: Mutex<Wait>,
    changed: Condvar,
}

impl Locks {
    fn wait(&self) -> MutexGuard<'_, Wait> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes both in order; may block for as long as another process is stopped with one of them.
    fn take_blocking(&self) -> std::io::Result<()> {
        self.queue.lock()?;
        let turn = self.turn.lock();
        let queue = self.queue.unlock();
        turn.and(queue)
    }
}

/// The turn of one writer of one file.
#[derive(Debug)]
pub(crate) struct Turn {
    path: PathBuf,
    patience: Duration,
    /// Off where file locks may be local to a machine, or cannot be had.
    enabled: bool,
    locks: Option<Arc<Locks>>,
    requests: Option<Sender<()>>,
}

/// The turn in hand, or permission to go on without it.
#[derive(Debug)]
pub(crate) struct Granted {
    locks: Option<Arc<Locks>>,
}

impl Drop for Granted {
    fn drop(&mut self) {
        if let Some(locks) = &self.locks {
            // An error here means that the lock is not held, which is what is wanted.
            let _ = locks.turn.unlock();
        }
    }
}

impl Turn {
    pub(crate) fn new(path: &Path, patience: Duration, enabled: bool) -> Self {
        Self { path: path.to_path_buf(), patience, enabled, locks: None, requests: None }
    }

    /// Takes the turn; waits at most the patience, then goes on without it.
    pub(crate) fn acquire(&mut self) -> Granted {
        self.acquire_within(self.patience)
    }

    /// The same for one who has not even that much time left.
    pub(crate) fn acquire_within(&mut self, left: Duration) -> Granted {
        let without = Granted { locks: None };
        let Some(locks) = self.locks() else { return without };
        if *locks.wait() != Wait::Idle {
            // The thread still waits behind a stopped process: one second was lost to it, not one each time.
            return without;
        }
        if locks.queue.try_lock().is_ok() {
            let turn = locks.turn.try_lock();
            if turn.is_ok() {
                let _ = locks.queue.unlock();
                return Granted { locks: Some(locks) };
            }
            // Keep the place in the queue: the thread takes it over with the same open file.
        }
        self.wait_on_thread(locks, left.min(self.patience))
    }

    fn wait_on_thread(&mut self, locks: Arc<Locks>, patience: Duration) -> Granted {
        *locks.wait() = Wait::Wanted;
        if self.request(&locks).is_err() {
            *locks.wait() = Wait::Idle;
            let _ = locks.queue.unlock();
            return Granted { locks: None };
        }
        let guard = locks.wait();
        let (mut guard, _) = locks
            .changed
            .wait_timeout_while(guard, patience, |wait| *wait == Wait::Wanted)
            .unwrap_or_else(PoisonError::into_inner);
        match *guard {
            Wait::Granted => {
                *guard = Wait::Idle;
                drop(guard);
                Granted { locks: Some(locks) }
            }
            Wait::Wanted => {
                *guard = Wait::Abandoned;
                tracing::debug!(file = %self.path.display(), "going on without the turn");
                Granted { locks: None }
            }
            // The locks failed; SQLite's own lock decides.
            Wait::Idle | Wait::Abandoned => Granted { locks: None },
        }
    }

    fn request(&mut self, locks: &Arc<Locks>) -> std::io::Result<()> {
        if self.requests.as_ref().is_some_and(|requests| requests.send(()).is_ok()) {
            return Ok(());
        }
        let (requests, received) = channel();
        let locks = Arc::clone(locks);
        std::thread::Builder::new().name("conclave-turn".into()).spawn(move || serve(&locks, &received))?;
        // The thread was just started and holds the other end.
        let _ = requests.send(());
        self.requests = Some(requests);
        Ok(())
    }

    fn locks(&mut self) -> Option<Arc<Locks>> {
        if !self.enabled {
            return None;
        }
        if self.locks.is_none() {
            match (open(&beside(&self.path, "-queue")), open(&beside(&self.path, "-turn"))) {
                (Ok(queue), Ok(turn)) => {
                    let wait = Mutex::new(Wait::Idle);
                    self.locks = Some(Arc::new(Locks { queue, turn, wait, changed: Condvar::new() }));
                }
                (queue, turn) => {
                    if let Some(error) = queue.err().or(turn.err()) {
                        tracing::warn!(file = %self.path.display(), %error, "no fair turn between processes");
                    }
                    self.enabled = false;
                }
            }
        }
        self.locks.clone()
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The thread that can be left waiting. Ends when its `Turn` is gone.
fn serve(locks: &Locks, received: &Receiver<()>) {
    while received.recv().is_ok() {
        let taken = locks.take_blocking();
        let mut wait = locks.wait();
        *wait = match (*wait, taken) {
            (Wait::Wanted, Ok(())) => Wait::Granted,
            (_, Ok(())) => {
                let _ = locks.turn.unlock();
                Wait::Idle
            }
            (_, Err(_)) => Wait::Idle,
        };
        locks.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
