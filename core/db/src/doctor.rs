//! Looking a database over, and saying what to do.
//!
//! `checks` only reads, on a handle of any kind, and asks everything it can even when an answer is bad: a
//! check that cannot be made is a failed check, not the end. `fix` does what can do no harm whatever the
//! cause: rights, ballast, leftovers, a checkpoint, free pages. Everything else is advice, since it needs someone's
//! decision.

mod checks;

use std::os::unix::fs::PermissionsExt;

use crate::checkpoint::{CheckpointMode, checkpoint};
use crate::error::{DbError, ErrorKind, Result};
pub use crate::integrity::Depth;
use crate::stats::AutoVacuum;
use crate::{Db, backup, ballast, integrity, stats, vacuum};

/// Up to this size everything is checked; reading more takes a coffee break.
const FULL_UP_TO: u64 = 256 << 20;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// It works, but something should be done.
    Warn,
    /// Something is broken.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at, such as `foreign-keys`.
    pub name: &'static str,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Check {
    /// As it should be.
    pub fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: CheckState::Ok, detail: detail.into(), advice: None }
    }

    /// Something should be done.
    pub fn warn(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: CheckState::Warn, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// Something is broken.
    pub fn fail(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: CheckState::Fail, detail: detail.into(), advice: Some(advice.into()) }
    }
}

/// Looks everything over; integrity in full up to 256 MiB, quickly beyond. Writes nothing.
pub fn checks(db: &Db) -> Vec<Check> {
    let large = stats(db).is_ok_and(|stats| stats.total_bytes() > FULL_UP_TO);
    checks_to(db, if large { Depth::Quick } else { Depth::Full })
}

/// The same, with integrity as thoroughly as wanted.
pub fn checks_to(db: &Db, depth: Depth) -> Vec<Check> {
    checks::all(db, depth)
}

/// The checks that read next to nothing, however large the file is: what may be asked all the time. Writes
/// nothing.
pub fn cheap_checks(db: &Db) -> Vec<Check> {
    checks::cheap(db)
}

/// What SQLite finds wrong with the file, at most 20 problems; empty when it is sound. Damage that keeps SQLite from looking
/// at all is one of them. Reads the whole file. Writes nothing.
///
/// # Errors
/// What keeps the file from being read, other than damage.
pub fn problems(db: &Db, depth: Depth) -> Result<Vec<String>> {
    match db.read(|conn| integrity::problems(conn.conn, depth)) {
        // Opening a connection meets it first.
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotADatabase) => {
            Ok(vec![error.to_string()])
        }
        found => found,
    }
}

/// Mends what can be mended without a decision; gives what was done, in words. Nothing to do is an empty list.
pub fn fix(db: &Db) -> Result<Vec<String>> {
    let mut done = Vec::new();
    // First, so that a read-only handle is refused before anything is touched.
    if ballast::ensure(db)? == ballast::Ballast::Created {
        done.push(format!("made the ballast {}", ballast::path_of(db.path()).display()));
    }
    for (path, mode) in checks::too_open(db.path()) {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .map_err(|error| DbError::io(format!("change the rights of {}", path.display()), error))?;
        done.push(format!("set the rights of {} to {mode:o}", path.display()));
    }
    for gone in backup::sweep(db) {
        done.push(format!("removed {}, the rest of a copy whose process was killed", gone.display()));
    }
    let found = stats(db)?;
    if found.auto_vacuum == AutoVacuum::Incremental && vacuum::due(db)? {
        let freed = vacuum::run_until_done(db, &mut |_| {})?;
        done.push(format!("gave {} free pages back", freed.pages_freed));
    }
    if checks::is_long(&found) {
        let report = checkpoint(db, CheckpointMode::Truncate)?;
        done.push(match report.held_up_by {
            Some(by) => format!("copied {} pages of the log; held up by {by}", report.copied_pages),
            None => "copied the whole log into the file".to_owned(),
        });
    }
    Ok(done)
}
