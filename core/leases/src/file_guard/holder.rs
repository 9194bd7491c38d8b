//! Who holds a lock, for messages: nothing is decided by it.
//!
//! The kernel knows which process of this pid namespace took a lock, also one that writes nothing about itself. The
//! holder writes who it is into the lock file, for those who look from another namespace and for what it does. That
//! may be stale, after a kill, and gone, since Python's `filelock` empties the file before it asks for the lock.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use conclave_db::flock_holders;
use conclave_db::process::{self, Liveness, ProcessIdentity};

/// No line of ours is longer.
const MOST: u64 = 1024;

/// Writes who holds it: `pid start-time pid-namespace boot-id operation`. Without it the lock is as good.
pub(super) fn write(lock: &File, operation: &str) {
    let Ok(ProcessIdentity { boot_id, pid_namespace, pid, start_time }) = process::current() else { return };
    let operation: String = operation.chars().filter(|each| !each.is_control()).take(100).collect();
    let line = format!("{pid} {start_time} {pid_namespace} {boot_id} {operation}\n");
    let written = lock.set_len(0).and_then(|()| lock.write_all_at(line.as_bytes(), 0));
    if let Err(error) = written {
        tracing::debug!(%error, "a lock file says nothing of its holder");
    }
}

/// Who holds the lock of this file, as far as that is known.
pub(super) fn of(path: &Path) -> Option<String> {
    let said = read(path).filter(|said| process::liveness(&said.process) != Liveness::Dead);
    match (flock_holders(path).first().copied(), said) {
        (Some(pid), Some(said)) if said.process.pid == pid => Some(said.in_words()),
        (Some(pid), _) => Some(named(pid)),
        // Of another namespace, or the kernel does not tell.
        (None, said) => said.map(|said| said.in_words()),
    }
}

/// What a lock file says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    process: ProcessIdentity,
    operation: String,
}

impl Said {
    fn in_words(&self) -> String {
        let pid = self.process.pid;
        let is_here = process::current().is_ok_and(|here| here.pid_namespace == self.process.pid_namespace);
        let who = if is_here { named(pid) } else { format!("pid {pid} of another container") };
        format!("{who}, for {}", self.operation)
    }
}

fn named(pid: u32) -> String {
    match process::command(pid) {
        Some(command) => format!("pid {pid} ({command})"),
        None => format!("pid {pid}"),
    }
}

fn read(path: &Path) -> Option<Said> {
    let mut text = String::new();
    super::open_to_read(path)?.take(MOST).read_to_string(&mut text).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<Said> {
    let mut words = text.strip_suffix('\n')?.splitn(5, ' ');
    let pid = words.next()?.parse().ok()?;
    let start_time = words.next()?.parse().ok()?;
    let pid_namespace = words.next()?.parse().ok()?;
    let boot_id = words.next()?.to_owned();
    let operation = words.next()?.chars().filter(|each| !each.is_control()).collect();
    Some(Said { process: ProcessIdentity { boot_id, pid_namespace, pid, start_time }, operation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_line_of_ours_is_understood() {
        let said = parse("7 99 4026531836 b0-07 db reset\n").unwrap();
        let process = ProcessIdentity {
            boot_id: "b0-07".to_owned(),
            pid_namespace: 4_026_531_836,
            pid: 7,
            start_time: 99,
        };
        assert_eq!(said, Said { process, operation: "db reset".to_owned() });
        for other in ["", "7", "7 99 1 b", "7 99 1 b reset", "x 99 1 b reset\n", "-1 99 1 b reset\n"] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
