//! What copies leave behind whose process was killed.
//!
//! The name of a copy in the making says which process makes it: pid, start time, pid namespace, number of the
//! copy, boot. Of a process of this boot and namespace it is certain whether it still runs, and what a dead one
//! left goes at once. Of others nobody here can say, so theirs goes when nothing has changed in it for an hour.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::file;
use crate::process::{self, Liveness, ProcessIdentity};

const HOUR_MS: i64 = 3_600_000;

/// The name of this process's copy with this number.
pub(super) fn name(number: u32) -> String {
    // Where a process cannot know who it is, its copies are as those of another boot.
    let nobody = |_| ProcessIdentity {
        boot_id: String::new(),
        pid_namespace: 0,
        pid: std::process::id(),
        start_time: 0,
    };
    let ProcessIdentity { boot_id, pid_namespace, pid, start_time } =
        process::current().unwrap_or_else(nobody);
    format!(".copy-{pid}-{start_time}-{pid_namespace}-{number}-{boot_id}.tmp")
}

/// The process that made a temporary file, or what SQLite put beside it.
fn maker(name: &str) -> Option<ProcessIdentity> {
    let mut parts = name.strip_prefix(".copy-")?.splitn(5, '-');
    let pid = parts.next()?.parse().ok()?;
    let start_time = parts.next()?.parse().ok()?;
    let pid_namespace = parts.next()?.parse().ok()?;
    let _number: u32 = parts.next()?.parse().ok()?;
    let (boot_id, _) = parts.next()?.split_once(".tmp")?;
    Some(ProcessIdentity { boot_id: boot_id.to_owned(), pid_namespace, pid, start_time })
}

/// The files of a folder that nobody makes a copy in any more, with their bytes.
pub(super) fn of(folder: &Path, now_ms: i64) -> Vec<(PathBuf, u64)> {
    let (Ok(entries), Ok(here)) = (std::fs::read_dir(folder), process::current()) else { return Vec::new() };
    let is_left = |entry: &std::fs::DirEntry| {
        let Some(maker) = entry.file_name().to_str().and_then(maker) else { return false };
        if (&maker.boot_id, maker.pid_namespace) == (&here.boot_id, here.pid_namespace) {
            return process::liveness(&maker) == Liveness::Dead;
        }
        // Also of another boot: on a shared disk that may be another machine, which runs.
        let changed = entry.metadata().map_or(i64::MAX, |found| found.mtime().saturating_mul(1000));
        now_ms.saturating_sub(changed) > HOUR_MS
    };
    let left = entries.flatten().filter(is_left);
    left.map(|entry| (entry.path(), file::size(&entry.path()))).collect()
}

/// Removes them; gives those that are gone by it.
pub(super) fn sweep(folder: &Path, now_ms: i64) -> Vec<PathBuf> {
    let mut gone = Vec::new();
    for (path, _) in of(folder, now_ms) {
        match std::fs::remove_file(&path) {
            Ok(()) => {
                tracing::info!(file = %path.display(), "removed: the rest of a copy that was never finished");
                gone.push(path);
            }
            Err(error) => tracing::debug!(file = %path.display(), %error, "the rest of a copy stays"),
        }
    }
    gone
}
