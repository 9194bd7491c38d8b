//! Questions to models: who is asked, who is not, and what every process knows of that.

use std::process::{Command, Stdio};

use conclave_testkit::{ModelServer, Reply, Speaks};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::patience::{output_of, until};
use crate::scratch::{Done, Scratch};

/// The table of a host that speaks Ollama's dialect and has the model `m`. Lower numbers are asked first.
pub(crate) fn host(name: &str, url: &str, priority: usize, more: &str) -> String {
    format!(
        "[[hosts]]\nname = '{name}'\nurl = '{url}'\ndialect = 'ollama'\nmodels = ['m']\npriority = {priority}\n{more}\n"
    )
}

/// A project with these hosts, asked in this order.
pub(crate) fn with_hosts(hosts: &[(&str, &str)]) -> Scratch {
    let table = |(at, (name, url)): (usize, &(&str, &str))| host(name, url, at + 1, "");
    Scratch::configured(&hosts.iter().enumerate().map(table).collect::<String>())
}

/// One that lists its model and answers.
pub(crate) fn well(text: &str) -> ModelServer {
    ModelServer::answering(Speaks::Ollama, &["m"], text)
}

/// One that lists its model, and does this with questions.
pub(crate) fn that(reply: Reply) -> ModelServer {
    let server = ModelServer::start();
    server.lists(Speaks::Ollama, &["m"]);
    server.script(Speaks::Ollama.path(), reply);
    server
}

/// What `ask` printed, whatever it ended with.
pub(crate) fn document(done: &Done) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"))
}

/// One member of each in a list.
fn each<'value>(list: &'value Value, key: &str) -> Vec<&'value str> {
    list.as_array().unwrap().iter().map(|one| one[key].as_str().unwrap_or("-")).collect()
}

fn asked(scratch: &Scratch) -> Value {
    scratch.json(&["ask", "hello"])
}

