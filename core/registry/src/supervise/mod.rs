//! Starting an agent's process and waiting for its end.
//!
//! A process that nobody knows of could never be stopped, so none is started before its row is durable: what is started
//! first is a launcher, this program once more, which waits for a word on a pipe and then becomes the agent's program
//! (`launch`); pid and start time stay as they were recorded. When whoever started it dies before that word, the
//! launcher ends, and nothing was ever run.
//!
//! Somebody waits for every child: in the foreground the command itself ([`foreground`]), else a supervisor of its own
//! (`supervisor`), which leads a session without a terminal, keeps the agent's log file from growing without end, records
//! the agent's end, and ends. The agent writes to that file itself, so neither a supervisor that is killed nor its end
//! costs anybody an end of a pipe. It listens to nothing, forwards nothing, and does not keep the database open.

mod launch;
mod log;
mod program;
mod session;
mod supervisor;
mod terminal;
mod word;

use std::ffi::OsString;
use std::path::PathBuf;

pub use self::launch::become_program;
pub use self::program::{line_of, look_for};
pub use self::session::{Failed, foreground};
pub use self::supervisor::{PATIENCE, in_background, supervise};

/// What an agent runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A path, or a name that is looked for in the PATH of `env`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where it works.
    pub directory: PathBuf,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
}

/// What a child ends with in the words of a shell: its code, or 128 and the number of the signal that ended it.
fn code_of(status: rustix::process::WaitStatus) -> i32 {
    const BEYOND: i32 = 128;
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => BEYOND + signal,
        // Only ends are asked about.
        (None, None) => BEYOND,
    }
}
