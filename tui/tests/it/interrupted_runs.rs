//! Runs that are ended by signals, and what goes on afterwards.

use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use crate::asking::{agent, answers, plan, planner};
use crate::patience::{output_of, until, when_there};
use crate::scratch::{Done, Scratch};

/// Ignores what asks it to end, and has a child that would outlive it.
pub(crate) const STUBBORN: &str = "trap '' TERM; (sleep 600 & echo $! > child.new; mv child.new child; wait)";

fn start(scratch: &Scratch) -> Child {
    let mut command = scratch.command();
    command.args(["run", "S-1", "--stage", "plan"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
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

/// Whether this process was started with the signal ignored, and so everything that it starts.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
    mask >> (signal.as_raw() - 1) & 1 == 1
}

#[test]
fn signals_end_the_agents_and_leave_the_run_to_be_resumed() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        // `nohup` is meant.
        if signal == Signal::HUP && is_ignored(signal) {
            continue;
        }
        let scratch = Scratch::configured(&(planner("quick") + &agent("slow", STUBBORN, "")));
        let child = start(&scratch);
        let grandchild = when_there(&scratch, "child");
        send(&child, signal);
        let ended = output_of(child);
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
    let ended = output_of(child);
    assert_eq!(ended.status.code(), Some(130));
    assert!(is_gone(&grandchild));
}

/// Answers at once when it may, else waits for good; counts how often it is asked.
pub(crate) fn waits_for_leave(name: &str) -> String {
    let script = format!(
        "echo {name} >> asked; test -e leave || {{ echo $$ > {name}.new; mv {name}.new {name}.waits; exec sleep 600; }}; {}",
        answers(&plan(r#""unlock_decision":"UNLOCK""#))
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
    until("an answer", answered);
    assert_eq!(scratch.json(&["runs", "list"])[0]["interrupted"], false);
    send(&child, Signal::KILL);
    output_of(child);
    let listed = scratch.json(&["runs", "list"])[0].clone();
    assert_eq!((&listed["status"], &listed["interrupted"]), (&json!("running"), &json!(true)));
    for words in [&["runs", "list"][..], &["runs", "show", "1"]] {
        assert!(scratch.ok(words).contains(" interrupted"), "{}", scratch.ok(words));
    }
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
    output_of(child);
    scratch.run(&["resume", "99"]).refused(1);
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = Done::of(scratch.command().args(["resume", "1", "--json"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!((&document["runs"][0]["id"], &document["runs"][0]["status"]), (&json!(1), &json!("ok")));
}

#[test]
fn of_several_one_can_be_resumed_and_the_worst_outcome_counts() {
    let bad = "test -e leave || { echo $$ > b.new; mv b.new b.waits; exec sleep 600; }; exit 3";
    let agents = waits_for_leave("a") + &agent("b", bad, "retries = 0") + &waits_for_leave("c");
    let scratch = Scratch::configured(&agents);
    for (spec, agent) in [("S-1", "a"), ("S-2", "b"), ("S-3", "c")] {
        let mut command = scratch.command();
        command.args(["run", spec, "--stage", "plan", "--agents", agent]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        when_there(&scratch, &format!("{agent}.waits"));
        send(&child, Signal::INT);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    }
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let status = |run: &str| scratch.json(&["runs", "show", run])["status"].clone();
    assert_eq!(scratch.run(&["resume", "1"]).code, Some(0));
    assert_eq!([status("1"), status("2"), status("3")], ["ok", "running", "running"], "the one alone");
    let done = scratch.run(&["resume"]);
    assert_eq!(done.code, Some(1), "{}\n{}", done.text(), done.stderr);
    assert_eq!([status("2"), status("3")], ["insufficient", "ok"], "{}", done.stderr);
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
fn a_known_key_goes_on_with_what_it_was_begun_with_and_says_so() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    let words = ["run", "S-1", "--stage", "plan", "--run-key", "K"];
    let mut command = scratch.command();
    let child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    when_there(&scratch, "a.waits");
    send(&child, Signal::INT);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    std::fs::write(scratch.project().join("other.md"), "Something else").unwrap();
    let done = scratch.run(&[&words[..], &["--prompt", "other.md"]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let said = "run 1 goes on with what it was begun with; not taken: prompt\n";
    assert!(done.stderr.contains(said), "{}", done.stderr);
}

#[test]
fn a_closed_run_that_is_to_be_resumed_is_named_as_that() {
    let scratch = Scratch::configured(&planner("a"));
    scratch.ok(&["run", "S-1", "--stage", "plan"]);
    assert_eq!(scratch.ok(&["resume", "1"]), "run 1 is closed (ok): there is nothing to go on with\n");
    assert_eq!(scratch.ok(&["resume"]), "nothing is unfinished\n");
    assert_eq!(scratch.json(&["resume", "1"]), json!({ "runs": [], "pipelines": [] }));
    let scratch = Scratch::with_runs();
    assert!(scratch.ok(&["resume", "1"]).starts_with("run 1 was not begun by Conclave"));
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
    let ended = output_of(child);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("hint: conclave auto S-1"), "{said}");
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = scratch.run(&["resume"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(
        done.text().contains("S-1 is through all stages") && done.text().contains("ok"),
        "{}",
        done.text()
    );
    assert!(!done.text().contains("(run 1)"), "its run is a step, and is told once: {}", done.text());
    assert_eq!(scratch.json(&["runs", "list"]).as_array().unwrap().len(), 1, "the same run");
}

/// Ends `auto` at its first step, with the spec's name at the end of the words.
pub(crate) fn left_at_unlock(scratch: &Scratch, spec: &str) {
    let child = scratch
        .command()
        .args(["auto", spec, "--from", "unlock"])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    when_there(scratch, "a.waits");
    send(&child, Signal::INT);
    assert_eq!(output_of(child).status.code(), Some(130));
    std::fs::remove_file(scratch.project().join("a.waits")).unwrap();
}

#[test]
fn a_way_through_the_stages_needs_someone_once_and_goes_on_with_its_step() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    left_at_unlock(&scratch, "S-1");
    let needs = scratch.json(&["status"])["attention"].clone();
    assert_eq!(needs.as_array().unwrap().len(), 1, "{needs}");
    assert_eq!((&needs[0]["kind"], &needs[0]["name"]), (&json!("pipeline"), &json!("S-1")));
    assert_eq!(needs[0]["advice"], "`conclave resume 1` goes on with it");
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = scratch.run(&["resume", "1", "--json"]);
    let document: Value = serde_json::from_str(done.text()).unwrap();
    assert_eq!(document["pipelines"][0]["state"], "done", "{document}\n{}", done.stderr);
    assert_eq!(scratch.json(&["status"])["attention"], json!([]));
}

#[test]
fn a_way_that_another_process_leads_or_that_cannot_be_read_keeps_no_other_from_going_on() {
    let scratch = Scratch::configured(&waits_for_leave("a"));
    for spec in ["S-1", "S-2", "S-3"] {
        left_at_unlock(&scratch, spec);
    }
    let sql = |statement: &str| conclave_db::foreign::run(&scratch.database(), statement).unwrap();
    sql("UPDATE pipelines SET owner = '{\"pid\": 77}' WHERE spec_id = 'S-1'");
    sql("UPDATE pipelines SET request = '{}' WHERE spec_id = 'S-2'");
    sql("UPDATE run_settings SET ended_at = 1, owner = NULL WHERE run_id <> 3");
    std::fs::write(scratch.project().join("leave"), "").unwrap();
    let done = scratch.run(&["resume"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    let said = &done.stderr;
    assert!(said.contains("the way of S-1 through its stages is being driven by another process"), "{said}");
    assert!(said.contains("error: ") && said.contains("pipeline 2"), "{said}");
    assert!(done.text().contains("S-3 is through all stages"), "{}", done.text());
}

#[test]
fn a_run_is_closed_from_another_terminal() {
    let scratch = Scratch::configured(&(planner("quick") + &waits_for_leave("slow")));
    let child = start(&scratch);
    when_there(&scratch, "slow.waits");
    let answered = || scratch.json(&["runs", "show", "1"])["outputs"].as_array().unwrap().len() == 1;
    until("an answer", answered);
    let asked = scratch.json(&["runs", "cancel", "1"]);
    assert_eq!((&asked["run"], &asked["asked"]), (&json!(1), &json!(child.id())));
    let ended = output_of(child);
    assert_eq!(ended.status.code(), Some(1), "{}", String::from_utf8_lossy(&ended.stderr));
    let run = scratch.json(&["runs", "show", "1"]);
    assert_eq!((&run["status"], run["outputs"].as_array().unwrap().len()), (&json!("insufficient"), 1));
    let again = scratch.run(&["runs", "cancel", "1"]);
    assert!(again.refused(1).contains("run 1 was closed already"), "{}", again.stderr);
    scratch.run(&["runs", "cancel", "99"]).refused(1);
    assert_eq!(scratch.run(&["--read-only", "runs", "cancel", "1"]).code, Some(2));
    // One that nobody drives is closed at once.
    let left = start(&scratch);
    when_there(&scratch, "slow.waits");
    until("the second run", || scratch.json(&["runs", "list"]).as_array().unwrap().len() == 2);
    send(&left, Signal::INT);
    output_of(left);
    let said = scratch.ok(&["runs", "cancel", "2"]);
    assert!(said.starts_with("run 2 is closed: insufficient, "), "{said}");
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