pub(crate) fn pid_of(child: &std::process::Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// A host of `host list`.
pub(crate) fn listed(scratch: &Scratch, name: &str) -> Value {
    let hosts = scratch.json(&["host", "list"]);
    hosts.as_array().unwrap().iter().find(|host| host["name"] == name).unwrap().clone()
}

const KEY: &str = "sk-accept-0123456789abcdef";

/// A cloud that knows one key, and repeats every other.
fn cloud(text: &'static str) -> ModelServer {
    let server = ModelServer::start();
    server.script_with(Speaks::Anthropic.path(), move |request| match request.header("x-api-key") {
        Some(KEY) => Speaks::Anthropic.answer("cloud-1", text),
        other => {
            let message = format!("invalid x-api-key {}", other.unwrap_or_default());
            Speaks::Anthropic.failure(401, "authentication_error", &message)
        }
    });
    server
}

fn with_key(scratch: &Scratch, key: &str) -> Done {
    Done::of(scratch.command().env("CLOUD_KEY", key).args(["ask", "hello", "--task", "code", "--json"]))
}

// llm L1 as far as processes see it; the walk of accept/7
#[test]
fn three_hosts_fail_in_three_ways_the_cloud_answers_and_the_next_processes_skip_them() {
    let (surtr, fenrir) =
        (that(Reply::hang()), that(Speaks::Ollama.failure(503, "", "overloaded and out of order")));
    let skadi = that(Speaks::Ollama.cut("m", "half"));
    let cloud = cloud("from the cloud");
    let mut tables = String::new();
    for (at, (name, server)) in [("surtr", &surtr), ("fenrir", &fenrir), ("skadi", &skadi)].iter().enumerate()
    {
        tables += &host(name, &server.url(), at, "tasks = ['code']\ntimeouts = { first_byte = '300ms' }");
    }
    let fallback = format!(
        "[fallback]\ndialect = 'anthropic'\nurl = '{}'\nmodel = 'cloud-1'\napi_key_env = 'CLOUD_KEY'\n",
        cloud.url()
    );
    let scratch = Scratch::configured(&(tables + &fallback));

    let first = with_key(&scratch, KEY);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let answer = document(&first);
    assert_eq!((answer["text"].as_str(), answer["fallback"].as_bool()), (Some("from the cloud"), Some(true)));
    assert_eq!(each(&answer["attempts"], "host"), ["surtr", "fenrir", "skadi", "fallback"]);
    assert_eq!(each(&answer["attempts"], "class"), ["timeout", "fault", "cut", "-"]);
    assert_eq!(answer["attempts"][1]["status"], 503);
    assert_eq!(answer["attempts"][3]["wait_before_ms"], 0, "the cloud is asked without a wait");
    assert_eq!(answer["attempts"][2]["partial_bytes"], 4);
    assert!(
        first.stderr.contains("answered by fallback (cloud-1), because surtr failed (timeout)"),
        "{}",
        first.stderr
    );

    // Two more pay; the rest does not.
    let mut last = Value::Null;
    for _ in 0..5 {
        let done = with_key(&scratch, KEY);
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        last = document(&done);
    }
    let questions = [&surtr, &fenrir, &skadi, &cloud].map(ModelServer::questions);
    assert_eq!(questions, [3, 3, 3, 6]);
    assert_eq!(each(&last["attempts"], "host"), ["fallback"]);
    assert_eq!(each(&last["skipped"], "host"), ["surtr", "fenrir", "skadi"]);
    assert_eq!(each(&last["skipped"], "why"), ["open", "open", "open"]);
    assert!(last["skipped"][0]["until"].as_str().unwrap().ends_with('Z'), "{last}");

    assert_eq!(scratch.json(&["host", "list"]).as_array().unwrap().len(), 3, "hosts alone");
    let hosts = scratch.json(&["host", "list", "--all"]);
    let state = |name: &str| {
        let host = hosts.as_array().unwrap().iter().find(|host| host["name"] == name).unwrap();
        host["breaker"]["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(["surtr", "fenrir", "skadi", "fallback"].map(state), ["open", "open", "open", "closed"]);
    assert!(hosts[0]["breaker"]["retry_at"].as_str().unwrap().ends_with('Z'), "{hosts}");

    let reset = scratch.json(&["host", "reset", "fenrir"]);
    assert_eq!(reset[0]["breaker"]["state"], "closed", "{reset}");
    with_key(&scratch, KEY);
    assert_eq!([&surtr, &fenrir].map(ModelServer::questions), [3, 4]);

    let wrong = with_key(&scratch, &format!("wrong-{KEY}"));
    assert!(matches!(wrong.code, Some(1..=3)), "{wrong:?}");
    assert!(wrong.stderr.contains("auth") && wrong.stderr.contains("surtr"), "{}", wrong.stderr);
    assert_eq!(wrong.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1);
    let error = &document(&wrong)["error"];
    assert_eq!(error["attempts"].as_array().unwrap().last().unwrap()["class"], "auth", "{error}");
    for text in [&first.stderr, &wrong.stderr, &String::from_utf8_lossy(&wrong.stdout).into_owned()] {
        assert!(!text.contains(KEY), "{text}");
    }
    assert_nowhere(&scratch, &[KEY]);
}

/// None of these stands in any file of the scratch folder.
#[track_caller]
pub(crate) fn assert_nowhere(scratch: &Scratch, keys: &[&str]) {
    let mut looked = 0;
    for file in scratch.files() {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        looked += 1;
        for key in keys {
            let found = bytes.windows(key.len()).any(|part| part == key.as_bytes());
            assert!(!found, "a key stands in {}", file.display());
        }
    }
    assert!(looked >= 3, "the log, the configuration and the machine-wide file are there");
}

// llm L2
#[test]
fn of_ten_processes_only_the_first_contacts_a_dead_host() {
    let (mut a, b) = (well("a"), well("b"));
    let address = a.address().to_string();
    a.kill();
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url())]);
    assert_eq!(asked(&scratch)["host"], "b");
    // It is back, and nobody sees it for 30 s.
    let a = ModelServer::on(&address);
    for _ in 0..9 {
        let answer = asked(&scratch);
        assert_eq!((answer["host"].as_str(), answer["attempts"].as_array().unwrap().len()), (Some("b"), 1));
        assert_eq!(
            (each(&answer["skipped"], "host"), each(&answer["skipped"], "why")),
            (vec!["a"], vec!["open"])
        );
    }
    assert_eq!((a.connections(), b.questions()), (0, 10));
}

