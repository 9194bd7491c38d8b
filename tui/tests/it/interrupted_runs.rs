//! Runs that are ended by signals, and what goes on afterwards.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::asking::{agent, answers, plan, planner};
use crate::scratch::{Done, Scratch};

/// Ignores what asks it to end, and has a child that would outlive it.
pub(crate) const STUBBORN: &str = "trap '' TERM; (sleep 600 & echo $! > child.new; mv child.new child; wait)";

fn start(scratch: &Scratch) -> Child {
    let mut command = scratch.command();
    command.args(["run", "S-1", "--stage", "plan"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the file is there, and gives what stands in it.
pub(crate) fn when_there(scratch: &Scratch, name: &str) -> String {
    let file = scratch.project().join(name);
    loop {
        if let Ok(text) = std::fs::read_to_string(&file) {
            return text.trim().to_owned();
        }
        std::thread::yield_now();
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// Whether the process is gone, or is only waited for by nobody.
pub(crate) fn is_gone(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(_) => test_kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap()).is_err(),
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])),
    }
}

#[test]
fn signals_end_the_agents_and_leave_the_run_to_be_resumed() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        let scratch = Scratch::configured(&(planner("quick") + &agent("slow", STUBBORN, "")));
        let child = start(&scratch);
        let grandchild = when_there(&scratch, "child");
        send(&child, signal);
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains("error: interrupted: run 1 is not finished"), "{said}");
        assert!(said.contains("hint: conclave resume 1"), "{said}");
        assert!(is_gone(&grandchild), "a process of the agent still runs");
        assert_eq!(scratch.json(&["runs", "list"])[0]["status"], "running");
        let needs = scratch.json(&["status"])["attention"].clone();
        assert!(
            needs.as_array().unwrap().iter().any(|need| need["kind"] == "run" && need["name"] == "1"),
            "{needs}"
        );
        assert_eq!(scratch.json(&["runs", "delete", "1"])["deleted"], 1);
    }
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let scratch = Scratch::configured(&agent("slow", STUBBORN, ""));
    let child = start(&scratch);
    let grandchild = when_there(&scratch, "child");
    send(&child, Signal::INT);
    send(&child, Signal::INT);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert!(is_gone(&grandchild));
}

/// Answers at once when it may, else waits for good; counts how often it is asked.
fn waits_for_leave(name: &str) -> String {
    let script = format!(
        "echo {name} >> asked; test -e leave || {{ echo $$ > {name}.new; mv {name}.new {name}.waits; exec sleep 600; }}; {}",
        answers(&plan(""))
    );
    agent(name, &script, "")
}

#[test]
fn what_was_killed_goes_on_and_answers_are_not_asked_for_again() {
    let quick = agent("quick", &format!("echo quick >> asked; {}; touch answered", answers(&plan(""))), "");
    let scratch = Scratch::configured(&(quick + &waits_for_leave("slow")));
    let child = start(&scratch);
    let left_over = when_there(&scratch, "slow.waits");
    let answered = || scratch.json(&["runs", "show", "1"])["outputs"].as_array().unwrap().len() == 1;
    while !answered() {
        std::thread::yield_now();
    }
    send(&child, Signal::KILL);
    child.wait_with_output().unwrap();
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = scratch.run(&["resume"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.text().starts_with("ok  S-1 plan (run 1)"), "{}", done.text());
    assert!(is_gone(&left_over), "what the killed one left is ended first");
    let asked = std::fs::read_to_string(scratch.project().join("asked")).unwrap();
    assert_eq!(asked.lines().filter(|name| *name == "quick").count(), 1, "{asked}");
    let run = scratch.json(&["runs", "show", "1"]);
    assert_eq!((&run["status"], run["outputs"].as_array().unwrap().len()), (&json!("ok"), 2));
    let again = scratch.json(&["resume"]);
    assert_eq!(again, json!({ "runs": [], "pipelines": [] }), "nothing is left to do");
}

#[test]
fn one_run_is_resumed_by_its_number() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    let child = start(&scratch);
    when_there(&scratch, "a.waits");
    let refused = scratch.run(&["resume", "1"]);
    assert!(refused.refused(1).contains("driven by process"), "{}", refused.stderr);
    let passed = scratch.run(&["resume"]);
    assert_eq!(passed.code, Some(0), "{}", passed.stderr);
    assert!(passed.stderr.contains("run 1 is being driven by another process"), "{}", passed.stderr);
    send(&child, Signal::INT);
    child.wait_with_output().unwrap();
    scratch.run(&["resume", "99"]).refused(1);
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = Done::of(scratch.command().args(["resume", "1", "--json"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((&document["runs"][0]["id"], &document["runs"][0]["status"]), (&json!(1), &json!("ok")));
}

#[test]
fn with_nothing_unfinished_there_is_nothing_to_resume() {
    let scratch = Scratch::new();
    assert!(scratch.ok(&["resume"]).contains("nothing is unfinished"));
    assert!(!scratch.database().exists(), "nothing is made");
    scratch.ok(&["init"]);
    assert_eq!(scratch.json(&["resume"]), json!({ "runs": [], "pipelines": [] }));
}

#[test]
fn a_stage_ends_with_its_time() {
    let scratch = Scratch::configured(&(planner("quick") + &agent("slow", STUBBORN, "")));
    let done = scratch.run(&["run", "S-1", "--stage", "plan", "--timeout", "2s"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().starts_with("insufficient"), "{}", done.text());
    assert!(is_gone(&when_there(&scratch, "child")));
}

#[test]
fn a_spec_goes_on_where_it_was_interrupted() {
    let scratch = Scratch::configured(&(waits_for_leave("a") + &waits_for_leave("b")));
    let words = ["auto", "S-1", "--from", "unlock"];
    let start =
        || scratch.command().args(words).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let child = start();
    when_there(&scratch, "a.waits");
    send(&child, Signal::INT);
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("hint: conclave auto S-1"), "{said}");
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = scratch.run(&["resume"]);
    // The scripts answer no unlock decision, so that the verdict is degraded.
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(
        done.text().contains("S-1 is through all stages") && done.text().contains("degraded"),
        "{}",
        done.text()
    );
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 1, "the same run");
}

/// Nobody resumes it: its folder goes with the run.
#[test]
fn a_run_that_is_deleted_takes_the_folders_of_cut_off_attempts_along() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    let child = start(&scratch);
    let left_over = when_there(&scratch, "a.waits");
    send(&child, Signal::KILL);
    child.wait_with_output().unwrap();
    kill_process(Pid::from_raw(left_over.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    let left = || std::fs::read_dir(scratch.path("tmp")).unwrap().count();
    assert_eq!(left(), 1);
    scratch.ok(&["runs", "delete", "1"]);
    assert_eq!(left(), 0);
}
