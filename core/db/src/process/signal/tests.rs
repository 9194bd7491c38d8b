use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::process::{current, of};

/// A shell that does nothing until it is ended, in a group of its own or in ours.
fn sleeper(leads: bool) -> Child {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    if leads {
        command.process_group(0);
    }
    command.spawn().unwrap()
}

fn end(mut child: Child) -> Option<i32> {
    let ended = child.try_wait().unwrap();
    if ended.is_none() {
        child.kill().unwrap();
    }
    child.wait().unwrap().signal()
}

#[test]
fn a_signal_reaches_the_process_with_this_start_time_alone() {
    let child = sleeper(false);
    let process = of(child.id()).unwrap().unwrap();
    let another = ProcessIdentity { start_time: process.start_time + 1, ..process.clone() };
    assert_eq!(signal(&another, Signal::TERM), Signalled::Gone);
    let elsewhere = ProcessIdentity { pid_namespace: process.pid_namespace + 1, ..process.clone() };
    assert_eq!(signal(&elsewhere, Signal::TERM), Signalled::Refused);
    let before = ProcessIdentity { boot_id: "another boot".to_owned(), ..process.clone() };
    assert_eq!(signal(&before, Signal::TERM), Signalled::Gone);
    assert_eq!(signal_group(&another, Signal::TERM), Signalled::Gone);
    assert_eq!(signal_group(&elsewhere, Signal::TERM), Signalled::Refused);
    assert_eq!(signal_group(&before, Signal::TERM), Signalled::Gone);
    assert_eq!(signal(&process, Signal::INT), Signalled::Sent);
    let mut child = child;
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::INT.as_raw()));
    assert_eq!(signal(&process, Signal::TERM), Signalled::Gone);
}

#[test]
fn pid_1_this_process_and_numbers_that_mean_groups_are_never_signalled() {
    let own = current().unwrap();
    for pid in [0, 1, own.pid, u32::MAX, i32::MAX as u32 + 1] {
        let process = of(pid).ok().flatten().unwrap_or(ProcessIdentity { pid, ..own.clone() });
        assert_ne!(signal(&process, Signal::KILL), Signalled::Sent, "{pid}");
        assert_ne!(signal_group(&process, Signal::KILL), Signalled::Sent, "{pid}");
        assert_ne!(signal_started(pid, process.start_time, Signal::KILL), Signalled::Sent, "{pid}");
    }
}

#[test]
fn a_group_is_signalled_by_its_leader_alone() {
    let ours = sleeper(false);
    let process = of(ours.id()).unwrap().unwrap();
    assert!(!leads_a_group(&process));
    // It is in our group: this test would end with it.
    assert_eq!(signal_group(&process, Signal::KILL), Signalled::Refused);
    assert_eq!(end(ours), Some(Signal::KILL.as_raw()));

    let mut shell = Command::new("sh");
    shell
        .args(["-c", "sleep 1000 & echo; wait"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    let mut shell = shell.spawn().unwrap();
    let mut line = [0];
    std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut line).unwrap();
    let leader = of(shell.id()).unwrap().unwrap();
    assert!(leads_a_group(&leader));
    let all = members(leader.pid);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.contains(&leader));
    assert_eq!(signal_group(&leader, Signal::TERM), Signalled::Sent);
    assert_eq!(shell.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
    assert_eq!(signal_group(&leader, Signal::TERM), Signalled::Gone);
    // The other one was in the group too: nobody holds the pipe any more.
    assert_eq!(std::io::read_to_string(shell.stdout.take().unwrap()).unwrap(), "");
}
