//! The checks themselves, one function each.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Check, Depth};
use crate::ballast::{self, Ballast};
use crate::error::Result;
use crate::file::{beside, folder_of, network_file_system};
use crate::holders::{self, Holding};
use crate::paths::STATE_DIR;
use crate::space::{self, in_words};
use crate::stats::{AutoVacuum, FileStats};
use crate::{Db, Journal, backup, integrity, pragmas, stats};

/// A log beyond this is cut by SQLite itself, unless someone keeps it from it (`journal_size_limit`).
const LONG_LOG: u64 = 64 << 20;
/// Below this much room the ballast is not made, and a vacuum or a backup may not fit.
const LITTLE_ROOM: u64 = 64 << 20;
/// Below this much room the next write may be the last.
const NO_ROOM: u64 = 8 << 20;
/// A read that takes longer keeps the log from being copied.
const LONG_READ: Duration = Duration::from_mins(1);
/// A backup that is older is not much of one.
const OLD_BACKUP: Duration = Duration::from_hours(7 * 24);

pub(super) fn all(db: &Db, depth: Depth) -> Vec<Check> {
    let mut checks = surroundings(db);
    checks.extend([connection_pragmas(db), soundness(db, depth), foreign_keys(db), who(db), disk_space(db)]);
    checks.extend([ballast(db.path()), newest_backup(db), leftovers(db)]);
    checks
}

pub(super) fn cheap(db: &Db) -> Vec<Check> {
    let mut checks = surroundings(db);
    checks.extend([connection_pragmas(db), disk_space(db)]);
    checks
}

/// What the header of the file and its folder tell.
fn surroundings(db: &Db) -> Vec<Check> {
    let mut checks =
        vec![sqlite_version(), file_system(db), journal(db), rights(db.path()), fair_turn(db.path())];
    match stats(db) {
        Ok(found) => {
            checks.extend([
                schema_version(db, &found),
                log(db, &found),
                auto_vacuum(&found),
                freelist(&found),
            ]);
        }
        Err(error) => checks.push(Check::fail("header", error.to_string(), advice(&error))),
    }
    checks
}

fn advice(error: &crate::DbError) -> String {
    error.hint().unwrap_or("look at the log with `--log-stderr -v`").to_owned()
}

fn attempt(name: &'static str, check: Result<Check>) -> Check {
    check.unwrap_or_else(|error| Check::fail(name, error.to_string(), advice(&error)))
}

fn sqlite_version() -> Check {
    // Too old a library is refused at every open, so this is what the handle works with.
    Check::ok("sqlite", format!("SQLite {}", rusqlite::version()))
}

fn file_system(db: &Db) -> Check {
    const NAME: &str = "file-system";
    match network_file_system(db.path()) {
        Some(name) => Check::warn(
            NAME,
            format!("{name}: shared between machines, or passed through another program"),
            "keep the state on a local disk (`--state-dir`): locks and the write-ahead log need one",
        ),
        None => Check::ok(NAME, "local"),
    }
}

fn journal(db: &Db) -> Check {
    const NAME: &str = "journal";
    match db.journal() {
        Journal::Wal if db.is_immutable() => Check::warn(
            NAME,
            "read as it lies, without locks: the folder cannot be written",
            "make the folder writable to see changes of others",
        ),
        Journal::Wal => Check::ok(NAME, "write-ahead log"),
        Journal::Rollback => Check::warn(
            NAME,
            "rollback journal: readers and writers wait for each other",
            "run `conclave doctor --fix`; if that changes nothing, keep the state on a local disk (`--state-dir`)",
        ),
    }
}

fn schema_version(db: &Db, found: &FileStats) -> Check {
    const NAME: &str = "schema";
    let (is, wanted) = (found.user_version, i64::from(db.options().schema.version()));
    if is == wanted {
        return Check::ok(NAME, format!("version {is}"));
    }
    Check::fail(NAME, format!("version {is}, this program's is {wanted}"), "run `conclave migrate`")
}

