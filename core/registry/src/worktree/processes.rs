//! The processes that work inside of a folder, and their end.
//!
//! Who works inside is told by where a process stands (`/proc/PID/cwd`) and never by its name: a server that has made
//! itself independent of whoever started it stands there still. A process is signalled by its pid and start time, so
//! that nobody is hit who got the number since.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process::{self, ProcessIdentity, Signal};

use super::repository::refused;
use crate::error::Result;

/// What a process has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);
/// What it may take to go after KILL, which nobody can refuse; one that waits for a disk can put it off.
const KILLED: Duration = Duration::from_secs(5);
/// How often it is looked whether they have gone.
const LOOK: Duration = Duration::from_millis(20);
/// What the kernel puts behind the name of a folder that is gone.
const GONE: &[u8] = b" (deleted)";
/// So long can no line of parents be.
const PARENTS: usize = 10_000;

/// Every process that works inside of the folder, this one too, as far as can be seen from here. Nothing is seen
/// where there is no `/proc`.
pub(super) fn inside(folder: &Path) -> Vec<ProcessIdentity> {
    let folder = resolved(folder);
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found: Vec<ProcessIdentity> = pids.filter_map(|pid| look(pid, &folder)).collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// The process, if it works inside. One that ends while it is looked at does not.
fn look(pid: u32, folder: &Path) -> Option<ProcessIdentity> {
    // Where another user's process stands is not for us to see, nor is the process for us to end.
    let cwd = std::fs::read_link(link(pid)).ok()?;
    if !stands_inside(pid, &cwd, folder) {
        return None;
    }
    let process = process::of(pid).ok().flatten()?;
    // The number may have become another's between the two looks.
    let again = std::fs::read_link(link(pid)).ok()?;
    (again == cwd).then_some(process)
}

fn link(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/cwd"))
}

/// A neighbour whose name only begins alike is not inside. Nor is a folder of a container that has the same path there.
fn stands_inside(pid: u32, cwd: &Path, folder: &Path) -> bool {
    let of = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let theirs = of(&link(pid));
    if theirs.is_some() && theirs == of(cwd) {
        return cwd.starts_with(folder);
    }
    // The path does not lead to where it stands: that is gone, or it is another's path.
    let gone = cwd.as_os_str().as_bytes().strip_suffix(GONE).map(|name| Path::new(OsStr::from_bytes(name)));
    gone.is_some_and(|gone| gone.starts_with(folder)) && sees_the_same_files(pid)
}

fn sees_the_same_files(pid: u32) -> bool {
    let of = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/mnt")).ok();
    of(&pid.to_string()).is_some_and(|theirs| Some(theirs) == of("self"))
}

/// Refuses where this process, or one that it descends from, works inside: it would end itself, or whoever waits for it.
pub(super) fn refuse_from_inside(folder: &Path) -> Result<()> {
    let inside = inside(folder);
    let own = std::process::id();
    let shown = folder.display();
    for pid in std::iter::once(own).chain(ancestors(own)) {
        if inside.iter().all(|process| process.pid != pid) {
            continue;
        }
        let who = if pid == own {
            "this command runs".to_owned()
        } else {
            let name = process::command(pid).map_or_else(String::new, |name| format!(" ({name})"));
            format!("pid {pid}{name}, which this command was started from, works")
        };
        return Err(refused(
            format!("{who} inside {shown}: everything that works there is ended first"),
            "go to another folder, and start it from there",
        ));
    }
    Ok(())
}

/// The parents of a process, from its own upwards.
fn ancestors(pid: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(parent_of(pid), |pid| parent_of(*pid)).take(PARENTS)
}

/// 0 is the parent of those whose parents are outside of the namespace.
fn parent_of(pid: u32) -> Option<u32> {
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"PPid:"))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok().filter(|parent| *parent > 0)
}

/// Ends everything that works inside: TERM, and KILL to what is left after a grace; also what is started there in the
/// meantime. Gives the pids of those that have ended. The caller has made sure that it does not itself stand there.
pub(super) fn end_all(db: &Db, folder: &Path) -> Result<Vec<u32>> {
    let began = db.clock().monotonic();
    let mut asked: BTreeMap<u32, ProcessIdentity> = BTreeMap::new();
    loop {
        let left = inside(folder);
        if left.is_empty() {
            return Ok(asked.into_keys().collect());
        }
        let waited = db.clock().monotonic().saturating_sub(began);
        if waited > GRACE + KILLED {
            return Err(still_there(&left, folder));
        }
        for process in left {
            let is_new = asked.get(&process.pid) != Some(&process);
            if waited > GRACE {
                process::signal(&process, Signal::KILL);
            } else if is_new {
                process::signal(&process, Signal::TERM);
            }
            asked.insert(process.pid, process);
        }
        db.sleeper().sleep(LOOK);
    }
}

fn still_there(left: &[ProcessIdentity], folder: &Path) -> crate::RegistryError {
    let named = |process: &ProcessIdentity| {
        let name = process::command(process.pid).map_or_else(String::new, |name| format!(" ({name})"));
        format!("pid {}{name}", process.pid)
    };
    let named: Vec<String> = left.iter().map(named).collect();
    refused(
        format!("{} inside {} cannot be ended", named.join(", "), folder.display()),
        "end it by hand, and try again",
    )
}

fn resolved(folder: &Path) -> PathBuf {
    conclave_db::paths::canonical_prefix(folder).unwrap_or_else(|_| folder.to_path_buf())
}

#[cfg(test)]
mod tests;