// llm L3
#[test]
fn a_dead_host_that_is_the_only_one_is_told_with_the_time_of_its_next_probe() {
    let mut a = well("a");
    let address = a.address().to_string();
    a.kill();
    let scratch = with_hosts(&[("a", &a.url())]);
    let first = scratch.run(&["ask", "hello", "--json"]);
    first.refused(3);
    let error = &document(&first)["error"];
    assert!(error["attempts"].as_array().unwrap().len() <= 3, "{error}");
    assert_eq!((error["kind"].as_str(), error["class"].as_str()), (Some("all-failed"), Some("unreachable")));
    let a = ModelServer::on(&address);
    for _ in 0..9 {
        let next = scratch.run(&["ask", "hello", "--json"]);
        next.refused(1);
        let error = &document(&next)["error"];
        assert_eq!(
            (error["kind"].as_str(), each(&error["skipped"], "why")),
            (Some("unavailable"), vec!["open"])
        );
        assert!(error["retry_at"].as_str().unwrap().ends_with('Z'), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("conclave host check"), "{error}");
    }
    let text = scratch.run(&["ask", "hello"]);
    text.refused(1);
    assert!(
        text.stdout.is_empty() && text.stderr.contains("  a") && text.stderr.contains("hint: "),
        "{}",
        text.stderr
    );
    assert_eq!(a.connections(), 0);
}

// llm L21
#[test]
fn the_callers_own_fault_is_one_request_and_counts_for_nobody() {
    for status in [400, 422, 409] {
        let a = that(Speaks::Ollama.failure(status, "", "the option is unheard of"));
        let b = well("b");
        let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url())]);
        let done = scratch.run(&["ask", "hello"]);
        done.refused(2);
        assert!(done.stderr.contains("the option is unheard of"), "{}", done.stderr);
        assert_eq!((a.questions(), b.questions()), (1, 0), "{status}");
        let host = listed(&scratch, "a");
        assert_eq!(
            (host["breaker"]["failures"].as_i64(), host["breaker"]["state"].as_str()),
            (Some(0), Some("closed"))
        );
    }
}

// llm L22
#[test]
fn a_refused_key_is_not_sent_again_and_a_mended_one_at_once() {
    let a = ModelServer::start();
    a.lists(Speaks::OpenAi, &["m"]);
    a.script_with(Speaks::OpenAi.path(), |request| match request.header("authorization") {
        Some("Bearer good") => Speaks::OpenAi.answer("m", "a"),
        _ => Speaks::OpenAi.failure(401, "invalid_api_key", "no"),
    });
    let b = well("b");
    let cloud = cloud("cloud");
    let table = format!(
        "[[hosts]]\nname = 'a'\nurl = '{}'\ndialect = 'openai'\nmodels = ['m']\napi_key_env = 'A_KEY'\n",
        a.url()
    );
    let scratch = Scratch::configured(&(table.clone() + &host("b", &b.url(), 2, "")));
    let ask = |scratch: &Scratch, key: &str| {
        let command = &mut scratch.command();
        Done::of(command.env("A_KEY", key).env("CLOUD_KEY", KEY).args(["ask", "hello", "--json"]))
    };
    for _ in 0..10 {
        assert_eq!(document(&ask(&scratch, "bad"))["host"], "b");
    }
    assert_eq!((a.questions(), b.questions()), (1, 10));
    assert_eq!(listed(&scratch, "a")["breaker"]["failures"], 0);
    assert_eq!(document(&ask(&scratch, "good"))["host"], "a", "another key is tried at once");

    // The cloud does not hide it.
    let fallback = format!(
        "[fallback]\ndialect = 'anthropic'\nurl = '{}'\nmodel = 'c'\napi_key_env = 'CLOUD_KEY'\n",
        cloud.url()
    );
    let scratch = Scratch::configured(&(table + &fallback));
    let done = ask(&scratch, "bad");
    done.refused(2);
    assert_eq!((document(&done)["error"]["class"].as_str(), cloud.questions()), (Some("auth"), 0));
}

