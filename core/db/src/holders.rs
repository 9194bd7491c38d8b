//! Who has the database open, and who holds a checkpoint up.
//!
//! Starvation that nobody sees grows a write-ahead log for days, so the reader behind it is named. Of this
//! process the reads know themselves; of others the kernel's list of locks tells: SQLite keeps POSIX locks on
//! fixed bytes of the database and of its `-shm` (<https://sqlite.org/walformat.html#wal_locks>), and
//! `/proc/locks` has the pid of each holder. The files themselves are only asked for their inode, never
//! opened: closing one would drop this process's own locks.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::Db;
use crate::file::{FileIdentity, beside};
use crate::process;
use crate::readers::ActiveRead;

/// Bytes of the `-shm` that stand for locks: writer, checkpointer, recovery, five read marks.
const WAL_WRITE: u64 = 120;
const WAL_CHECKPOINT: u64 = 121;
const WAL_READ: std::ops::RangeInclusive<u64> = 123..=127;
/// The bytes of the database that a connection shares while it has the file open (`SHARED_FIRST` and the 510
/// behind it, <https://sqlite.org/lockingv3.html>).
const SHARED: std::ops::RangeInclusive<u64> = 0x4000_0002..=0x4000_01ff;
/// The byte that a writer holds without a write-ahead log.
const RESERVED: u64 = 0x4000_0001;

/// What a process does with the database at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// It has the file open.
    Open,
    /// It reads from a snapshot.
    Reads,
    /// It copies the log into the file.
    Checkpoints,
    /// It is inside a write transaction.
    Writes,
}

/// A process that holds a lock of the database.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Holder {
    /// The process, in this pid namespace. Those of other namespaces cannot be seen.
    pub pid: u32,
    /// Its command name, if that can be read.
    pub command: Option<String>,
    /// The most that it does.
    pub holding: Holding,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "pid {}", self.pid)?;
        self.command.as_ref().map_or(Ok(()), |command| write!(formatter, " ({command})"))
    }
}

/// All processes of this pid namespace that hold a lock of the database, this one among them. Empty where the
/// platform has no `/proc/locks`.
pub fn holders(db: &Db) -> Vec<Holder> {
    of_file(db.path())
}

pub(crate) fn of_file(path: &Path) -> Vec<Holder> {
    let locks = locks();
    let of = |path: &Path| FileIdentity::of(path).ok().flatten();
    let (file, shm) = (of(path), of(&beside(path, "-shm")));
    let mut held: Vec<(u32, Holding)> = locks
        .lines()
        .filter_map(Lock::parse)
        .filter(|lock| !lock.is_flock)
        .filter_map(|lock| {
            let holding = if file.is_some_and(|file| lock.is_on(file)) {
                lock.of_database()?
            } else if shm.is_some_and(|shm| lock.is_on(shm)) {
                lock.of_wal()?
            } else {
                return None;
            };
            Some((lock.pid, holding))
        })
        .collect();
    // For each process the most that it does.
    held.sort_unstable_by(|one, other| (one.0, other.1).cmp(&(other.0, one.1)));
    held.dedup_by_key(|(pid, _)| *pid);
    let holder = |(pid, holding)| Holder { pid, command: process::command(pid), holding };
    held.into_iter().map(holder).collect()
}

