//! What reads met on their way between the two sides of the migration.
//!
//! While the legacy side leads in phase 2, one read in 16 is made on the new side too, in the same snapshot, and
//! both are compared. A read command only says what differs (a warning in the log); a program that runs on takes
//! the findings from here and has them kept ([`keep`]). A read that finds the new tables missing or damaged before
//! phase 4 is answered from the legacy tables, with a warning.
//!
//! All counters are of this process, by file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conclave_db::Db;
use conclave_retry::{Random, SystemRandom};
use serde::Serialize;

use crate::error::Result;
use crate::migrate::Finding;
use crate::store::control;

/// Of so many reads in phase 2 one is compared.
const EVERY: u64 = 16;
/// Most findings that wait for somebody to take them.
const WAITING: usize = 100;

/// How often reads met something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReadMetrics {
    /// Reads that were made on both sides.
    pub compared: u64,
    /// Of these, those that came out different.
    pub differing: u64,
    /// Reads that the legacy tables answered because the new ones could not be read.
    pub fallbacks: u64,
}

/// What is kept of one file.
#[derive(Debug)]
pub(crate) struct Watched {
    reads: AtomicU64,
    compared: AtomicU64,
    differing: AtomicU64,
    fallbacks: AtomicU64,
    found: Mutex<Vec<Finding>>,
}

static FILES: Mutex<Option<HashMap<PathBuf, Arc<Watched>>>> = Mutex::new(None);

pub(crate) fn watched(db: &Db) -> Arc<Watched> {
    let mut files = lock(&FILES);
    let files = files.get_or_insert_default();
    if let Some(watched) = files.get(db.path()) {
        return Arc::clone(watched);
    }
    // A command that reads once must have its chance too.
    let watched = Arc::new(Watched {
        reads: AtomicU64::new(SystemRandom.next_u64() % EVERY),
        compared: AtomicU64::new(0),
        differing: AtomicU64::new(0),
        fallbacks: AtomicU64::new(0),
        found: Mutex::new(Vec::new()),
    });
    files.insert(db.path().to_path_buf(), Arc::clone(&watched));
    watched
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watched {
    /// Whether the read at hand is one to compare.
    pub(crate) fn is_due(&self) -> bool {
        self.reads.fetch_add(1, Ordering::Relaxed).wrapping_add(1).is_multiple_of(EVERY)
    }

    pub(crate) fn compared(&self) {
        self.compared.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn differed(&self, findings: Vec<Finding>) {
        self.differing.fetch_add(1, Ordering::Relaxed);
        let mut found = lock(&self.found);
        for finding in findings {
            if found.len() < WAITING && !found.contains(&finding) {
                found.push(finding);
            }
        }
    }

    pub(crate) fn fell_back(&self) {
        self.fallbacks.fetch_add(1, Ordering::Relaxed);
    }
}

/// The counters of this process on the file of `db`.
pub fn metrics(db: &Db) -> ReadMetrics {
    let watched = watched(db);
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    ReadMetrics {
        compared: load(&watched.compared),
        differing: load(&watched.differing),
        fallbacks: load(&watched.fallbacks),
    }
}

/// Lets `reads` reads of the file pass before the next that is compared; which one it would be is chance otherwise.
pub fn compare_after(db: &Db, reads: u64) {
    let left = reads % EVERY + 1;
    watched(db).reads.store(EVERY - left, Ordering::Relaxed);
}

/// What compared reads of the file found since somebody asked last.
pub fn take_findings(db: &Db) -> Vec<Finding> {
    std::mem::take(&mut *lock(&watched(db).found))
}

/// Keeps findings as open differences, so that they are shown and hold up the next step; gives how many of them
/// nobody had kept before. Durable when this returns.
pub fn keep(db: &Db, findings: Vec<Finding>, actor: &str) -> Result<usize> {
    if findings.is_empty() {
        return Ok(0);
    }
    let actor = actor.to_owned();
    db.write("keep what reads found", move |tx| {
        let kept = control::findings::add(tx, &findings)?;
        if kept > 0 {
            let detail = serde_json::json!({ "found_by": "read", "findings": findings });
            control::record_event(tx, &actor, "difference", &detail)?;
        }
        Ok(kept)
    })
}