// llm L28
#[test]
fn a_host_without_the_model_is_passed_over_for_it_until_a_check_finds_it() {
    let missing = |server: &ModelServer, speaks: Speaks, reply: Reply| {
        // It does not say what it has.
        server.script_with(speaks.path(), move |request| {
            if request.text().contains("\"model\":\"other\"") {
                speaks.answer("other", "o")
            } else {
                reply.clone()
            }
        });
    };
    for (speaks, reply) in [
        (Speaks::Ollama, Speaks::Ollama.failure(404, "", "model 'm' not found")),
        (
            Speaks::OpenAi,
            Speaks::OpenAi.failure(400, "invalid_request_error", "Invalid model name passed in model=m"),
        ),
    ] {
        let a = ModelServer::start();
        missing(&a, speaks, reply);
        let b = well("b");
        let word = speaks.word();
        let table = format!(
            "[[hosts]]\nname = 'a'\nurl = '{}'\ndialect = '{word}'\nmodels = ['m', 'other']\n",
            a.url()
        );
        let scratch = Scratch::configured(&(table + &host("b", &b.url(), 2, "")));
        let ask = |model: &str| scratch.json(&["ask", "hello", "--model", model]);
        let first = ask("m");
        assert_eq!(
            (first["host"].as_str(), each(&first["attempts"], "class")),
            (Some("b"), vec!["no_model", "-"]),
            "{first}"
        );
        let second = ask("m");
        assert_eq!(
            (each(&second["attempts"], "host"), each(&second["skipped"], "why")),
            (vec!["b"], vec!["no_model"])
        );
        assert_eq!(ask("other")["host"], "a", "other models are not affected");
        assert_eq!((a.questions(), listed(&scratch, "a")["breaker"]["failures"].as_i64()), (2, Some(0)));
        a.lists(speaks, &["m", "other"]);
        a.script(speaks.path(), speaks.answer("m", "found"));
        let checked = scratch.json(&["host", "check", "a"]);
        assert_eq!(
            (checked[0]["healthy"].as_bool(), checked[0]["models"][0].as_str()),
            (Some(true), Some("m")),
            "{checked}"
        );
        assert_eq!(ask("m")["text"], "found");
    }
}

// llm L53
#[test]
fn a_question_that_cannot_be_asked_is_refused_before_anybody_is_called() {
    use std::os::unix::ffi::OsStrExt as _;

    let a = well("a");
    let scratch = with_hosts(&[("a", &a.url())]);
    std::fs::write(scratch.project().join("long"), vec![b'x'; 3 << 20]).unwrap();
    std::fs::write(scratch.project().join("bad"), b"ab\xff").unwrap();
    std::fs::write(scratch.project().join("blank"), " \n\t").unwrap();
    for words in [
        vec!["ask", ""],
        vec!["ask", "  \n"],
        vec!["ask", "--prompt", "blank"],
        vec!["ask", "--prompt", "long"],
        vec!["ask", "--prompt", "bad"],
        vec!["ask", "--prompt", "-"],
        vec!["ask"],
    ] {
        scratch.run(&words).refused(2);
    }
    let invalid = std::ffi::OsStr::from_bytes(b"ab\xff");
    let done = Done::of(scratch.command().arg("ask").arg(invalid));
    assert!(done.refused(2).contains('2'), "the offset: {}", done.stderr);
    let piped = Done::of(&mut scratch.shell(&format!("'{}' ask < long", env!("CARGO_BIN_EXE_conclave"))));
    piped.refused(2);
    scratch.run(&["ask", "--prompt", "missing"]).refused(3);
    assert_eq!(a.connections(), 0);
}

