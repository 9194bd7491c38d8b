//! `[spool] transcripts = true`: what the agents of a run print, as events.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::asking::{agent, answers, plan, planner};
use crate::patience::{ended, output_of, when_there};
use crate::scratch::{Done, Scratch};

const RUN: [&str; 4] = ["run", "S-1", "--stage", "plan"];

/// A project whose runs are spooled, with these agents.
fn spooled(agents: &str) -> Scratch {
    let scratch = Scratch::spooling("transcripts = true\n");
    scratch.configure(agents);
    scratch
}

/// The events of agents, in the order of their ids, after a flush; with their attributes.
#[track_caller]
fn events(scratch: &Scratch) -> Vec<(Value, Value)> {
    scratch.ok(&["spool", "flush"]);
    let ledger = scratch.ledger();
    let sql = "SELECT * FROM events WHERE monitor = 'agent' ORDER BY id";
    let rows = scratch.json(&["db", "query", sql]);
    let rows = rows.as_array().unwrap();
    assert_eq!(ledger["imported"].as_u64(), Some(rows.len() as u64), "each is imported once: {ledger}");
    assert_eq!(ledger["quarantined"], 0, "{ledger}");
    let attributes = |row: &Value| serde_json::from_str(row["attrs_json"].as_str().unwrap()).unwrap();
    rows.iter().map(|row| (row.clone(), attributes(row))).collect()
}

/// What one agent wrote to one stream.
fn text(events: &[(Value, Value)], agent: &str, stream: &str) -> String {
    let own = events.iter().filter(|(_, about)| about["agent"] == agent && about["stream"] == stream);
    own.map(|(_, about)| about["text"].as_str().unwrap()).collect()
}

/// What `seq 1 LAST` prints.
fn numbers(last: u32) -> String {
    (1..=last).fold(String::new(), |text, number| text + &number.to_string() + "\n")
}

#[track_caller]
fn verdict(done: &Done, code: i32) {
    assert_eq!(done.code, Some(code), "{}\n{}", done.text(), done.stderr);
}

