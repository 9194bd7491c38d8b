//! What is known of older programs that write the legacy tables.

use std::time::Duration;

use serde::Serialize;

use super::cause::Cause;
use crate::store::control::Phase;
use crate::store::control::older::Writes;

/// A write counts as one of a program that is still there for this long.
const LATELY: Duration = Duration::from_hours(24);

/// What older programs have written, as the capture triggers saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OlderProgram {
    /// Rows that they wrote, changed or deleted.
    pub writes: u64,
    /// Of them, those in phase 4 and later.
    pub late_writes: u64,
    /// When they last did, ms.
    #[serde(serialize_with = "crate::time::serialize")]
    pub last_at: Option<i64>,
    /// The SQLite that they did it with.
    pub sqlite_version: Option<String>,
    /// Whether one wrote within the last 24 hours.
    pub writing: bool,
    /// Whether one that is still writing can damage a file in WAL mode, since its SQLite has the WAL-reset bug.
    pub wal_reset_bug: bool,
}

impl OlderProgram {
    pub(crate) fn of(writes: Writes, now_ms: i64) -> Self {
        let lately = i64::try_from(LATELY.as_millis()).unwrap_or(i64::MAX);
        let writing = writes.last_at.is_some_and(|at| now_ms.saturating_sub(at) <= lately);
        let wal_reset_bug = writing && writes.sqlite_version.as_deref().is_some_and(has_wal_reset_bug);
        Self {
            writes: writes.all,
            late_writes: writes.late,
            last_at: writes.last_at,
            sqlite_version: writes.sqlite_version,
            writing,
            wal_reset_bug,
        }
    }

    /// What it does that it should not.
    pub(super) fn causes(&self, phase: Phase) -> Vec<Cause> {
        let version = || self.sqlite_version.clone().unwrap_or_else(|| "unknown".to_owned());
        let bug = self.wal_reset_bug.then(|| Cause::WalResetBug(version()));
        let writing = (self.writing && phase >= Phase::NewOnly).then_some(Cause::StillWriting);
        bug.into_iter().chain(writing).collect()
    }
}

/// Whether this version of SQLite has the WAL-reset bug: 3.7.0 to 3.51.2, but for the fixes that went into
/// 3.44.6 and 3.50.7 (<https://sqlite.org/wal.html#walresetbug>).
fn has_wal_reset_bug(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let version = (next(), next(), next());
    let mended = match version {
        (3, 44, patch) => patch >= 6,
        (3, 50, patch) => patch >= 7,
        _ => version >= (3, 51, 3),
    };
    version >= (3, 7, 0) && !mended
}

#[cfg(test)]
mod tests {
    use super::{OlderProgram, has_wal_reset_bug};
    use crate::store::control::older::Writes;

    #[test]
    fn the_versions_with_the_wal_reset_bug_are_known() {
        for (version, has) in [
            ("3.6.23", false),
            ("3.7.0", true),
            ("3.40.1", true),
            ("3.44.5", true),
            ("3.44.6", false),
            ("3.45.0", true),
            ("3.50.6", true),
            ("3.50.7", false),
            ("3.51.0", true),
            ("3.51.2", true),
            ("3.51.3", false),
            ("3.53.2", false),
            ("4.0", false),
            ("", false),
        ] {
            assert_eq!(has_wal_reset_bug(version), has, "{version}");
        }
    }

    #[test]
    fn a_program_that_wrote_long_ago_is_not_still_writing() {
        const DAY: i64 = 86_400_000;
        let writes = |last_at| Writes { all: 3, late: 1, last_at, sqlite_version: Some("3.40.1".into()) };
        let of = |last_at| {
            let older = OlderProgram::of(writes(last_at), 10 * DAY);
            (older.writing, older.wal_reset_bug)
        };
        assert_eq!(of(None), (false, false));
        assert_eq!(of(Some(8 * DAY)), (false, false));
        assert_eq!(of(Some(10 * DAY - 5)), (true, true));
    }
}
