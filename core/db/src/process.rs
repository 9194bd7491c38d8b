//! Who a process is, so that what it left behind can be judged after it is gone.
//!
//! A pid alone is reused, means something else in another container, and nothing after a reboot. So a process
//! is (boot id, pid namespace, pid, start time). From another boot it is certainly dead. From another
//! namespace nothing can be said: it is never signalled and nothing of it is freed early.

mod signal;

use std::path::Path;

pub use self::signal::{Signal, Signalled, leads_a_group, members, signal, signal_group, signal_started};
use crate::error::{DbError, Result};

/// One process, once and for all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ProcessIdentity {
    /// The kernel's random name of this boot; empty where the platform has none.
    pub boot_id: String,
    /// The inode of the pid namespace; 0 where the platform has none.
    pub pid_namespace: u64,
    /// The process id inside that namespace.
    pub pid: u32,
    /// When it was started, in clock ticks since boot; 0 where that could not be seen (the platform does not say, or the
    /// process was hidden): such a process is `Unknown` for as long as its pid is in use.
    pub start_time: u64,
}

/// Whether a process still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// It runs (or is stopped).
    Alive,
    /// It has ended; its pid may be another's by now.
    Dead,
    /// Nobody here can say: it belongs to another pid namespace, or is hidden.
    Unknown,
}

/// The identity of the calling process.
pub fn current() -> Result<ProcessIdentity> {
    of(std::process::id())?.ok_or_else(|| DbError::Invalid("this process is not in its own /proc".to_owned()))
}

/// The identity of the process that has this pid here and now; `None` when there is none.
pub fn of(pid: u32) -> Result<Option<ProcessIdentity>> {
    let here = Here::system()?;
    let start_time = match here.look(pid)? {
        Seen::Running { start_time } => start_time,
        Seen::Hidden => 0,
        Seen::Ended => return Ok(None),
    };
    Ok(Some(ProcessIdentity { boot_id: here.boot_id, pid_namespace: here.pid_namespace, pid, start_time }))
}

/// Whether the process still runs, as far as can be told from here. What cannot be read is `Unknown`.
pub fn liveness(process: &ProcessIdentity) -> Liveness {
    Here::system().map_or(Liveness::Unknown, |here| here.liveness(process))
}

/// The same as it is seen by another process: one of its boot that runs beside us.
pub fn liveness_from(here: &ProcessIdentity, process: &ProcessIdentity) -> Liveness {
    if process == here {
        return Liveness::Alive;
    }
    let boot_id = here.boot_id.clone();
    Here { boot_id, pid_namespace: here.pid_namespace, proc: Path::new("/proc") }.liveness(process)
}

/// The command name of a process of this namespace, for messages.
pub fn command(pid: u32) -> Option<String> {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// What a look at a pid found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Running {
        start_time: u64,
    },
    /// There, but its start time is not for us to see.
    Hidden,
    /// Gone, or a zombie: it holds no lock and writes nothing.
    Ended,
}

/// Where we look from.
#[derive(Debug)]
struct Here<'proc> {
    boot_id: String,
    pid_namespace: u64,
    proc: &'proc Path,
}

impl Here<'static> {
    fn system() -> Result<Self> {
        Self::at(Path::new("/proc"))
    }
}

impl<'proc> Here<'proc> {
    #[cfg(target_os = "linux")]
    fn at(proc: &'proc Path) -> Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let read = |what: &str, error| DbError::io(format!("read {}", proc.join(what).display()), error);
        const BOOT: &str = "sys/kernel/random/boot_id";
        const NAMESPACE: &str = "self/ns/pid";
        let boot_id = std::fs::read_to_string(proc.join(BOOT)).map_err(|error| read(BOOT, error))?;
        let namespace = std::fs::metadata(proc.join(NAMESPACE)).map_err(|error| read(NAMESPACE, error))?;
        Ok(Self { boot_id: boot_id.trim().to_owned(), pid_namespace: namespace.ino(), proc })
    }

    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unnecessary_wraps, reason = "one signature on all platforms")]
    fn at(proc: &'proc Path) -> Result<Self> {
        Ok(Self { boot_id: String::new(), pid_namespace: 0, proc })
    }

    fn liveness(&self, process: &ProcessIdentity) -> Liveness {
        if process.boot_id != self.boot_id {
            return Liveness::Dead;
        }
        if process.pid_namespace != self.pid_namespace {
            return Liveness::Unknown;
        }
        match self.look(process.pid) {
            // It could not be seen when it was written down: whoever has the number now may be it, or anybody.
            Ok(Seen::Running { .. }) if process.start_time == 0 => Liveness::Unknown,
            Ok(Seen::Running { start_time }) if start_time == process.start_time => Liveness::Alive,
            Ok(Seen::Running { .. } | Seen::Ended) => Liveness::Dead,
            Ok(Seen::Hidden) | Err(_) => Liveness::Unknown,
        }
    }

    fn look(&self, pid: u32) -> Result<Seen> {
        let path = self.proc.join(pid.to_string()).join("stat");
        let stat = match std::fs::read(&path) {
            Ok(stat) => stat,
            // Not there, or hidden by the mount option hidepid: a signal that is none tells.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(probe(pid)),
            // ESRCH: it ended between opening and reading.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
                return Ok(Seen::Ended);
            }
            Err(error) => return Err(DbError::io(format!("read {}", path.display()), error)),
        };
        let stat = Stat::parse(&stat)
            .ok_or_else(|| DbError::Invalid(format!("{} is not what proc(5) says", path.display())))?;
        Ok(if stat.has_ended() { Seen::Ended } else { Seen::Running { start_time: stat.start_time } })
    }
}

fn probe(pid: u32) -> Seen {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else {
        return Seen::Ended;
    };
    match rustix::process::test_kill_process(pid) {
        Err(rustix::io::Errno::SRCH) => Seen::Ended,
        Ok(()) | Err(_) => Seen::Hidden,
    }
}

/// What `/proc/PID/stat` says of a process, as far as it is asked for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// The letter of its state: `Z` is a zombie, `T` is stopped.
    pub state: u8,
    /// The process group.
    pub group: u32,
    /// When it was started, in clock ticks since boot.
    pub start_time: u64,
}

impl Stat {
    /// State (field 3), group (field 5) and start time (field 22) of proc(5). The command name (field 2) stands
    /// in parentheses and may itself hold spaces and parentheses, so the fields are counted from the last one.
    pub fn parse(stat: &[u8]) -> Option<Self> {
        let close = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        // Field 4 comes next; a group outside of this namespace is 0, or negative on old kernels.
        let group = fields.nth(5 - 4)?.parse::<i64>().ok()?;
        let start_time = fields.nth(22 - 6)?.parse().ok()?;
        Some(Self { state, group: u32::try_from(group).unwrap_or(0), start_time })
    }

    /// Whether it has ended: it holds nothing and writes nothing, only its end was not asked for yet.
    pub const fn has_ended(self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

#[cfg(test)]
mod tests;
