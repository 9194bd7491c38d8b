//! Which operation fails, and how.

use rusqlite::ffi;
use rustix::process::{Signal, getpid, kill_process};

/// What SQLite does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// Writes a range of bytes.
    Write,
    /// Makes a file durable.
    Sync,
    /// Cuts a file down.
    Truncate,
    /// Reads a range of bytes.
    Read,
    /// Opens a file.
    Open,
    /// Deletes a file.
    Delete,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Write, Self::Sync, Self::Truncate, Self::Read, Self::Open, Self::Delete];
}

/// How an operation fails. SQLite is told the code that its own VFS would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// `SQLITE_FULL`. The first half of a write is done.
    Full,
    /// The input or output error of this operation, such as `SQLITE_IOERR_FSYNC`. The first half of a write is
    /// done.
    Io,
    /// `SQLITE_IOERR_SHORT_READ`: the second half reads as zeros, as behind the end of a file. For a read only.
    Short,
    /// The process ends here, as by `kill -9`. The first half of a write is done.
    Kill,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Which operations are counted.
    pub op: Op,
    /// Which of them fails, counted from 1 and from when the fault was set.
    pub nth: u64,
    /// How.
    pub error: Failure,
    /// Whether all later ones fail too.
    pub sticky: bool,
}

impl Fault {
    /// Whether it hits the operation with this number.
    pub(super) const fn hits(&self, number: u64) -> bool {
        number == self.nth || self.sticky && number > self.nth
    }

    /// What SQLite is told, if anyone is left to be told.
    pub(super) fn code(&self) -> i32 {
        match (self.error, self.op) {
            (Failure::Kill, _) => end_process(),
            (Failure::Full, _) => ffi::SQLITE_FULL,
            (Failure::Short, Op::Read) => ffi::SQLITE_IOERR_SHORT_READ,
            (_, Op::Write) => ffi::SQLITE_IOERR_WRITE,
            (_, Op::Sync) => ffi::SQLITE_IOERR_FSYNC,
            (_, Op::Truncate) => ffi::SQLITE_IOERR_TRUNCATE,
            (_, Op::Read) => ffi::SQLITE_IOERR_READ,
            (_, Op::Open) => ffi::SQLITE_CANTOPEN,
            (_, Op::Delete) => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

fn end_process() -> ! {
    // A signal that a process sends to itself comes before the call returns.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort();
}