/// The processes of this pid namespace that hold a `flock` (flock(2)) on the file at `path`. Empty where the platform
/// has no `/proc/locks`. The one that took it is named, also where its children hold it by now.
pub fn of_flock(path: &Path) -> Vec<u32> {
    let Ok(Some(file)) = FileIdentity::of(path) else { return Vec::new() };
    let locks = locks();
    let held = locks.lines().filter_map(Lock::parse).filter(|lock| lock.is_flock && lock.is_on(file));
    let mut pids: Vec<u32> = held.map(|lock| lock.pid).filter(|pid| *pid != 0).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// The kernel's list; empty where there is none. Each `read` gives up to a page of it, and what changes before
/// the next one may shift a line out of sight. So it is read with few calls, and a list of several pages
/// several times: whatever was seen once counts.
fn locks() -> String {
    const TIMES: usize = 4;
    let mut locks = Vec::new();
    for _ in 0..TIMES {
        // An error leaves what was read; there is no other source.
        if read_in_pages(&mut locks).is_ok_and(|pages| pages <= 1) {
            break;
        }
    }
    String::from_utf8_lossy(&locks).into_owned()
}

/// Appends the list; gives in how many parts it came.
fn read_in_pages(locks: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut file = File::open("/proc/locks")?;
    let mut page = [0; 1 << 14];
    let mut pages = 0;
    loop {
        match file.read(&mut page)? {
            0 => return Ok(pages),
            length => locks.extend_from_slice(page.get(..length).unwrap_or_default()),
        }
        pages += 1;
    }
}

/// Names who keeps a checkpoint from finishing: reads of this process with place and age, other processes
/// with pid and command. `None` when nobody is seen (any more).
pub(crate) fn named(path: &Path, own: &[ActiveRead], now: Duration) -> Option<String> {
    let me = std::process::id();
    let mut names: Vec<String> = own
        .iter()
        .map(|read| {
            let age = now.saturating_sub(read.since);
            format!("this process, reading since {age:.1?} at {}", read.place)
        })
        .collect();
    for holder in of_file(path) {
        let does = match holder.holding {
            Holding::Open => continue,
            Holding::Reads => "reads",
            Holding::Checkpoints => "checkpoints",
            Holding::Writes => "writes",
        };
        if holder.pid != me {
            names.push(format!("{holder} {does}"));
        } else if own.is_empty() && holder.holding == Holding::Reads {
            names.push("this process, on a connection outside of `read`".to_owned());
        }
    }
    (!names.is_empty()).then(|| names.join(", "))
}

/// A line of `/proc/locks`: `1: POSIX  ADVISORY  READ 4711 08:01:142 124 124` (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lock {
    pid: u32,
    is_flock: bool,
    exclusive: bool,
    device: (u32, u32),
    inode: u64,
    first: u64,
    last: u64,
}

impl Lock {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        // `->` in the second place is one that waits; it holds nothing.
        let is_flock = match words.nth(1)? {
            "POSIX" => false,
            "FLOCK" => true,
            _ => return None,
        };
        let exclusive = words.nth(1)? == "WRITE";
        let pid = words.next()?.parse().ok()?;
        let mut file = words.next()?.split(':');
        let device =
            (u32::from_str_radix(file.next()?, 16).ok()?, u32::from_str_radix(file.next()?, 16).ok()?);
        let inode = file.next()?.parse().ok()?;
        let first = words.next()?.parse().ok()?;
        let last = match words.next()? {
            "EOF" => u64::MAX,
            last => last.parse().ok()?,
        };
        Some(Self { pid, is_flock, exclusive, device, inode, first, last })
    }

    /// The inode decides. Where a file system gives the kernel another device number than `stat` (overlayfs,
    /// btrfs), the number 0 for the major part says so.
    fn is_on(&self, file: FileIdentity) -> bool {
        let device = (rustix::fs::major(file.device), rustix::fs::minor(file.device));
        self.inode == file.inode && (self.device == device || self.device.0 == 0 || device.0 == 0)
    }

    fn meets(&self, bytes: &std::ops::RangeInclusive<u64>) -> bool {
        self.first <= *bytes.end() && self.last >= *bytes.start()
    }

    fn of_database(&self) -> Option<Holding> {
        if self.meets(&(RESERVED..=RESERVED)) {
            return Some(Holding::Writes);
        }
        self.meets(&SHARED).then_some(Holding::Open)
    }

    fn of_wal(&self) -> Option<Holding> {
        if self.meets(&(WAL_WRITE..=WAL_WRITE)) {
            return Some(Holding::Writes);
        }
        if self.meets(&(WAL_CHECKPOINT..=WAL_CHECKPOINT)) {
            return Some(Holding::Checkpoints);
        }
        // A read mark that is held exclusively is being moved, by a writer or a checkpoint.
        (self.meets(&WAL_READ) && !self.exclusive).then_some(Holding::Reads)
    }
}

#[cfg(test)]
mod tests;
