//! What may befall agents: their supervisor is killed, their caller is an odd one, their id is given away again.

use std::process::Stdio;

use conclave_db::process::Signal;
use serde_json::json;

use crate::agents::{Fleet, kill, runs};
use crate::patience::{ended, until, when_there};

const PROGRAM: &str = env!("CARGO_BIN_EXE_conclave");

/// A line each moment, until told to end.
const WRITES: &str = "while [ ! -e over ]; do echo line; sleep 0.01; done; echo > said.new; mv said.new said";

fn length(fleet: &Fleet, id: &str) -> u64 {
    let log = fleet.scratch.project().join(format!(".conclave/agents/{id}.log"));
    std::fs::metadata(log).map_or(0, |log| log.len())
}

#[test]
fn a_killed_supervisor_costs_an_agent_that_writes_nothing() {
    let fleet = Fleet::new();
    let said = fleet.spawn(&["--spec", "a"], WRITES);
    for pid in fleet.supervisors() {
        kill(pid, Signal::KILL);
    }
    until("nobody waits", || fleet.supervisors().is_empty());
    let before = length(&fleet, "a");
    until("it goes on writing", || length(&fleet, "a") > before + 20);
    assert!(runs(&said["pid"]));
    assert_eq!(fleet.agent("a")["life"], "unsupervised");
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: stopped\n");
}

#[test]
fn what_an_agent_leaves_behind_goes_on_writing() {
    let fleet = Fleet::new();
    fleet.spawn(&["--spec", "a"], &format!("({WRITES}) & exit 0"));
    until("its end", || fleet.agent("a")["exit_status"] == json!(0));
    until("no supervisor is left", || fleet.supervisors().is_empty());
    let before = length(&fleet, "a");
    until("it goes on writing", || length(&fleet, "a") > before + 20);
    std::fs::write(fleet.scratch.project().join("over"), "").unwrap();
    when_there(&fleet.scratch, "said");
}

#[test]
fn a_caller_that_ignores_its_children_changes_no_exit_code() {
    let fleet = Fleet::new();
    let ignores = "env --ignore-signal=CHLD";
    if !fleet.scratch.shell(&format!("{ignores} true")).output().unwrap().status.success() {
        conclave_testkit::skipped("no env(1) that ignores signals");
        return;
    }
    let line = |rest: &str| format!("exec {ignores} {PROGRAM} {rest}");
    let started = fleet.scratch.shell(&line("start lead --no-port -- sh -c 'exit 3'")).output().unwrap();
    assert_eq!(started.status.code(), Some(3), "{}", String::from_utf8_lossy(&started.stderr));
    assert_eq!(fleet.agent("lead")["exit_status"], 3);
    let spawned = fleet.scratch.shell(&line("spawn --spec a --no-port -- sh -c 'exit 4'")).output().unwrap();
    assert!(spawned.status.success());
    until("its end", || fleet.agent("a")["exit_status"] == json!(4));
}

#[test]
fn nothing_that_the_caller_had_open_stays_open() {
    let fleet = Fleet::new();
    // The shell waits for the end of a pipe that the agent would hold.
    let script = format!(
        "mkfifo held; (cat held; echo ended) & exec 9> held; {PROGRAM} spawn --spec a --no-port -- sleep 1000 > said; exec 9>&-; wait"
    );
    let mut shell = fleet.scratch.shell(&script).stdout(Stdio::piped()).spawn().unwrap();
    let status = ended(&mut shell);
    assert!(status.success());
    assert_eq!(fleet.agent("a")["life"], "running");
}

#[test]
fn a_failure_of_the_supervisor_keeps_its_kind_and_its_exit_code() {
    let fleet = Fleet::new();
    fleet.scratch.ok(&["init"]);
    std::fs::write(fleet.scratch.project().join(".conclave/agents"), "").unwrap();
    let failed = fleet.scratch.run(&["spawn", "--spec", "a", "--", "sleep", "1000"]);
    assert!(failed.refused(3).contains("is no folder"), "{}", failed.stderr);
    assert_eq!(fleet.agents(), Vec::<serde_json::Value>::new());
}

#[test]
fn an_agent_is_told_of_no_repository_of_its_caller() {
    let fleet = Fleet::new();
    let script = format!(
        "GIT_DIR=/nowhere GIT_INDEX_FILE=x GIT_EDITOR=ed {PROGRAM} spawn --spec a --no-port -- sh -c 'env > env.new; mv env.new env'"
    );
    assert!(fleet.scratch.shell(&script).output().unwrap().status.success());
    let env = when_there(&fleet.scratch, "env");
    assert!(
        !env.contains("GIT_DIR") && !env.contains("GIT_INDEX_FILE") && env.contains("GIT_EDITOR=ed"),
        "{env}"
    );
}

#[test]
fn a_broken_file_of_the_original_keeps_nobody_from_ending_an_agent() {
    let fleet = Fleet::new();
    for id in ["a", "b"] {
        fleet.spawn(&["--spec", id], "exec sleep 1000");
    }
    std::fs::write(fleet.scratch.project().join(".conclave/state.json"), "[").unwrap();
    let refused = fleet.scratch.run(&["spawn", "--shell"]);
    refused.refused(2);
    assert_eq!(fleet.scratch.ok(&["stop", "a"]), "a: stopped\n");
    fleet.scratch.ok(&["agents", "set", "b", "--phase", "x"]);
    assert_eq!(fleet.scratch.ok(&["stop", "--all"]), "b: stopped\n");
}

#[test]
fn a_cleanup_never_removes_a_later_agent_of_the_same_id() {
    let fleet = Fleet::new();
    fleet.spawn(&["--spec", "x"], "exec sleep 1000");
    let script = format!(
        "{PROGRAM} cleanup x > cleaned 2>&1 & until {PROGRAM} spawn --spec x --no-port -- sleep 1000 2> refused; do :; done; wait"
    );
    let mut shell = fleet.scratch.shell(&script).stdout(Stdio::null()).spawn().unwrap();
    assert!(ended(&mut shell).success());
    assert_eq!(fleet.agent("x")["life"], "running", "{:?}", fleet.agents());
}