// llm L54
#[test]
fn where_all_fail_each_is_told_in_order_and_nothing_looks_like_an_answer() {
    let a = that(Speaks::Ollama.failure(500, "", "the runner is gone"));
    let b = that(Reply::stream("text/html").write("<html>hello</html>").close());
    let c = that(Speaks::Ollama.cut("m", "half an answer"));
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url()), ("c", &c.url())]);
    let done = scratch.run(&["ask", "hello"]);
    done.refused(3);
    assert!(done.stdout.is_empty(), "{done:?}");
    let lines: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(lines.len(), 3, "{}", done.stderr);
    for (line, (name, class)) in lines.iter().zip([("a", "fault"), ("b", "garbage"), ("c", "cut")]) {
        assert!(
            line.contains(&format!(" {name}, m: {class} ")) && line.contains("after ") && line.contains("ms"),
            "{line}"
        );
    }
    assert!(lines[0].contains("500") && lines[0].contains("the runner is gone"), "{}", lines[0]);
    assert!(done.stderr.lines().last().unwrap().starts_with("hint: "), "{}", done.stderr);
    let error = &document(&scratch.run(&["ask", "hello", "--json"]))["error"];
    assert_eq!(each(&error["attempts"], "host"), ["a", "b", "c"]);
    assert_eq!(
        (error["kind"].as_str(), error["partial"].as_str()),
        (Some("all-failed"), Some("half an answer"))
    );
}

// llm L16, with two
#[test]
fn two_processes_share_the_one_slot_of_a_host() {
    let a = that(Speaks::Ollama.answer("m", "text").held());
    let scratch = with_hosts(&[("a", &a.url())]);
    let start = || {
        let mut command = scratch.command();
        command.args(["ask", "hello"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first = start();
    a.wait_for(Speaks::Ollama.path(), 1);
    let second = start();
    until("the second waits", || listed(&scratch, "a")["waiting"] == 1);
    assert_eq!(listed(&scratch, "a")["in_flight"], 1);
    a.release_all();
    for child in [first, second] {
        let ended = output_of(child);
        assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), &b"text\n"[..]), "{ended:?}");
    }
    assert_eq!((a.questions(), a.most_at_once()), (2, 1));
    assert_eq!(listed(&scratch, "a")["in_flight"], 0);
}

// llm L44
#[test]
fn ctrl_c_ends_the_request_at_the_host_and_counts_for_nothing() {
    for (words, reply) in [
        (vec!["ask", "hello", "--json"], Reply::hang()),
        (
            vec!["ask", "hello", "--stream"],
            Reply::stream("application/x-ndjson").write(Speaks::Ollama.beginning("m", "begun")).hold(),
        ),
    ] {
        let a = that(reply);
        let scratch = with_hosts(&[("a", &a.url())]);
        let mut command = scratch.command();
        let child = command.args(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        a.wait_for(Speaks::Ollama.path(), 1);
        kill_process(pid_of(&child), Signal::INT).unwrap();
        let ended = output_of(child);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(130), "{said}");
        a.wait_for_gone(1);
        let host = listed(&scratch, "a");
        assert_eq!((host["in_flight"].as_i64(), host["breaker"]["failures"].as_i64()), (Some(0), Some(0)));
        if words.contains(&"--json") {
            let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
            assert_eq!(document["error"]["kind"], "interrupted");
        }
    }
}

