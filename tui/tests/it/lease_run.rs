//! `conclave lease run`: real commands, real signals.

use std::process::{Child, Stdio};

use conclave_db::foreign::Client;
use conclave_testkit::skipped;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::interrupted_runs::{is_gone, is_ignored};
use crate::lease::{acquired, refused, value};
use crate::patience::{output_of, until, when_there};
use crate::scratch::{Done, Scratch};
use crate::terminal::Session;

fn start(scratch: &Scratch, words: &[&str], script: &str) -> Child {
    let mut command = scratch.command();
    command.args(["lease", "run", "--lock-name", "L"]).args(words).args(["--", "sh", "-c", script]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(scratch: &Scratch, words: &[&str], script: &str) -> Done {
    let all = [&["lease", "run", "--lock-name", "L"], words, &["--", "sh", "-c", script]].concat();
    scratch.run(&all)
}

fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

fn status(scratch: &Scratch) -> Value {
    serde_json::from_str(&scratch.ok(&["lease", "status", "--lock-name", "L"])).unwrap()
}

/// A script that says who it is, and stays.
const STAY: &str = "echo $$ > pid.new; mv pid.new pid; exec sleep 600";

#[test]
fn the_command_has_the_lease_and_its_own_exit_code() {
    let scratch = Scratch::new();
    let done = run(&scratch, &[], "cat; env | grep ^CONCLAVE_ | sort; echo said >&2; exit 7");
    assert_eq!((done.code, done.text()), (Some(7), "CONCLAVE_FENCE=1\nCONCLAVE_LOCK_NAME=L\n"));
    assert!(done.stderr.ends_with("said\n"), "{}", done.stderr);
    assert_eq!(run(&scratch, &[], "kill -9 $$").code, Some(137));
    let several = run(&scratch, &["--lock-name", "M"], "echo \"$CONCLAVE_LOCK_NAME $CONCLAVE_FENCE\"");
    assert_eq!(several.text(), "L\nM 3\n1\n");
    // Given back each time, and after a command that does not start.
    for (program, code) in [("/no/such/program", 127), ("/", 126)] {
        let done = scratch.run(&["lease", "run", "--lock-name", "L", "--", program]);
        assert_eq!((done.code, done.text()), (Some(code), ""));
        assert!(done.stderr.contains("could not be started"), "{}", done.stderr);
    }
    assert_eq!(status(&scratch), json!({ "exists": false }));
    assert_eq!(scratch.json(&["lease", "list"]), json!([]));
}

#[test]
fn what_another_holds_starts_nothing() {
    let scratch = Scratch::new();
    acquired(&scratch, "L", &["--holder", "ada"]);
    let done = run(&scratch, &[], "touch begun");
    assert_eq!((done.text(), done.refused(1)), ("", "error: L is held by ada"));
    assert_eq!(run(&scratch, &["--conflict-exit-code", "75"], "touch begun").code, Some(75));
    let over = run(&scratch, &["--wait", "50ms", "--conflict-exit-code", "75"], "touch begun");
    assert_eq!(over.text(), "");
    over.refused(4);
    let told = run(&scratch, &["--json"], "touch begun");
    let object: Value = serde_json::from_str(told.text()).unwrap();
    assert_eq!((&object["reason"], &object["held_by"]), (&json!("lock_held"), &json!("ada")));
    assert!(!scratch.project().join("begun").exists());
}

#[test]
fn of_many_one_runs_at_a_time() {
    let scratch = Scratch::new();
    let counter = scratch.project().join("n");
    std::fs::write(&counter, "0").unwrap();
    let bump = "n=$(cat n); echo $((n + 1)) > n";
    let all: Vec<Child> = (0..16).map(|_| start(&scratch, &["--wait", "1m"], bump)).collect();
    for child in all {
        let ended = output_of(child);
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(std::fs::read_to_string(counter).unwrap().trim(), "16");
}

#[test]
fn the_lease_lives_as_long_as_the_command() {
    let scratch = Scratch::new();
    let child = start(&scratch, &["--ttl-sec", "1"], STAY);
    let pid = when_there(&scratch, "pid");
    let first = status(&scratch)["acquired_utc_ms"].as_i64().unwrap();
    // Beyond its first end, and the one after.
    until("it is renewed", || {
        let now = status(&scratch);
        assert_eq!((&now["expired"], &now["fence"]), (&json!(false), &json!(1)), "{now}");
        now["expires_utc_ms"].as_i64().unwrap() > first + 2500
    });
    send(pid.parse().unwrap(), Signal::TERM);
    assert_eq!(output_of(child).status.code(), Some(143));
    assert_eq!(status(&scratch), json!({ "exists": false }));
}

#[test]
fn signals_reach_the_command_and_the_lease_is_given_back() {
    let script = "for s in INT TERM HUP; do trap \"echo got $s; exit 9\" $s; done; touch ready; \
                  while :; do sleep 0.05; done";
    for (name, signal) in [("INT", Signal::INT), ("TERM", Signal::TERM), ("HUP", Signal::HUP)] {
        if is_ignored(signal) {
            continue;
        }
        let scratch = Scratch::new();
        let child = start(&scratch, &[], script);
        until("it is ready", || scratch.project().join("ready").exists());
        send(child.id(), signal);
        let ended = output_of(child);
        assert_eq!(String::from_utf8_lossy(&ended.stdout), format!("got {name}\n"));
        assert_eq!(ended.status.code(), Some(9));
        assert_eq!(status(&scratch), json!({ "exists": false }));
    }
}

#[test]
fn a_signal_ends_the_wait() {
    let scratch = Scratch::new();
    acquired(&scratch, "L", &[]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let child = start(&scratch, &["--wait", "10m"], "touch begun");
        let waits = || status(&scratch)["waiters"].as_array().is_some_and(|all| !all.is_empty());
        until("it waits", waits);
        send(child.id(), signal);
        assert_eq!(output_of(child).status.code(), Some(code));
        assert!(!waits(), "its place is still there");
    }
    assert!(!scratch.project().join("begun").exists());
}

// B16
#[test]
fn a_killed_one_takes_its_command_with_it_and_holds_until_its_time_is_over() {
    let scratch = Scratch::new();
    let mut child = start(&scratch, &["--ttl-sec", "3"], STAY);
    let pid = when_there(&scratch, "pid");
    child.kill().unwrap();
    child.wait().unwrap();
    until("the command is gone", || is_gone(&pid));
    let held = status(&scratch);
    assert_eq!((&held["exists"], &held["fence"]), (&json!(true), &json!(1)));
    assert_eq!(value(&acquired(&scratch, "L", &["--wait", "1m"]), "fence"), "2");
    let acquired_at = status(&scratch)["acquired_utc_ms"].as_i64().unwrap();
    assert!(acquired_at >= held["expires_utc_ms"].as_i64().unwrap() - 50, "{held}: {acquired_at}");
}

// B14
#[test]
fn one_that_was_stopped_past_its_time_ends_its_command() {
    let scratch = Scratch::new();
    let child = start(&scratch, &["--ttl-sec", "1"], STAY);
    let pid = when_there(&scratch, "pid");
    send(child.id(), Signal::STOP);
    let line = acquired(&scratch, "L", &["--wait", "1m"]);
    assert_eq!(value(&line, "fence"), "2");
    refused(&scratch.run(&["lease", "guard", "--lock-name", "L", "--fence", "1"]), 1, "stale_fence");
    assert!(!is_gone(&pid), "nobody ended the command yet");
    send(child.id(), Signal::CONT);
    let ended = output_of(child);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(1), &b""[..]), "{said}");
    assert!(said.contains("error: the lease of L is lost: ") && is_gone(&pid), "{said}");
    // The next holder has it still.
    scratch.ok(&["lease", "guard", "--lock-name", "L", "--fence", "2"]);
}

/// A command that does not listen is killed.
#[test]
fn a_command_that_does_not_end_is_killed_when_the_lease_is_lost() {
    let scratch = Scratch::new();
    let script = "trap '' TERM; echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.1; done";
    let child = start(&scratch, &["--ttl-sec", "1"], script);
    let pid = when_there(&scratch, "pid");
    send(child.id(), Signal::STOP);
    acquired(&scratch, "L", &["--wait", "1m"]);
    send(child.id(), Signal::CONT);
    assert_eq!(output_of(child).status.code(), Some(1));
    assert!(is_gone(&pid));
}

/// The terminal's Ctrl-C goes to all of its foreground group: the command gets it once.
#[test]
fn ctrl_c_reaches_the_command_once() {
    let scratch = Scratch::new();
    let script = "trap 'echo one >> got' INT; touch ready; \
                  while [ ! -e done ]; do sleep 0.05; done; exit 5";
    if Done::of(&mut scratch.shell("setsid --version")).code != Some(0) {
        skipped("no setsid here");
        return;
    }
    // In a session that the terminal belongs to: else it has nobody to send a signal to.
    let mut shell = scratch.shell("exec setsid --ctty --wait \"$0\" \"$@\"");
    shell.arg(env!("CARGO_BIN_EXE_conclave"));
    let mut session = Session::with(shell, &["lease", "run", "--lock-name", "L", "--", "sh", "-c", script]);
    until("it is ready", || scratch.project().join("ready").exists());
    session.keys("\u{3}");
    until("it is interrupted", || scratch.project().join("got").exists());
    std::fs::write(scratch.project().join("done"), "").unwrap();
    let (code, text) = session.said();
    assert_eq!(code, Some(5), "{text}");
    assert_eq!(std::fs::read_to_string(scratch.project().join("got")).unwrap(), "one\n");
    assert_eq!(status(&scratch), json!({ "exists": false }));
}

#[test]
fn of_several_names_none_may_be_lost() {
    let scratch = Scratch::new();
    let child = start(&scratch, &["--lock-name", "M", "--ttl-sec", "3"], STAY);
    when_there(&scratch, "pid");
    // As who breaks it does.
    let client = Client::open(&scratch.database()).unwrap();
    client.run("DELETE FROM lease_holders WHERE name = 'L'").unwrap();
    let ended = output_of(child);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("the lease of L, M is lost: nobody holds L"), "{said}");
}

#[test]
fn who_waits_at_a_terminal_is_told_for_whom() {
    let scratch = Scratch::new();
    acquired(&scratch, "L", &["--holder", "ada"]);
    let mut waits =
        Session::start(&scratch, &["lease", "run", "--lock-name", "L", "--wait", "1", "--", "true"]);
    waits.until("waiting for L, held by ada for another ");
    let (code, said) = waits.said();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("L was not to be had within 1 s: it is held by ada"), "{said}");
}
