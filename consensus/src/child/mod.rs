//! Agents as child processes: started in a group or a session of their own, fed, heard, and ended on time with all they started.
//!
//! A child is ended as a whole. Its group gets SIGTERM and SIGCONT (a stopped process hears nothing else), after a
//! grace SIGKILL; processes that left the group are known by the mark in their environment. A signal never goes
//! to a pid that might be another's by now: the group is signalled only while its leader was not waited for, which
//! keeps the number taken, and any other process through a handle that was compared with its start time.
//!
//! What escapes: a process that both left the group and cleared its environment, and one of another user. Where
//! there is no `/proc`, only the group is known.
//!
//! Times are those of the runtime's timer, which is monotonic: nobody can set it, it stands still while the machine
//! sleeps and goes on while this process is stopped. A parent that was stopped for long first takes what its
//! children did meanwhile: one that has exited has exited, whatever the timeout says.
//!
//! Memory per child: what is kept of stdout and stderr (grown as needed, [`Limits`]), the prompt until
//! all of it was read, and some 8 KiB besides. No thread belongs to a child. It takes
//! three pipes and a process handle, so four file descriptors; where there are no more, [`start`] says so and
//! [`is_exhausted`] knows the error.

mod capture;
mod census;
mod ending;
mod environment;
mod launch;
mod leader;
mod leftovers;
mod progress;
mod running;
mod start;
mod stop;
mod streams;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use self::capture::Capture;
pub use self::environment::environment;
pub use self::launch::launch;
pub use self::leftovers::{Leftovers, end_leftovers};
pub use self::running::Running;
pub use self::start::{is_exhausted, start};
pub use self::stop::Stop;
pub use self::streams::Output;

/// The variable in a child's environment that says which attempt it, and all it starts, belongs to.
pub const MARK: &str = "CONCLAVE_ATTEMPT";

/// What is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What is put before the program to start it, and becomes it with [`launch`]: then the child leads a session of
    /// its own and has no controlling terminal, which it could draw on or be stopped by. Empty: it leads a group of
    /// its own, in the caller's session.
    pub launcher: Vec<OsString>,
    /// A path, or a name that is looked for in the PATH of `env`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where it works.
    pub directory: PathBuf,
    /// Its whole environment but for the mark: nothing of the caller's is added.
    pub env: Vec<(OsString, OsString)>,
    /// What it reads from standard input, which is closed after it. Nothing is `/dev/null`.
    pub stdin: Vec<u8>,
    /// The value of [`MARK`]; unlike that of any other attempt of any time.
    pub mark: String,
}

/// What a child may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that are kept of standard output: half of them its beginning, half its end. The rest is read and counted.
    pub stdout: usize,
    /// The same of standard error.
    pub stderr: usize,
    /// How long it may run before it is asked to end.
    pub timeout: Duration,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        // An answer of more than 16 MiB is none that anybody reads.
        const KEPT: usize = 16 << 20;
        Self { stdout: KEPT, stderr: KEPT, timeout: Duration::from_mins(20), grace: Duration::from_secs(2) }
    }
}

/// Why a child is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// It ended by itself, or a stranger ended it.
    Exited,
    /// Its time was up.
    TimedOut,
    /// It was told to stop.
    Cancelled,
}

/// What a child came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What it said at its end; `None` when a signal ended it, or when it could not be ended.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Who ended it.
    pub why: Why,
    /// The system's error code, where the launcher could not start the program.
    pub not_started: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Capture,
    /// What it wrote to standard error.
    pub stderr: Capture,
}