fn connection_pragmas(db: &Db) -> Check {
    const NAME: &str = "pragmas";
    const WANTED: &[(&str, i64)] =
        &[("foreign_keys", 1), ("recursive_triggers", 1), ("query_only", 1), ("temp_store", 2)];
    let wrong = db.read(|conn| {
        let mut wrong = Vec::new();
        for (name, wanted) in WANTED {
            let found = pragmas::integer(conn.conn, name)?;
            if found != *wanted {
                wrong.push(format!("{name} is {found}, wanted {wanted}"));
            }
        }
        Ok(wrong)
    });
    attempt(
        NAME,
        wrong.map(|wrong| {
            if wrong.is_empty() {
                Check::ok(NAME, "as set")
            } else {
                Check::fail(NAME, wrong.join(", "), "report this: a connection lost its settings")
            }
        }),
    )
}

fn soundness(db: &Db, depth: Depth) -> Check {
    const NAME: &str = "integrity";
    let found = db.read(|conn| integrity::problems(conn.conn, depth));
    attempt(NAME, found.map(|found| match found.first() {
        None if depth == Depth::Full => Check::ok(NAME, "sound"),
        None => Check::ok(
            NAME,
            "sound, at a quick look: too large for a full one, which `conclave db backup` makes of its copy",
        ),
        Some(first) => Check::fail(
            NAME,
            format!("{} problems, the first: {first}", found.len()),
            "stop all programs that use it, then `conclave db restore` the newest backup; the damaged file is kept",
        ),
    }))
}

fn foreign_keys(db: &Db) -> Check {
    const NAME: &str = "foreign-keys";
    let found = db.read(|conn| integrity::dangling(conn.conn));
    attempt(NAME, found.map(|found| match found.first() {
        None => Check::ok(NAME, "every row has its parent"),
        Some(first) => Check::fail(
            NAME,
            format!("{} rows without their parent, the first: {first}", found.len()),
            format!(
                "a program without foreign keys wrote here; `sqlite3 -readonly {} 'PRAGMA foreign_key_check'` lists them all",
                db.path().display()
            ),
        ),
    }))
}

pub(super) fn is_long(found: &FileStats) -> bool {
    found.wal_bytes > LONG_LOG
}

fn log(db: &Db, found: &FileStats) -> Check {
    const NAME: &str = "write-ahead-log";
    let size = in_words(found.wal_bytes);
    if !is_long(found) {
        return Check::ok(NAME, size);
    }
    let by = holders::named(db.path(), &db.active_reads(), db.clock().monotonic());
    let detail = by.map_or(size.clone(), |by| format!("{size}; may be held up by {by}"));
    Check::warn(NAME, detail, "run `conclave db checkpoint`; if that says busy, end the reader it names")
}

fn auto_vacuum(found: &FileStats) -> Check {
    const NAME: &str = "auto-vacuum";
    match found.auto_vacuum {
        AutoVacuum::Incremental => Check::ok(NAME, "incremental"),
        AutoVacuum::Full => Check::warn(
            NAME,
            "full: every commit pays for moving pages",
            "run `conclave db convert` when nobody is at work",
        ),
        AutoVacuum::None => Check::warn(
            NAME,
            "none: conversion needed before the file can shrink in slices",
            "run `conclave db convert` when nobody is at work",
        ),
    }
}

fn freelist(found: &FileStats) -> Check {
    const NAME: &str = "freelist";
    let free = in_words(found.free_bytes());
    let (empty, all) = (space::thousands(found.freelist_count), space::thousands(found.page_count));
    let detail = format!("{empty} of {all} pages are free ({free})");
    // The smallest of files have a page or two to spare.
    if found.free_percent() > 20 && found.free_bytes() > 1 << 20 {
        return Check::warn(NAME, detail, "run `conclave db vacuum`");
    }
    Check::ok(NAME, detail)
}

/// Files of the database that others may read or write, with the rights they should have. The folder only if it
/// is a state folder: in any other the user's own files lie beside the database, and who may see those is not
/// ours to judge.
pub(super) fn too_open(path: &Path) -> Vec<(PathBuf, u32)> {
    let beside =
        ["-wal", "-shm", "-journal", "-queue", "-turn", "-ballast"].map(|suffix| beside(path, suffix));
    let files = std::iter::once(path.to_path_buf()).chain(beside).map(|file| (file, 0o600));
    let folder =
        Some(folder_of(path)).filter(|folder| folder.file_name().is_some_and(|name| name == STATE_DIR));
    let folder = folder.into_iter().map(|folder| (folder.to_path_buf(), 0o700));
    let open =
        |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    folder.chain(files).filter(|(path, _)| open(path)).collect()
}

