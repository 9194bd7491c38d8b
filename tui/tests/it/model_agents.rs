//! Runs whose agents are models behind HTTP, asked by this program as children.

use std::fmt::Write as _;
use std::process::Stdio;

use conclave_testkit::{ModelServer, Reply, Speaks};
use serde_json::{Value, json};

use crate::asking::{plan, planner};
use crate::scratch::{Done, Scratch};

const KEY: &str = "sk-test-AAAABBBBCCCCDDDD";
const RUN: [&str; 5] = ["run", "S-1", "--stage", "plan", "--quiet"];

/// Two hosts, two agents that are models there, and one that is a command.
fn configuration(a: &ModelServer, b: &ModelServer) -> String {
    let mut text = String::new();
    for (name, server, dialect, more) in [
        ("surtr", a, "ollama", "models = ['m:1']\ntasks = ['poems']"),
        ("fenrir", b, "openai", "models = ['o']\ntasks = ['code']\napi_key_env = 'CONCLAVE_TEST_KEY'"),
    ] {
        let url = server.url();
        let _ = write!(text, "[[hosts]]\nname = '{name}'\nurl = '{url}'\ndialect = '{dialect}'\n{more}\n");
    }
    text + "[[agents]]\nname = 'x'\nmodel = 'm:1'\nretries = 0\nrole = 'You are x.'\n"
        + "[[agents]]\nname = 'y'\nroute = 'code'\nretries = 0\n"
        + &planner("z")
}

fn hosts() -> (ModelServer, ModelServer) {
    let a = ModelServer::answering(Speaks::Ollama, &["m:1"], &plan(""));
    let b = ModelServer::answering(Speaks::OpenAi, &["o"], &plan(""));
    (a, b)
}

fn attempts(run: &Value, agent: &str) -> Vec<Value> {
    let all = run["attempts"].as_array().unwrap();
    all.iter().filter(|attempt| attempt["agent"] == agent).cloned().collect()
}

// llm L58
#[test]
fn two_models_and_a_command_come_to_a_verdict() {
    let (a, b) = hosts();
    let scratch = Scratch::configured(&configuration(&a, &b));
    let done = Done::of(scratch.command().args(RUN).env("CONCLAVE_TEST_KEY", KEY));
    assert_eq!(done.code, Some(0), "{}{}", done.text(), done.stderr);
    assert!(done.text().starts_with("ok  S-1 plan"), "{}", done.text());
    assert_eq!((a.questions(), b.questions()), (1, 1));
    let run = scratch.json(&["runs", "show", "1"]);
    assert_eq!(run["outputs"].as_array().unwrap().len(), 3, "{run}");
    for agent in ["x", "y"] {
        let attempts = attempts(&run, agent);
        assert_eq!(attempts.len(), 1, "{run}");
        let tokens = (&attempts[0]["usage"]["input_tokens"], &attempts[0]["usage"]["output_tokens"]);
        assert_eq!(tokens, (&json!(21), &json!(3)), "{}", attempts[0]);
    }
    // The role stands before the prompt, and the whole of it came by standard input.
    let asked = a.requests().into_iter().find(|request| request.method == "POST").unwrap();
    let asked: Value = serde_json::from_str(&asked.text()).unwrap();
    let prompt = asked["messages"][0]["content"].as_str().unwrap();
    assert!(prompt.starts_with("Your role: You are x.") && prompt.contains("work_breakdown"), "{prompt}");
    // Its key was let through, although its name begins like our own; and it is stored nowhere.
    let asked = b.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    for file in scratch.files() {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|piece| piece == KEY.as_bytes()), "{}", file.display());
    }
    // What the hosts are known by is shared, and says which run has asked.
    let calls = scratch.json(&["db", "query", "SELECT run_id, outcome FROM llm_call", "--global"]);
    assert!(calls.to_string().contains('1'), "{calls}");
}

// llm L58
#[test]
fn a_model_server_that_is_killed_leaves_a_degraded_run() {
    let (mut a, b) = hosts();
    a.script(Speaks::Ollama.path(), Speaks::Ollama.answer("m:1", &plan("")).held());
    let scratch = Scratch::configured(&configuration(&a, &b));
    let mut command = scratch.command();
    command.args(RUN).env("CONCLAVE_TEST_KEY", KEY).stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    a.wait_for(Speaks::Ollama.path(), 1);
    a.kill();
    let ended = running.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(text.starts_with("degraded"), "{text}");
    let run = scratch.json(&["runs", "show", "1"]);
    let attempts = attempts(&run, "x");
    assert_eq!(attempts.len(), 1, "{run}");
    let message = attempts[0]["message"].as_str().unwrap();
    assert!(message.contains("surtr"), "what happened at which host: {message}");
}

#[test]
fn a_run_that_is_ended_ends_its_calls() {
    let (a, b) = hosts();
    a.script(Speaks::Ollama.path(), Reply::hang());
    let scratch = Scratch::configured(&configuration(&a, &b));
    let mut command = scratch.command();
    command.args(RUN).env("CONCLAVE_TEST_KEY", KEY).stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = command.spawn().unwrap();
    a.wait_for(Speaks::Ollama.path(), 1);
    running.kill().unwrap();
    running.wait().unwrap();
    // Whoever resumes ends what the killed one has left: the socket of the old call is closed, a new one is answered.
    a.script(Speaks::Ollama.path(), Speaks::Ollama.answer("m:1", &plan("")));
    let done = Done::of(scratch.command().args(["resume", "--quiet"]).env("CONCLAVE_TEST_KEY", KEY));
    assert_eq!(done.code, Some(0), "{}{}", done.text(), done.stderr);
    a.wait_for_gone(1);
    assert_eq!(a.questions(), 2);
}

#[test]
fn a_model_that_nobody_has_is_refused_before_anything_starts() {
    let (a, b) = hosts();
    let text = configuration(&a, &b).replace("model = 'm:1'", "model = 'n'");
    let scratch = Scratch::configured(&text);
    let done = scratch.run(&RUN);
    assert_eq!(done.refused(2), "error: x: no host has the model \"n\"");
    assert_eq!((a.connections(), b.connections(), scratch.database().exists()), (0, 0, false));
    assert_eq!(scratch.run(&[&RUN[..], &["--agents", "z"]].concat()).code, Some(0));
}
