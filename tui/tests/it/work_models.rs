//! `conclave work` with models: a host that is away or full is none of a task's failures.

use std::fmt::Write as _;
use std::time::Duration;

use conclave_testkit::{ModelServer, Reply, Speaks};
use serde_json::{Value, json};

use crate::scratch::{Done, Scratch};

fn configuration(urls: &[(&str, &str)], more: &str) -> String {
    let mut text = String::new();
    for (name, url) in urls {
        let _ = write!(
            text,
            "[[hosts]]\nname = 'h-{name}'\nurl = '{url}'\ndialect = 'openai'\nmodels = ['{name}']\nmax_concurrent = 1\n\
             [[agents]]\nname = '{name}'\nmodel = '{name}'\n"
        );
    }
    text + more
}

fn work(scratch: &Scratch, words: &[&str]) -> (Done, Value) {
    let done = Done::of(scratch.command().args(["work", "--once", "--json"]).args(words));
    let document = serde_json::from_str(done.text()).unwrap();
    (done, document)
}

fn create(scratch: &Scratch, ids: &[&str]) {
    for id in ids {
        scratch.ok(&["task", "create", id, "--id", id]);
    }
}

fn task(scratch: &Scratch, id: &str) -> Value {
    scratch.json(&["task", "show", id])[0].clone()
}

fn outcomes(scratch: &Scratch, id: &str) -> Vec<String> {
    let attempts = task(scratch, id)["attempts"].clone();
    let word = |attempt: &Value| attempt["outcome"].as_str().unwrap_or("open").to_owned();
    attempts.as_array().unwrap().iter().map(word).collect()
}

#[test]
fn a_host_that_is_down_costs_no_task_a_round() {
    let nowhere = ModelServer::nowhere();
    let work_table = "[work]\nwait = '1ms'\nmax_attempts = 1\n";
    let scratch = Scratch::configured(&configuration(&[("m", &nowhere)], work_table));
    create(&scratch, &["t-1", "t-2", "t-3"]);
    let mut tried = 0;
    for _ in 0..2 {
        let (done, document) = work(&scratch, &[]);
        assert_eq!(done.code, Some(1), "{}", done.stderr);
        let jobs = document["tasks"].as_array().unwrap();
        assert!(!jobs.is_empty(), "{document}");
        tried += jobs.len();
        for job in jobs {
            assert_eq!((&job["outcome"], &job["attempt"]), (&json!("put_off"), &json!(1)), "{job}");
            let error = job["error"].as_str().unwrap();
            assert!(
                error.contains("h-m") && error.contains("connection refused"),
                "which host, and why: {error}"
            );
        }
    }
    assert!(tried <= 4, "the queue is not tried against a host that is away: {tried}");
    let mut stored = 0;
    for id in ["t-1", "t-2", "t-3"] {
        let shown = task(&scratch, id);
        let counted = (&shown["status"], &shown["labels"], &shown["attempt_count"]);
        assert_eq!(counted, (&json!("open"), &json!([]), &Value::Null));
        let outcomes = outcomes(&scratch, id);
        assert!(outcomes.iter().all(|outcome| outcome == "stopped"), "{outcomes:?}");
        stored += outcomes.len();
    }
    assert_eq!(stored, tried);
    assert!(scratch.ok(&["task", "show", "t-1"]).contains("m: put off"));
}

#[test]
fn another_agent_has_what_one_could_not_ask_anybody_about() {
    let nowhere = ModelServer::nowhere();
    let server = ModelServer::answering(Speaks::OpenAi, &["n"], "done");
    let urls = [("m", nowhere.as_str()), ("n", &server.url())];
    let scratch = Scratch::configured(&configuration(&urls, ""));
    create(&scratch, &["t-1", "t-2"]);
    let (done, document) = work(&scratch, &[]);
    assert_eq!(done.code, Some(0), "{document}{}", done.stderr);
    assert_eq!((&document["done"], &document["returned"]), (&json!(2), &json!(1)), "{document}");
    assert_eq!(server.questions(), 2);
}

#[test]
fn more_jobs_than_slots_wait_for_their_turn_and_fail_nothing() {
    let server = ModelServer::answering(Speaks::OpenAi, &["m"], "done");
    let slow = move |_: &conclave_testkit::Request| -> Reply {
        Speaks::OpenAi.answer("m", "done").after(Duration::from_millis(300))
    };
    server.script_with(Speaks::OpenAi.path(), slow);
    let more = "[llm]\nqueue_timeout = '50ms'\n[work]\nmax_attempts = 1\n";
    let scratch = Scratch::configured(&configuration(&[("m", &server.url())], more));
    create(&scratch, &["t-1", "t-2", "t-3"]);
    let (done, document) = work(&scratch, &["--jobs", "3", "--max", "3"]);
    assert_eq!(done.code, Some(0), "{document}{}", done.stderr);
    assert_eq!((&document["done"], &document["failed"]), (&json!(3), &json!(0)), "{document}");
    assert!(document["returned"].as_u64() > Some(0), "some have waited: {document}");
    assert_eq!(server.most_at_once(), 1);
    for id in ["t-1", "t-2", "t-3"] {
        let outcomes = outcomes(&scratch, id);
        assert_eq!(outcomes[0], "answered");
        assert!(outcomes[1..].iter().all(|outcome| outcome == "stopped"), "{outcomes:?}");
    }
}
