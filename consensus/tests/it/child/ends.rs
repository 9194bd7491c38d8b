//! A child ends on time, with all that it started.

use super::*;
use conclave_consensus::child::Why;

const BRIEF: Duration = Duration::from_millis(50);

#[test]
fn one_that_never_ends_is_ended() {
    let limits = Limits { timeout: BRIEF, ..patient() };
    for script in ["exec sleep 1000", "sleep 1000", "yes", "sleep 1000 & sleep 1000 & wait"] {
        let done = run(sh(script), &limits, 0);
        assert_eq!((done.exit_code, done.signal, done.why), (None, Some(15), Why::TimedOut), "{script}");
    }
}

#[test]
fn one_that_is_told_to_stop_may_say_goodbye() {
    let script = "trap 'echo bye; exit 7' TERM; echo ready; sleep 1000 & wait";
    // A signal between fork and exec of the sleep is lost in the shell's handler: then it takes the grace.
    let done = run(sh(script), &Limits { grace: Duration::from_secs(2), ..patient() }, 1);
    assert_eq!((done.exit_code, done.why), (Some(7), Why::Cancelled));
    assert_eq!(done.stdout.bytes, b"ready\nbye\n");
}

const DEAF: &str = "trap '' TERM; echo ready; while :; do sleep 1000; done";

#[test]
fn one_that_does_not_listen_is_killed() {
    let done = run(sh(DEAF), &Limits { grace: BRIEF, ..patient() }, 1);
    assert_eq!((done.signal, done.why), (Some(9), Why::Cancelled));
}

#[test]
fn the_second_request_kills_at_once() {
    let done = run(sh(DEAF), &patient(), 2);
    assert_eq!((done.signal, done.why), (Some(9), Why::Cancelled));
}

#[test]
fn one_that_stands_still_hears_the_signal() {
    let command = sh("echo ready; kill -STOP $$; sleep 1000");
    let (mark, stop) = (command.mark.clone(), Stop::new());
    let limits = Limits { grace: Duration::from_secs(30), ..patient() };
    let done = in_runtime(async {
        let running = start(command).unwrap();
        let pid = running.identity().pid;
        let stopper = async {
            while state(pid) != Some('T') {
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        tokio::join!(running.wait(&limits, &stop, |_| ()), stopper).0
    });
    assert_eq!((done.signal, done.why), (Some(15), Why::Cancelled));
    assert_eq!(marked(&mark), [0; 0]);
}

/// A script whose grandchild has left the group before the script goes on.
fn with_stray(folder: &Path, stray: &str, rest: &str) -> Command {
    let script = format!("mkfifo f; setsid sh -c '{stray}' & read line < f; {rest}");
    Command { directory: folder.to_owned(), ..sh(&script) }
}

#[test]
fn nothing_outlives_an_answer() {
    let folder = || tempfile::tempdir().unwrap();
    let folders = [folder(), folder(), folder()];
    let limits = Limits { grace: Duration::from_millis(300), ..patient() };
    for command in [
        // Holds the pipes.
        sh("sleep 1000 & echo out"),
        // Holds nothing.
        sh("sleep 1000 >/dev/null 2>&1 & echo out"),
        sh("(trap '' TERM; sleep 1000 >/dev/null 2>&1) & echo out"),
        // In a session of their own.
        with_stray(folders[0].path(), "echo > f; exec sleep 1000", "echo out"),
        with_stray(folders[1].path(), "echo > f; exec sleep 1000 >/dev/null 2>&1", "echo out"),
        with_stray(folders[2].path(), "trap \"\" TERM; echo > f; sleep 1000 >/dev/null 2>&1", "echo out"),
    ] {
        let script = command.args[1].clone();
        let done = run(command, &limits, 0);
        let ended = (done.exit_code, done.why, &*done.stdout.bytes);
        assert_eq!(ended, (Some(0), Why::Exited, &b"out\n"[..]), "{}", script.display());
    }
}

#[test]
fn strays_end_with_a_child_that_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let command = with_stray(folder.path(), "echo > f; exec sleep 1000", "echo ready; exec sleep 1000");
    let done = run(command, &patient(), 1);
    assert_eq!((done.signal, done.why), (Some(15), Why::Cancelled));
}

/// Nothing tells that this one belongs to the child, so it lives; but nobody waits for it.
#[test]
fn one_that_escaped_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let stray = "exec env -i sh -c \"echo \\$\\$; echo > f; exec sleep 1000\"";
    let done = run(with_stray(folder.path(), stray, "exit 4"), &patient(), 0);
    assert_eq!((done.exit_code, done.why), (Some(4), Why::Exited));
    let escaped = String::from_utf8(done.stdout.bytes).unwrap().trim().parse::<u32>().unwrap();
    assert!(state(escaped).is_some());
    kill(escaped);
}

pub(super) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_dropped_child_takes_its_group_along() {
    let command = sh("trap '' TERM; sleep 1000 & echo ready; wait");
    let (mark, stop) = (command.mark.clone(), Stop::new());
    in_runtime(async {
        let (ready, limits) = (conclave_retry::CancelToken::new(), patient());
        let running = start(command).unwrap();
        tokio::select! {
            _ = running.wait(&limits, &stop, |_| ready.cancel()) => panic!("it has not ended"),
            () = ready.cancelled() => {}
        }
        until("the group has ended", || marked(&mark).is_empty());
        // Never waited for.
        let command = sh("sleep 1000");
        let mark = command.mark.clone();
        drop(start(command).unwrap());
        until("the group has ended", || marked(&mark).is_empty());
    });
}

fn launched(launcher: &[&str], script: &str) -> Command {
    Command { launcher: launcher.iter().map(OsString::from).collect(), ..sh(script) }
}

/// Before the launcher has left our session a Ctrl-C reaches it, and the program has not begun.
#[test]
fn a_launcher_that_the_terminal_ended_was_cancelled() {
    let interrupt = ["sh", "-c", "kill -INT $$"];
    let done = run(launched(&interrupt, "echo out"), &patient(), 0);
    assert_eq!((done.signal, done.why), (Some(2), Why::Cancelled));
    let done = run(launched(&[&["setsid"][..], &interrupt].concat(), "echo out"), &patient(), 0);
    assert_eq!((done.signal, done.why), (Some(2), Why::Exited));
}

/// There is no group yet, and ours goes on.
#[test]
fn a_launcher_that_has_made_no_group_is_ended_too() {
    let limits = Limits { timeout: BRIEF, grace: BRIEF, ..patient() };
    let done = run(launched(&["sh", "-c", "exec sleep 1000"], ""), &limits, 0);
    assert_eq!((done.signal, done.why), (Some(15), Why::TimedOut));
    let done = run(launched(&["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"], ""), &limits, 0);
    assert_eq!((done.signal, done.why), (Some(9), Why::TimedOut));
    let command = launched(&["sh", "-c", "exec sleep 1000"], "");
    let mark = command.mark.clone();
    in_runtime(async {
        drop(start(command).unwrap());
        until("it has ended", || marked(&mark).is_empty());
    });
}
