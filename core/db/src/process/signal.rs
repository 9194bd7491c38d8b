//! Signals to one process, or to the group that it leads, and never to anybody who has its number by now.
//!
//! A number is not enough to signal: it must be of this boot and this pid namespace, and the start time must be the
//! same *after* a handle was opened, which is of one process for good. Nothing is ever sent to pid 1 or below (0 and
//! negative numbers mean groups to the system), to this process, or to the group that it is in.

use std::path::Path;

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group};

use super::{Here, Liveness, ProcessIdentity, Seen, Stat};

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signalled {
    /// It was sent.
    Sent,
    /// The process has ended; nothing was sent.
    Gone,
    /// Nothing was sent: it is this process or the group that it is in, pid 1, one of another namespace, one that
    /// leads no group, or of a user whom we may not signal.
    Refused,
}

/// Sends a signal to this very process.
pub fn signal(process: &ProcessIdentity, signal: Signal) -> Signalled {
    match is_here(process) {
        Ok(()) => signal_started(process.pid, process.start_time, signal),
        Err(refused) => refused,
    }
}

/// The same for a process that is known to be of this boot and of this namespace, by its pid and start time.
pub fn signal_started(pid: u32, start_time: u64, signal: Signal) -> Signalled {
    let Some(number) = signallable(pid) else { return Signalled::Refused };
    send_after(number, pid, start_time, |handle| match handle {
        #[cfg(target_os = "linux")]
        Some(handle) => rustix::process::pidfd_send_signal(handle, signal),
        _ => kill_process(number, signal),
    })
}

/// Sends a signal to all of the group that this process leads, itself among them. A process that leads none, and one
/// whose group this process is in, are refused.
pub fn signal_group(leader: &ProcessIdentity, signal: Signal) -> Signalled {
    if let Err(refused) = is_here(leader) {
        return refused;
    }
    let Some(number) = signallable(leader.pid) else { return Signalled::Refused };
    if !leads_a_group(leader) {
        return if super::liveness(leader) == Liveness::Dead { Signalled::Gone } else { Signalled::Refused };
    }
    // Our own group is 0 where it began outside of our pid namespace; then it is not the one of this number.
    if nix::unistd::getpgrp().as_raw() == number.as_raw_nonzero().get() {
        return Signalled::Refused;
    }
    // The number of a group is not given away while anybody is in it; the leader was there a moment ago.
    send_after(number, leader.pid, leader.start_time, |_| kill_process_group(number, signal))
}

/// Whether it is alive and leads a process group.
pub fn leads_a_group(process: &ProcessIdentity) -> bool {
    super::liveness(process) == Liveness::Alive
        && stat(process.pid)
            .is_some_and(|stat| stat.start_time == process.start_time && stat.group == process.pid)
}

/// All processes of a group that have not ended, in this namespace. Empty where nothing can be seen.
pub fn members(group: u32) -> Vec<ProcessIdentity> {
    let (Ok(here), Ok(entries)) = (Here::system(), std::fs::read_dir("/proc")) else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut members: Vec<ProcessIdentity> = pids
        .filter_map(|pid| {
            let found = stat(pid).filter(|stat| stat.group == group && !stat.has_ended())?;
            Some(ProcessIdentity {
                boot_id: here.boot_id.clone(),
                pid_namespace: here.pid_namespace,
                pid,
                start_time: found.start_time,
            })
        })
        .collect();
    members.sort_by_key(|member| member.pid);
    members
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&std::fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?)
}

/// A pid that may be signalled at all.
fn signallable(pid: u32) -> Option<Pid> {
    if pid <= 1 || pid == std::process::id() {
        return None;
    }
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn is_here(process: &ProcessIdentity) -> std::result::Result<(), Signalled> {
    match super::liveness(process) {
        Liveness::Alive => Ok(()),
        Liveness::Dead => Err(Signalled::Gone),
        Liveness::Unknown => Err(Signalled::Refused),
    }
}

/// Opens a handle on the process, compares the start time, and sends.
fn send_after(
    number: Pid,
    pid: u32,
    start_time: u64,
    send: impl FnOnce(Option<&rustix::fd::OwnedFd>) -> rustix::io::Result<()>,
) -> Signalled {
    #[cfg(target_os = "linux")]
    let handle = match rustix::process::pidfd_open(number, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => Some(handle),
        // A kernel before 5.3: the gap between comparing and sending is some microseconds.
        Err(rustix::io::Errno::NOSYS) => None,
        Err(rustix::io::Errno::SRCH) => return Signalled::Gone,
        Err(_) => return Signalled::Refused,
    };
    #[cfg(not(target_os = "linux"))]
    let handle = None;
    let seen = Here::system().and_then(|here| here.look(pid));
    match seen {
        Ok(Seen::Running { start_time: found }) if found == start_time => {}
        Ok(Seen::Running { .. } | Seen::Ended) => return Signalled::Gone,
        Ok(Seen::Hidden) | Err(_) => return Signalled::Refused,
    }
    match send(handle.as_ref()) {
        Ok(()) => Signalled::Sent,
        Err(rustix::io::Errno::SRCH) => Signalled::Gone,
        Err(_) => Signalled::Refused,
    }
}

#[cfg(test)]
mod tests;
