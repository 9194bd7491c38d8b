//! `conclave work`: real dispatchers and real agents, ended in every way.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::asking::agent;
use crate::interrupted_runs::{STUBBORN, is_gone};
use crate::patience::{ended, output_of, until, when_there};
use crate::scratch::{Done, Scratch};

/// Answers with the number of characters that it was asked, and the first line.
const ECHOES: &str = "read -r first; cat > /dev/null; echo \"did: $first\"";
const QUICK: &str = "[work]\nprompt = '{id} {title}'\nwait = '1ms'\n";

fn work(scratch: &Scratch, words: &[&str]) -> Child {
    let mut command = scratch.command();
    command.arg("work").args(words).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

fn create(scratch: &Scratch, id: &str, more: &[&str]) {
    scratch.ok(&[&["task", "create", id, "--id", id], more].concat());
}

fn task(scratch: &Scratch, id: &str) -> Value {
    scratch.json(&["task", "show", id])[0].clone()
}

/// How the attempts of a task ended, the newest first.
fn outcomes(scratch: &Scratch, id: &str) -> Vec<String> {
    let attempts = task(scratch, id)["attempts"].clone();
    let word = |attempt: &Value| attempt["outcome"].as_str().unwrap_or("open").to_owned();
    attempts.as_array().unwrap().iter().map(word).collect()
}

#[test]
fn ready_tasks_are_done_in_their_order_and_closed_with_what_was_answered() {
    let scratch = Scratch::configured(&(agent("a", ECHOES, "") + QUICK));
    create(&scratch, "t-1", &["-p", "1"]);
    create(&scratch, "t-2", &["--deps", "t-1", "-p", "0"]);
    create(&scratch, "t-3", &["-t", "epic"]);
    let done = scratch.run(&["work", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let lines: Vec<&str> = done.text().lines().collect();
    assert!(
        lines[0].starts_with("done  t-1  t-1  (a, ") && lines[0].ends_with("; ready now: t-2"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("done  t-2"), "{lines:?}");
    assert_eq!(lines.len(), 2, "an epic is done by its children");
    assert!(done.stderr.contains("2 tasks done"), "{}", done.stderr);
    let shown = task(&scratch, "t-1");
    assert_eq!((&shown["status"], &shown["result"]), (&json!("closed"), &json!("did: t-1 t-1")));
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["agent"]), (&json!("answered"), &json!("a")));
    assert_eq!((&attempt["result"], &attempt["who"]), (&json!("did: t-1 t-1"), &json!("tester")));
    assert!(scratch.ok(&["task", "show", "t-1"]).contains("attempts, the newest first\n  1  "));
    let nothing = scratch.json(&["work", "--once"]);
    assert_eq!(
        nothing,
        json!({"tasks": [], "done": 0, "failed": 0, "returned": 0, "lost": 0, "interrupted": false})
    );
}

#[test]
fn a_task_that_fails_waits_goes_to_another_and_is_left_alone_in_the_end() {
    let fails = "cat > /dev/null; echo half; echo 'error: no luck' >&2; exit 3";
    let agents = agent("a", fails, "retries = 0") + &agent("b", fails, "retries = 0");
    let scratch = Scratch::configured(&(agents + QUICK));
    create(&scratch, "t-1", &[]);
    let mut agents = Vec::new();
    for (round, outcome) in [(1, "failed"), (2, "failed"), (3, "given_up")] {
        let mut document = Value::Null;
        until("its wait is over", || {
            let done = Done::of(scratch.command().args(["work", "--max", "1", "--once", "--json"]));
            document = serde_json::from_str(done.text()).unwrap();
            document["tasks"][0]
                .is_object()
                .then(|| assert_eq!(done.code, Some(1), "{}", done.stderr))
                .is_some()
        });
        let job = &document["tasks"][0];
        assert_eq!((&job["outcome"], &job["attempt"]), (&json!(outcome), &json!(round)), "{job}");
        assert_eq!(job["error"], "exit code 3: error: no luck");
        agents.push(job["agent"].as_str().unwrap().to_owned());
    }
    assert_eq!(agents, ["a", "b", "a"]);
    let shown = task(&scratch, "t-1");
    assert_eq!((&shown["status"], &shown["labels"]), (&json!("open"), &json!(["work-failed"])));
    assert_eq!(shown["last_error"], "exit code 3: error: no luck");
    assert_eq!(shown["attempts"][0]["output"], "half\n[standard error]\nerror: no luck\n");
    assert_eq!(scratch.json(&["work", "--once"])["tasks"], json!([]), "nobody takes it by itself");
    scratch.configure(&(agent("a", ECHOES, "") + QUICK));
    let again = scratch.json(&["work", "--once", "--retry"]);
    assert_eq!(again["tasks"][0]["outcome"], "done");
    assert_eq!(task(&scratch, "t-1")["labels"], json!([]));
    assert_eq!(outcomes(&scratch, "t-1"), ["answered", "failed", "failed", "failed"]);
}

#[test]
fn a_task_waits_for_half_a_minute_where_nobody_says_otherwise() {
    let scratch = Scratch::configured(&agent("a", "exit 1", "retries = 0"));
    create(&scratch, "t-1", &[]);
    let done = scratch.run(&["work", "--once"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().starts_with("failed  t-1  t-1  (a, "), "{}", done.text());
    assert!(done.text().contains("; again in "), "{}", done.text());
    assert!(task(&scratch, "t-1")["defer_until"].is_string());
    assert_eq!(scratch.json(&["task", "ready"]), json!([]));
}

#[test]
fn an_agent_that_fails_is_asked_again_as_often_as_it_may() {
    let second =
        "cat > /dev/null; test -e once || { touch once; echo 'connection reset' >&2; exit 1; }; echo yes";
    let scratch = Scratch::configured(&(agent("a", second, "retries = 1") + QUICK));
    create(&scratch, "t-1", &[]);
    let done = scratch.run(&["work", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("t-1: a failed, again in "), "{}", done.stderr);
    assert_eq!(outcomes(&scratch, "t-1"), ["answered", "retried"]);
    assert_eq!(task(&scratch, "t-1")["attempt_count"], 2);
}

#[test]
fn only_what_is_wanted_is_taken_and_a_dry_run_takes_nothing() {
    let scratch =
        Scratch::configured(&(agent("a", ECHOES, "") + &agent("b", ECHOES, "stages = ['plan']") + QUICK));
    create(&scratch, "t-1", &["-l", "ui", "-t", "bug"]);
    create(&scratch, "t-2", &["-l", "ui"]);
    create(&scratch, "t-3", &[]);
    let dry = scratch.json(&["work", "--dry-run", "--label", "ui", "--read-only"]);
    assert_eq!((&dry["tasks"][0]["id"], &dry["tasks"][1]["id"]), (&json!("t-1"), &json!("t-2")));
    assert_eq!((dry["tasks"].as_array().unwrap().len(), &dry["agents"]), (2, &json!(["a"])));
    assert_eq!(scratch.json(&["task", "ready"]).as_array().unwrap().len(), 3, "nothing was taken");
    assert_eq!(task(&scratch, "t-1")["attempts"], json!([]));
    scratch.run(&["work", "--read-only", "--once"]).refused(2);
    let one = scratch.json(&["work", "--type", "bug", "--once"]);
    assert_eq!(one["tasks"][0]["id"], "t-1");
    assert_eq!(one["tasks"].as_array().unwrap().len(), 1);
    let max = scratch.json(&["work", "--max", "1", "--jobs", "4"]);
    assert_eq!(max["tasks"].as_array().unwrap().len(), 1, "it ends by itself");
    assert!(
        scratch.run(&["work", "--agents", "nobody", "--once"]).refused(2).contains("no agent \"nobody\"")
    );
    for words in [&["--jobs", "0"][..], &["--jobs", "257"], &["--max", "0"]] {
        scratch.run(&[&["work"][..], words].concat()).refused(2);
    }
}

#[test]
fn without_state_there_is_nothing_to_do_and_nothing_is_made() {
    let scratch = Scratch::configured(&agent("a", ECHOES, ""));
    let done = scratch.run(&["work", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("no state here"), "{}", done.stderr);
    assert_eq!(scratch.run(&["work", "--dry-run"]).code, Some(0));
    assert!(!scratch.database().exists());
}

#[test]
fn signals_end_the_agents_and_give_the_tasks_back() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let scratch = Scratch::configured(&(agent("slow", STUBBORN, "") + QUICK));
        create(&scratch, "t-1", &[]);
        let child = work(&scratch, &["--json"]);
        let grandchild = when_there(&scratch, "child");
        send(&child, signal);
        let ended = output_of(child);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(is_gone(&grandchild), "a process of the agent still runs");
        let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!((&document["interrupted"], &document["returned"]), (&json!(true), &json!(1)));
        let shown = task(&scratch, "t-1");
        assert_eq!((&shown["status"], &shown["assignee"]), (&json!("open"), &Value::Null));
        assert_eq!(outcomes(&scratch, "t-1"), ["stopped"]);
        assert_eq!(scratch.json(&["task", "ready"])[0]["id"], "t-1");
    }
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let scratch = Scratch::configured(&(agent("slow", STUBBORN, "") + QUICK));
    create(&scratch, "t-1", &[]);
    let child = work(&scratch, &[]);
    let grandchild = when_there(&scratch, "child");
    send(&child, Signal::INT);
    send(&child, Signal::INT);
    assert_eq!(output_of(child).status.code(), Some(130));
    assert!(is_gone(&grandchild));
    assert_eq!(task(&scratch, "t-1")["status"], "open");
}

/// Waits until it may go on; says who it is.
fn waits(name: &str) -> String {
    format!(
        "cat > /dev/null; echo $$ > {name}.new; mv {name}.new {name}; while test -e {name} && ! test -e leave; do sleep 0.05; done; echo {name}"
    )
}

#[test]
fn what_was_killed_is_given_back_by_the_next_one_which_ends_what_lives_of_it_first() {
    let scratch = Scratch::configured(&(agent("a", &waits("first"), "") + QUICK));
    create(&scratch, "t-1", &[]);
    let child = work(&scratch, &[]);
    let left_over = when_there(&scratch, "first");
    send(&child, Signal::KILL);
    output_of(child);
    assert!(!is_gone(&left_over), "nobody was left to end it");
    assert_eq!(
        (task(&scratch, "t-1")["status"].clone(), outcomes(&scratch, "t-1")),
        (json!("in_progress"), vec!["open".to_owned()])
    );
    scratch.configure(&(agent("a", ECHOES, "") + QUICK));
    let done = scratch.run(&["work", "--once"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("t-1 was a's, whose dispatcher is gone"), "{}", done.stderr);
    assert!(is_gone(&left_over), "what the killed one left is ended first");
    assert_eq!(outcomes(&scratch, "t-1"), ["answered", "lost"]);
    assert_eq!(task(&scratch, "t-1")["attempt_count"], 1, "what was lost does not count");
}

#[test]
fn what_people_do_with_a_task_ends_the_agent_and_stays() {
    let claim = "claim = '1s'\n";
    let scratch = Scratch::configured(&(agent("a", &waits("first"), "") + QUICK + claim));
    create(&scratch, "t-1", &[]);
    let child = work(&scratch, &["--max", "1", "--json"]);
    let process = when_there(&scratch, "first");
    scratch.ok(&["task", "close", "t-1", "--result", "by hand"]);
    let ended = output_of(child);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(is_gone(&process));
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&document["lost"], &document["tasks"][0]["why"]),
        (&json!(1), &json!("the task is closed now"))
    );
    let shown = task(&scratch, "t-1");
    assert_eq!((&shown["status"], &shown["result"]), (&json!("closed"), &json!("by hand")));
    assert_eq!(outcomes(&scratch, "t-1")[0], "open", "the newest is the one by hand, which has none of it");
    assert_eq!(outcomes(&scratch, "t-1")[1], "lost");
}

#[test]
fn a_dispatcher_that_stood_still_for_too_long_has_lost_its_task_and_changes_nothing() {
    let claim = "claim = '1s'\n";
    let scratch = Scratch::configured(&(agent("a", &waits("first"), "") + QUICK + claim));
    create(&scratch, "t-1", &[]);
    let slow = work(&scratch, &["--max", "1", "--json"]);
    let process = when_there(&scratch, "first");
    send(&slow, Signal::STOP);
    scratch.configure(&(agent("a", ECHOES, "") + QUICK + claim));
    let mut second = work(&scratch, &["--max", "1"]);
    assert_eq!(ended(&mut second).code(), Some(0));
    assert!(is_gone(&process), "two never work on one task");
    let closed = task(&scratch, "t-1");
    assert_eq!(closed["result"], "did: t-1 t-1");
    send(&slow, Signal::CONT);
    let ended = output_of(slow);
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(document["lost"], 1, "{document}");
    assert_eq!(task(&scratch, "t-1"), closed);
    assert_eq!(outcomes(&scratch, "t-1"), ["answered", "lost"]);
}

/// A short version of what the issue wants shown: several processes with several jobs each, agents that fail, processes that
/// are killed; each task is done once, every attempt is stored, nothing is left in progress.
#[test]
fn many_dispatchers_do_each_task_once_whoever_fails_or_is_killed() {
    const TASKS: usize = 40;
    // The first time that a task is asked for by the bad one it fails; whoever has done one says so, once.
    let good = "read -r id rest; echo $id >> done.log; echo ok $id";
    let bad = "read -r id rest; test -e seen.$id && { echo $id >> done.log; echo ok $id; exit 0; }; touch seen.$id; exit 7";
    let agents = agent("good", good, "retries = 0") + &agent("bad", bad, "retries = 0");
    let scratch = Scratch::configured(&(agents + QUICK + "max_attempts = 50\n"));
    for number in 0..TASKS {
        create(&scratch, &format!("t-{number:02}"), &[]);
    }
    let closed = || scratch.json(&["task", "stats"])["summary"]["closed"].as_u64().unwrap_or_default();
    let mut workers: Vec<Child> = (0..4).map(|_| quiet(&scratch)).collect();
    for (killed, done) in [(0, 5), (1, 15), (2, 25)] {
        until("some are done", || closed() >= done);
        workers[killed].kill().unwrap();
        workers[killed].wait().unwrap();
        workers[killed] = quiet(&scratch);
    }
    until("all are done", || closed() == u64::try_from(TASKS).unwrap());
    for worker in &mut workers {
        send(worker, Signal::INT);
        assert_eq!(ended(worker).code(), Some(130));
    }
    let log = std::fs::read_to_string(scratch.project().join("done.log")).unwrap();
    let mut attempts = 0;
    for number in 0..TASKS {
        let id = format!("t-{number:02}");
        let shown = task(&scratch, &id);
        assert_eq!((&shown["status"], &shown["result"]), (&json!("closed"), &json!(format!("ok {id}"))));
        let outcomes = outcomes(&scratch, &id);
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "answered").count(), 1, "{id}: {outcomes:?}");
        assert!(!outcomes.contains(&"open".to_owned()), "{id}: {outcomes:?}");
        attempts += outcomes.len();
        // Who was killed after its agent had answered, and before that was stored, has it answered again.
        let answered = log.lines().filter(|line| *line == id).count();
        let lost = outcomes.iter().filter(|outcome| *outcome == "lost").count();
        assert!((1..=1 + lost).contains(&answered), "{id}: answered {answered} times: {outcomes:?}");
    }
    assert!(attempts > TASKS, "some have failed");
    assert_eq!(scratch.json(&["task", "list", "--status", "in_progress"]), json!([]));
    assert_eq!(scratch.run(&["doctor"]).code, Some(0));
}