// llm L39
#[test]
fn a_stream_that_is_cut_after_a_shown_word_is_not_begun_again_elsewhere() {
    let (a, b) = (that(Speaks::Ollama.cut("m", "one two")), well("b"));
    let scratch = with_hosts(&[("a", &a.url()), ("b", &b.url())]);
    let done = scratch.run(&["ask", "hello", "--stream"]);
    done.refused(3);
    assert_eq!((done.text(), b.questions()), ("one two\n", 0), "{}", done.stderr);
    assert!(done.stderr.contains("cut"), "{}", done.stderr);
    // Nothing was shown: the next host answers, and the log of attempts says what came.
    let done = scratch.run(&["ask", "hello"]);
    assert_eq!((done.code, done.text()), (Some(0), "b\n"), "{}", done.stderr);
    assert!(done.stderr.contains("answered by b (m), because a failed (cut)"), "{}", done.stderr);
}

#[test]
fn a_question_comes_from_the_line_a_file_or_standard_input() {
    let a = well("a");
    let scratch = with_hosts(&[("a", &a.url())]);
    std::fs::write(scratch.project().join("question"), "of a file").unwrap();
    let binary = env!("CARGO_BIN_EXE_conclave");
    for script in [
        format!("'{binary}' ask 'of the line' --system 'be short'"),
        format!("'{binary}' ask --prompt question"),
        format!("printf 'of a pipe' | '{binary}' ask"),
        format!("printf 'of a dash' | '{binary}' ask --prompt -"),
    ] {
        let done = Done::of(&mut scratch.shell(&script));
        assert_eq!((done.code, done.text(), done.stderr.as_str()), (Some(0), "a\n", ""), "{script}");
    }
    let bodies: Vec<Value> = a
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect();
    let content = |body: &Value| body["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(
        bodies.iter().map(content).collect::<Vec<_>>(),
        ["of the line", "of a file", "of a pipe", "of a dash"]
    );
    assert_eq!(bodies[0]["messages"][0]["content"], "be short");
    let both = scratch.run(&["ask", "one", "--prompt", "question"]);
    both.refused(2);
}

#[test]
fn without_a_host_there_is_a_hint_how_to_name_one() {
    let scratch = Scratch::new();
    let done = scratch.run(&["ask", "hello"]);
    assert!(done.refused(2).contains("no model host is configured"), "{}", done.stderr);
    assert!(done.stderr.contains("hint: ") && done.stderr.contains("[[hosts]]"), "{}", done.stderr);
    assert_eq!(scratch.json(&["host", "list"]), Value::Array(vec![]));
    scratch.run(&["host", "check", "--all"]).refused(2);
    assert!(!scratch.project().join(".conclave").exists(), "nothing is made");
    let a = well("a");
    scratch.configure(&host("a", &a.url(), 1, ""));
    for words in [&["ask", "hello", "--host", "b"][..], &["host", "check", "b"], &["host", "open", "a", "b"]]
    {
        let done = scratch.run(words);
        assert!(done.refused(1).contains("no host is called \"b\""), "{}", done.stderr);
        assert!(done.stderr.contains("hint: hosts: a"), "{}", done.stderr);
    }
    scratch.run(&["host", "open"]).refused(2);
    assert_eq!(a.connections(), 0);
}

#[test]
fn a_reader_that_has_gone_ends_the_call() {
    let a = that(
        Reply::stream("application/x-ndjson")
            .forever(Speaks::Ollama.beginning("m", "again and again "), std::time::Duration::from_millis(5)),
    );
    let scratch = with_hosts(&[("a", &a.url())]);
    let mut child = Command::new("true");
    let mut reader = child.stdin(Stdio::piped()).spawn().unwrap();
    let pipe = reader.stdin.take().unwrap();
    reader.wait().unwrap();
    let mut command = scratch.command();
    let child =
        command.args(["ask", "hello", "--stream"]).stdout(pipe).stderr(Stdio::piped()).spawn().unwrap();
    let ended = output_of(child);
    // As a program that SIGPIPE ends: the answer is not whole, and nobody is told that it were.
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(141), &b""[..]));
    a.wait_for_gone(1);
}