#[test]
fn what_agents_print_becomes_events() {
    let answer = plan(r#""note":"zwölf""#);
    let script = format!("echo begin >&2; seq 1 2000 >&2; printf 'no end' >&2; {}", answers(&answer));
    let fails = agent("c", "cat > /dev/null; echo 'no such account' >&2; exit 3", "retries = 0");
    let scratch = spooled(&(agent("a", &script, "") + &planner("b") + &fails));
    let done = scratch.run(&RUN);
    verdict(&done, 1);
    assert!(!done.stderr.contains("spool"), "nothing is to be said: {}", done.stderr);
    let events = events(&scratch);
    let numbers = numbers(2000);
    assert_eq!(text(&events, "a", "stderr"), format!("begin\n{numbers}no end"));
    assert_eq!(text(&events, "a", "stdout"), answer + "\n");
    assert_eq!(text(&events, "c", "stderr"), "no such account\n");
    let mut sessions: BTreeMap<&str, Vec<(&Value, &Value)>> = BTreeMap::new();
    for (row, about) in &events {
        assert_eq!((&row["subject_type"], &about["run"]), (&"none".into(), &1.into()));
        assert_eq!((&about["spec"], &about["stage"]), (&"S-1".into(), &"plan".into()));
        assert_eq!((about["attempt"].as_u64(), row["id"].as_str().map(str::len)), (Some(1), Some(26)));
        assert!(row["ts_utc"].as_i64().unwrap() > 1_700_000_000_000, "{row}");
        sessions.entry(row["session_id"].as_str().unwrap()).or_default().push((row, about));
    }
    assert_eq!(sessions.len(), 3, "each attempt is one");
    for session in sessions.values() {
        let agents: BTreeSet<&str> =
            session.iter().map(|(_, about)| about["agent"].as_str().unwrap()).collect();
        assert_eq!(agents.len(), 1);
        let actions: Vec<&str> = session.iter().map(|(row, _)| row["action"].as_str().unwrap()).collect();
        assert_eq!((actions.first(), actions.last()), (Some(&"started"), Some(&"ended")));
        assert!(actions[1..actions.len() - 1].iter().all(|action| *action == "output"), "{actions:?}");
        let (_, last) = session.last().unwrap();
        let failed = last["agent"] == "c";
        assert_eq!(last["end"], if failed { "failed" } else { "answered" });
        assert_eq!(last["exit_code"], if failed { 3 } else { 0 });
    }
}

#[test]
fn without_the_setting_nothing_is_spooled() {
    let scratch = Scratch::configured(&planner("a"));
    verdict(&scratch.run(&RUN), 0);
    assert!(!scratch.spool().exists());
}

/// More than waits in memory: it goes out while the agent is still at it.
#[test]
fn a_long_stream_is_stored_whole() {
    let line = "x".repeat(999);
    let script = format!("cat > /dev/null; yes {line} | head -n 12000 >&2; echo '{}'", plan(""));
    let scratch = spooled(&agent("a", &script, ""));
    verdict(&scratch.run(&RUN), 0);
    assert_eq!(text(&events(&scratch), "a", "stderr").len(), 12_000_000);
}

#[test]
fn runs_at_once_do_not_keep_each_other_out() {
    let noisy = |name: &str| agent(name, &format!("seq 1 500 >&2; {}", answers(&plan(""))), "");
    let scratch = spooled(&(noisy("a") + &noisy("b")));
    scratch.ok(&["init"]);
    let start = |number: usize| {
        let mut command = scratch.command();
        command.args(["run", &format!("S-{number}"), "--stage", "plan"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<Child> = (1..=4).map(start).collect();
    for child in running {
        let output = output_of(child);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(!said.contains("not spooled"), "{said}");
    }
    let events = events(&scratch);
    let runs: BTreeSet<u64> = events.iter().map(|(_, about)| about["run"].as_u64().unwrap()).collect();
    assert_eq!(runs.len(), 4);
    let numbers = numbers(500);
    assert_eq!(text(&events, "a", "stderr"), sorted_by_run(&events, &numbers));
    assert_eq!(scratch.json(&["spool", "verify"])["findings"], serde_json::json!([]));
}

/// What all runs together wrote, in the order of the events: each wrote the same.
fn sorted_by_run(events: &[(Value, Value)], of_one: &str) -> String {
    for run in 1..=4 {
        let own: Vec<(Value, Value)> =
            events.iter().filter(|(_, about)| about["run"] == run).cloned().collect();
        assert_eq!(text(&own, "a", "stderr"), of_one, "run {run}");
    }
    text(events, "a", "stderr")
}

/// One word about it, and the verdict as ever.
#[test]
fn a_spool_that_another_process_has_does_not_harm_a_run() {
    let scratch = spooled(&planner("a"));
    scratch.ok(&["init"]);
    let mut writer = scratch.command();
    writer.args(["spool", "write", "agent", "--sync"]);
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = writer.stdin.take().unwrap();
    let event = crate::spool::event("agent", 1);
    writeln!(input, "{event}").unwrap();
    // When it is durable, the lock is held.
    let mut synced = String::new();
    let mut output = std::io::BufReader::new(writer.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut synced).unwrap();
    assert_eq!(synced, "synced=1\n");
    let done = scratch.run(&RUN);
    verdict(&done, 0);
    let notices = done.stderr.lines().filter(|line| line.contains("not spooled")).collect::<Vec<_>>();
    assert_eq!(notices.len(), 1, "{}", done.stderr);
    assert!(notices[0].contains("3 of 3 events") && notices[0].contains("another process writes to agent"));
    // The one who has the lock is in nobody's way here.
    assert_eq!(scratch.ledger()["dropped"]["busy"], 3);
    drop(input);
    ended(&mut writer);
    assert_eq!(events_without_attributes(&scratch), 1);
    assert_eq!(scratch.ledger()["dropped"]["busy"], 3);
}

/// How many there are, where some are not ours.
fn events_without_attributes(scratch: &Scratch) -> u64 {
    scratch.ok(&["spool", "flush"]);
    scratch.ledger();
    scratch.number("SELECT count(*) FROM events")
}

#[test]
fn a_full_spool_drops_and_counts() {
    let scratch = spooled(&planner("a"));
    let home = scratch.path("home/.config/conclave/config.toml");
    std::fs::write(&home, "[spool]\nkeep_free_pct = 0\nquota_mb = 1\ntranscripts = true\n").unwrap();
    scratch.ok(&["init"]);
    let kept = scratch.spool().join("_quarantine/agent");
    std::fs::create_dir_all(&kept).unwrap();
    let file = std::fs::File::create(kept.join("20250101-00.ndjson.gz")).unwrap();
    file.set_len(2 << 20).unwrap();
    let done = scratch.run(&RUN);
    verdict(&done, 0);
    assert_eq!(done.stderr.matches("3 of 3 events").count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains("conclave diag"), "{}", done.stderr);
    assert_eq!(scratch.ledger()["dropped"]["quota"], 3);
}

#[test]
fn a_broken_spool_does_not_harm_a_run() {
    let scratch = spooled(&planner("a"));
    scratch.ok(&["init"]);
    std::fs::write(scratch.spool(), "no folder").unwrap();
    let done = scratch.run(&RUN);
    verdict(&done, 0);
    assert_eq!(done.stderr.matches("not spooled").count(), 1, "{}", done.stderr);
    assert_eq!(std::fs::read_to_string(scratch.spool()).unwrap(), "no folder");
}

#[test]
fn a_run_that_is_interrupted_and_resumed_and_a_pipeline_are_spooled_too() {
    // The first time it hangs, then it answers.
    let everything =
        r#"{"stage":"plan","work_breakdown":[],"acceptance_mapping":[],"unlock_decision":"UNLOCK"}"#;
    let slow = "echo first; sleep 600 & echo $! > child.new; mv child.new child; wait";
    let script = format!("if [ -e child ]; then {}; else {slow}; fi", answers(everything));
    let scratch = spooled(&agent("a", &script, ""));
    let mut command = scratch.command();
    let child = command.args(RUN).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    when_there(&scratch, "child");
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::TERM).unwrap();
    assert_eq!(output_of(child).status.code(), Some(143));
    let before = events(&scratch);
    let ends = |events: &[(Value, Value)]| -> Vec<String> {
        let ends = events.iter().filter_map(|(_, about)| about["end"].as_str());
        ends.map(str::to_owned).collect()
    };
    assert_eq!(ends(&before), ["cancelled"]);
    assert_eq!(text(&before, "a", "stdout"), "first\n");
    verdict(&scratch.run(&["resume", "1"]), 0);
    let resumed = events(&scratch);
    assert_eq!(ends(&resumed), ["cancelled", "answered"]);
    assert_eq!(text(&resumed, "a", "stdout"), format!("first\n{everything}\n"));
    verdict(&scratch.run(&["auto", "S-2", "--from", "unlock"]), 0);
    let led = events(&scratch);
    assert_eq!(led.last().unwrap().1["spec"], "S-2");
    assert_eq!(ends(&led).len(), 3);
}