fn quiet(scratch: &Scratch) -> Child {
    let mut command: Command = scratch.command();
    command.args(["work", "--jobs", "4"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Without any agent the models of the hosts do the tasks; of which type one is, its label says, else it itself.
#[test]
fn models_do_tasks_by_their_type() {
    use conclave_testkit::{ModelServer, Speaks};

    let one = ModelServer::answering(Speaks::Ollama, &["poet"], "a poem");
    let other = ModelServer::answering(Speaks::OpenAi, &["coder"], "a fix");
    let host = |name: &str, server: &ModelServer, dialect: &str, task: &str| {
        let url = server.url();
        format!("[[hosts]]\nname = '{name}'\nurl = '{url}'\ndialect = '{dialect}'\ntasks = ['{task}']\n")
    };
    let hosts = host("surtr", &one, "ollama", "poems") + &host("fenrir", &other, "openai", "bug");
    let scratch = Scratch::configured(&(hosts + QUICK));
    create(&scratch, "t-1", &["-l", "task:poems", "-t", "bug"]);
    create(&scratch, "t-2", &["-t", "bug"]);
    // No agent is installed there.
    let done =
        Done::of(scratch.command().args(["work", "--once", "--jobs", "2"]).env("PATH", "/nonexistent"));
    assert_eq!(done.code, Some(0), "{}{}", done.text(), done.stderr);
    assert_eq!(task(&scratch, "t-1")["result"], "a poem");
    assert_eq!(task(&scratch, "t-2")["result"], "a fix");
    assert_eq!(task(&scratch, "t-2")["attempts"][0]["agent"], "model");
    assert_eq!((one.questions(), other.questions()), (1, 1));
}

#[test]
fn an_answer_that_is_too_long_to_be_kept_whole_is_none() {
    let long = "cat > /dev/null; yes 'more and more' | head -c 5242880";
    let scratch = Scratch::configured(&(agent("a", long, "retries = 0") + QUICK));
    create(&scratch, "t-1", &[]);
    let done = scratch.run(&["work", "--once", "--max", "1"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.text().contains(": its answer is longer than 4 MiB; "), "{}", done.text());
    let shown = task(&scratch, "t-1");
    assert_eq!((&shown["status"], &shown["result"]), (&json!("open"), &Value::Null));
    let output = shown["attempts"][0]["output"].as_str().unwrap();
    assert!(
        output.starts_with("more and more") && output.contains("[cut here: "),
        "it is kept with the attempt"
    );
}

#[test]
fn an_agent_that_is_ended_with_its_dispatcher_has_not_failed() {
    let scratch = Scratch::configured(&(agent("a", "echo $$ > pid; exec sleep 1000", "retries = 0") + QUICK));
    create(&scratch, "t-1", &[]);
    let child = work(&scratch, &["--json"]);
    until("the agent is there", || !when_there(&scratch, "pid").is_empty());
    let pid: i32 = when_there(&scratch, "pid").parse().unwrap();
    // As a service manager does, the agent first.
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    send(&child, Signal::TERM);
    assert_eq!(output_of(child).status.code(), Some(143));
    assert_eq!(outcomes(&scratch, "t-1"), ["stopped"]);
    assert_eq!(
        (&task(&scratch, "t-1")["attempt_count"], &task(&scratch, "t-1")["last_error"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn what_has_failed_too_often_is_tried_once_more_and_not_for_ever() {
    let scratch = Scratch::configured(&(agent("a", "exit 3", "retries = 0") + "[work]\nmax_attempts = 1\n"));
    create(&scratch, "t-1", &[]);
    for words in [&["work", "--once", "--json"][..], &["work", "--once", "--retry", "--json"]] {
        let done = Done::of(scratch.command().args(words));
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        let document: Value = serde_json::from_str(done.text()).unwrap();
        let [job] = document["tasks"].as_array().unwrap().as_slice() else { panic!("{document}") };
        assert_eq!(job["outcome"], "given_up");
    }
    assert_eq!(outcomes(&scratch, "t-1"), ["failed", "failed"]);
}

#[test]
fn a_second_signal_does_not_wait_for_a_store_that_is_held() {
    let scratch = Scratch::configured(&(agent("slow", STUBBORN, "") + QUICK));
    create(&scratch, "t-1", &[]);
    let mut child = work(&scratch, &[]);
    let grandchild = when_there(&scratch, "child");
    let held = conclave_db::foreign::Client::open(&scratch.database()).unwrap();
    held.run("BEGIN IMMEDIATE").unwrap();
    // Two that are sent at once may be heard as one.
    until("it ends", || {
        let is_ended = child.try_wait().unwrap().is_some();
        if !is_ended {
            send(&child, Signal::INT);
        }
        is_ended
    });
    let ended = output_of(child);
    assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains("lost  t-1") && told.contains("not given back in time"), "{told}");
    assert!(is_gone(&grandchild));
    held.run("ROLLBACK").unwrap();
    assert_eq!(task(&scratch, "t-1")["status"], "in_progress");
    scratch.configure(&(agent("a", ECHOES, "") + QUICK));
    assert_eq!(scratch.run(&["work", "--once"]).code, Some(0));
    assert_eq!(outcomes(&scratch, "t-1"), ["answered", "lost"]);
}