fn rights(path: &Path) -> Check {
    const NAME: &str = "permissions";
    let open = too_open(path);
    if open.is_empty() {
        return Check::ok(NAME, "for the owner only");
    }
    let names: Vec<String> = open.iter().map(|(path, _)| path.display().to_string()).collect();
    let detail = format!("others have rights on {}", names.join(", "));
    Check::warn(NAME, detail, "run `conclave doctor --fix` (state folder 0700, files 0600)")
}

fn fair_turn(path: &Path) -> Check {
    const NAME: &str = "fair-turn";
    let wrong: Vec<String> = ["-queue", "-turn"]
        .map(|suffix| beside(path, suffix))
        .iter()
        .filter(|file| std::fs::symlink_metadata(file).is_ok_and(|found| !found.is_file()))
        .map(|file| file.display().to_string())
        .collect();
    if wrong.is_empty() {
        return Check::ok(NAME, "its lock files are as they should be");
    }
    let detail =
        format!("{} is no regular file: writers of several processes are not fair", wrong.join(", "));
    Check::warn(NAME, detail, "remove it while nobody is at work")
}

fn who(db: &Db) -> Check {
    const NAME: &str = "holders";
    let now = db.clock().monotonic();
    let reads = db.active_reads();
    let long = reads.iter().find(|read| now.saturating_sub(read.since) > LONG_READ);
    if let Some(read) = long {
        let age = now.saturating_sub(read.since);
        let detail = format!("a read of this process at {} goes on for {age:.0?}", read.place);
        return Check::warn(NAME, detail, "end it: meanwhile the write-ahead log only grows");
    }
    // Whoever asks has it open, which is no news.
    let me = std::process::id();
    let names: Vec<String> = holders::holders(db)
        .iter()
        .filter(|holder| holder.pid != me || holder.holding == Holding::Writes)
        .map(|holder| match holder.holding {
            Holding::Open => holder.to_string(),
            Holding::Reads => format!("{holder} reads"),
            Holding::Checkpoints => format!("{holder} checkpoints"),
            Holding::Writes => format!("{holder} writes"),
        })
        .collect();
    if names.is_empty() { Check::ok(NAME, "nobody else") } else { Check::ok(NAME, names.join(", ")) }
}

fn disk_space(db: &Db) -> Check {
    const NAME: &str = "disk-space";
    let folder = folder_of(db.path());
    attempt(
        NAME,
        space::free(folder).map(|free| {
            let detail = format!("{} free", in_words(free));
            match free {
                0..NO_ROOM => Check::fail(NAME, detail, "free some space on this disk now"),
                NO_ROOM..LITTLE_ROOM => Check::warn(NAME, detail, "free some space on this disk"),
                _ => Check::ok(NAME, detail),
            }
        }),
    )
}

fn ballast(path: &Path) -> Check {
    const NAME: &str = "ballast";
    match ballast::look(path) {
        Ballast::Present | Ballast::Created => Check::ok(NAME, "1 MiB is held back for a full disk"),
        Ballast::Absent | Ballast::NoRoom => Check::warn(
            NAME,
            "nothing is held back for a full disk",
            "run `conclave doctor --fix`, with 64 MiB free on this disk",
        ),
    }
}

fn leftovers(db: &Db) -> Check {
    const NAME: &str = "leftovers";
    let left = backup::leftovers(db);
    if left.is_empty() {
        return Check::ok(NAME, "no unfinished copies");
    }
    let bytes = in_words(left.iter().map(|(_, bytes)| bytes).sum());
    let detail = format!("{} files of copies whose process was killed, {bytes}", left.len());
    Check::warn(NAME, detail, "run `conclave doctor --fix`; the next backup removes them too")
}

fn newest_backup(db: &Db) -> Check {
    const NAME: &str = "backup";
    attempt(
        NAME,
        backup::newest_age(db).map(|age| match age {
            None => Check::warn(NAME, "there is none", "run `conclave db backup`"),
            Some(age) => {
                let detail = match age.as_secs() / 3600 {
                    0 => "the newest is less than an hour old".to_owned(),
                    1 => "the newest is 1 hour old".to_owned(),
                    hours @ 2..48 => format!("the newest is {hours} hours old"),
                    hours => format!("the newest is {} days old", hours / 24),
                };
                if age > OLD_BACKUP {
                    Check::warn(NAME, detail, "run `conclave db backup`")
                } else {
                    Check::ok(NAME, detail)
                }
            }
        }),
    )
}
