//! Answers that stand still, are cut, or have no text; and what of them is shown.

use std::time::Duration;

use conclave_llm::{Class, Finish, Host, LlmErrorKind, OnCut, Options, ProxySetting, Timeouts, Why};
use conclave_retry::CancelToken;
use conclave_testkit::{ModelServer, Reply, Speaks};

use crate::scene::{MODEL, SHORT, Scene, answering, classes, failed, ollama, openai, scripted, stream};

const KEEP_ALIVE: &str = ": ping\n\n";

fn token(speaks: Speaks) -> Reply {
    Reply::stream(speaks.content_type()).write(speaks.beginning(MODEL, "half"))
}

fn idle(host: Host, idle: Duration, total: Option<Duration>) -> Host {
    Host { timeouts: Timeouts { idle: Some(idle), total, ..host.timeouts }, ..host }
}

// llm L37: a minute is 400 ms here.
#[test]
fn silence_ends_an_answer_and_signs_of_life_do_not() {
    let silent = scripted(Speaks::OpenAi, token(Speaks::OpenAi).hold());
    let scene = Scene::new(vec![idle(openai("a", &silent, 1), SHORT, None)]);
    let failed_ = scene.fails();
    assert_eq!((classes(&failed_), failed_.partial.as_str()), (vec![Some(Class::Timeout)], "half"));
    assert!(failed_.attempts[0].total_ms >= 400, "{failed_:?}");
    silent.wait_for_gone(1);

    // Ten signs of life, each before the limit, and together far beyond it.
    let mut reply = token(Speaks::OpenAi);
    for _ in 0..10 {
        reply = reply.pause(SHORT / 4).write(KEEP_ALIVE);
    }
    let ending = Speaks::OpenAi.ending(MODEL, "stop");
    let living = scripted(Speaks::OpenAi, reply.write(ending).close());
    let scene = Scene::new(vec![idle(openai("a", &living, 1), SHORT * 2, None)]);
    let answer = scene.ask().unwrap();
    assert_eq!(answer.text, "half");
    assert!(answer.latency_ms >= 1000, "{answer:?}");

    let forever = scripted(Speaks::OpenAi, token(Speaks::OpenAi).forever(KEEP_ALIVE, SHORT / 8));
    let scene = Scene::new(vec![idle(openai("a", &forever, 1), SHORT * 20, Some(SHORT * 2))]);
    let failed_ = scene.fails();
    assert_eq!(classes(&failed_), [Some(Class::Timeout)]);
    assert!(failed_.attempts[0].message.as_ref().unwrap().contains("total"), "{failed_:?}");
}

/// The last line has no end, and the connection ends in the middle of a chunked answer: what is in it counts.
#[test]
fn the_last_line_before_a_cut_is_read() {
    let lines = |lines: &[&str]| {
        let kind = [("content-type", "application/x-ndjson"), ("transfer-encoding", "chunked")];
        let reply = lines.iter().fold(Reply::head(200, &kind), Reply::chunk);
        let a = scripted(Speaks::Ollama, reply.close());
        (Scene::new(vec![ollama("a", &a, 1)]), a)
    };
    let half = Speaks::Ollama.beginning(MODEL, "half");
    let end = Speaks::Ollama.ending(MODEL, "stop");
    let (scene, _a) = lines(&[&half, end.trim_end()]);
    assert_eq!(scene.ask().unwrap().text, "half");

    let (scene, _a) = lines(&[&half, r#"{"error":"the runner has stopped"}"#]);
    let failed_ = scene.fails();
    let first = &failed_.attempts[0];
    assert_eq!((first.class, first.partial_bytes), (Some(Class::Fault), 4));
    assert_eq!(first.message.as_deref(), Some("the runner has stopped"));

    let (scene, _a) = lines(&[half.trim_end()]);
    let failed_ = scene.fails();
    assert_eq!((failed_.attempts[0].class, failed_.partial.as_str()), (Some(Class::Cut), "half"));
}

// llm L39
#[test]
fn a_stream_that_is_cut_after_something_was_shown_is_not_switched_silently() {
    let a = scripted(Speaks::Ollama, Speaks::Ollama.cut(MODEL, "half"));
    let b = answering(Speaks::Ollama, "whole");
    let hosts = || vec![ollama("a", &a, 1), ollama("b", &b, 2)];
    let events = stream(&Scene::new(hosts()).client(), &Options::default());
    assert_eq!(events, ["text:half", "failed:half"]);
    assert_eq!(b.questions(), 0);

    let restart = Options { on_cut: OnCut::Restart, ..Options::default() };
    let events = stream(&Scene::new(hosts()).client(), &restart);
    assert_eq!(events, ["text:half", "restarted:b", "text:whole", "done:whole"]);

    // Nothing is shown of what is only collected.
    let answer = Scene::new(hosts()).ask().unwrap();
    assert_eq!((answer.text.as_str(), answer.host.as_str()), ("whole", "b"));
    assert_eq!((answer.attempts[0].class, answer.attempts[0].partial_bytes), (Some(Class::Cut), 4));
}

#[test]
fn a_stream_goes_on_elsewhere_while_nothing_was_shown() {
    let a = scripted(Speaks::Ollama, Speaks::Ollama.failure(500, "", "it broke").close());
    let b = answering(Speaks::Ollama, "whole");
    let scene = Scene::new(vec![ollama("a", &a, 1), ollama("b", &b, 2)]);
    assert_eq!(stream(&scene.client(), &Options::default()), ["text:whole", "done:whole"]);
    // A restart that nobody answers after is no restart.
    let cut = scripted(Speaks::Ollama, Speaks::Ollama.cut(MODEL, "half"));
    let scene = Scene::new(vec![ollama("c", &cut, 1), ollama("a", &a, 2)]);
    let restart = Options { on_cut: OnCut::Restart, ..Options::default() };
    let events = stream(&scene.client(), &restart);
    assert_eq!(events.last().unwrap(), "failed:half", "{events:?}");
}

fn ollama_with(loaded: &[&str], reply: Reply) -> ModelServer {
    let server = ModelServer::start();
    for (path, listing) in Speaks::Ollama.listings(&[MODEL], loaded) {
        server.script(path, listing);
    }
    server.script(Speaks::Ollama.path(), reply);
    server
}

// llm L40: the two limits themselves are in call/limits; here is which of them is taken, without waiting for either.
#[test]
fn a_model_that_is_not_loaded_has_more_time() {
    let answer = Speaks::Ollama.answer(MODEL, "late").after(SHORT);
    for loaded in [&[] as &[&str], &[MODEL]] {
        let server = ollama_with(loaded, answer.clone());
        let host = Host { timeouts: Timeouts::default(), ..ollama("a", &server, 1) };
        let scene = Scene::new(vec![host]);
        let answer = scene.ask().unwrap();
        assert_eq!((answer.text.as_str(), answer.attempts.len(), server.questions()), ("late", 1, 1));
        assert_eq!(server.count("/api/ps"), 1, "it was asked whether the model is loaded");
    }
    // What the configuration says wins, and then nobody needs to know.
    let server = ollama_with(&[MODEL], Reply::hang());
    let timeouts = Timeouts { first_byte: Some(SHORT), ..Timeouts::default() };
    let scene = Scene::new(vec![Host { timeouts, ..ollama("a", &server, 1) }]);
    let failed_ = scene.fails();
    assert_eq!((classes(&failed_), server.count("/api/ps")), (vec![Some(Class::Timeout)], 0));
    assert!(failed_.attempts[0].message.as_ref().unwrap().contains("first_byte"), "{failed_:?}");
    assert_eq!(failed_.attempts.len(), 1, "a server that may still work on it is not asked twice");
}

fn anthropic_blocks(blocks: &[(&str, &str)], stop: &str) -> Reply {
    let mut body = String::from(
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"m:1\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    );
    for (n, (kind, text)) in blocks.iter().enumerate() {
        let delta = serde_json::json!({"type": "content_block_delta", "index": n,
            "delta": {"type": format!("{kind}_delta"), *kind: text}});
        let start = serde_json::json!({"type": "content_block_start", "index": n,
            "content_block": {"type": kind, *kind: ""}});
        let stop = serde_json::json!({"type": "content_block_stop", "index": n});
        body.extend([start, delta, stop].map(|event| format!("data: {event}\n\n")));
    }
    let end = serde_json::json!({"type": "message_delta", "delta": {"stop_reason": stop},
        "usage": {"output_tokens": 7}});
    let stop = serde_json::json!({"type": "message_stop"});
    body.extend([end, stop].map(|event| format!("data: {event}\n\n")));
    Reply::stream("text/event-stream").write(body).close()
}

// llm L41
#[test]
fn thinking_alone_is_no_answer_and_a_refusal_is_one() {
    let ask = |blocks: &[(&str, &str)], stop: &str| {
        let server = ModelServer::start();
        server.script("/v1/messages", anthropic_blocks(blocks, stop));
        let scene = Scene::new(vec![crate::scene::host("a", &server.url(), Speaks::Anthropic, 1)]);
        let answer = scene.ask();
        (answer, server.questions(), (scene, server))
    };
    let (answer, questions, _) = ask(&[("thinking", "hmm")], "max_tokens");
    let spent = failed(answer);
    assert_eq!((classes(&spent), questions), (vec![Some(Class::Empty)], 1));
    assert!(spent.attempts[0].message.as_ref().unwrap().contains("max_tokens"), "{spent:?}");

    let (answer, _, (scene, _server)) = ask(&[("thinking", "hmm"), ("text", "well")], "end_turn");
    assert_eq!(answer.unwrap().text, "well");
    let shown = Options { thinking: true, ..Options::default() };
    assert_eq!(stream(&scene.client(), &Options::default()), ["text:well", "done:well"]);
    assert_eq!(stream(&scene.client(), &shown), ["thinking:hmm", "text:well", "done:well"]);

    let (answer, questions, _) = ask(&[], "refusal");
    let answer = answer.unwrap();
    assert_eq!((answer.finish, answer.text.as_str(), questions), (Finish::Refused, "", 1));
    assert_eq!(answer.warnings, ["the answer of a may be a part: the model or its filter refused"]);

    let (answer, questions, _) = ask(&[], "end_turn");
    assert_eq!((classes(&failed(answer)), questions), (vec![Some(Class::Empty); 2], 2));
}

// llm L42
#[test]
fn an_answer_that_has_no_end_of_its_own_says_so() {
    for (reason, finish, warning) in [
        ("length", Finish::Length, "is cut short: its limit of tokens was reached"),
        ("content_filter", Finish::Refused, "may be a part: the model or its filter refused"),
        ("tool_calls", Finish::Tool, "may be a part: the model asked for a tool, which it has not"),
        ("unheard_of", Finish::Other, "may be a part: the server gave no known reason for its end"),
    ] {
        let ending = Speaks::OpenAi.ending(MODEL, reason);
        let body = format!("{}{ending}", Speaks::OpenAi.beginning(MODEL, "half"));
        let server = scripted(Speaks::OpenAi, Reply::stream("text/event-stream").write(body).close());
        let answer = Scene::new(vec![openai("a", &server, 1)]).ask().unwrap();
        assert_eq!((answer.text.as_str(), answer.finish), ("half", finish));
        assert_eq!(answer.warnings, [format!("the answer of a {warning}")]);
    }
}

// llm L43
#[test]
fn a_prompt_that_the_server_has_cut_is_warned_of() {
    let server = answering(Speaks::Ollama, "short");
    let scene = Scene::new(vec![ollama("a", &server, 1)]);
    let ask = |bytes: usize| {
        let prompt = "word ".repeat(bytes / 5);
        scene.client().generate(prompt.as_bytes(), "code", &Options::default(), &CancelToken::new()).unwrap()
    };
    // The server counts 21 tokens whatever it is sent.
    assert!(ask(100).warnings.is_empty());
    let warnings = ask(60_000).warnings;
    assert!(warnings[0].starts_with("the prompt was cut by the server"), "{warnings:?}");
}

// llm L36: after the end of the answer nobody waits for the end of the connection.
#[test]
fn an_answer_is_there_though_its_connection_stays_open() {
    let body = Speaks::OpenAi.body(MODEL, "whole");
    let server = scripted(Speaks::OpenAi, Reply::stream("text/event-stream").write(body).hold());
    let scene = Scene::new(vec![idle(openai("a", &server, 1), Duration::from_mins(1), None)]);
    assert_eq!(scene.ask().unwrap().text, "whole");
    server.wait_for_gone(1);
}

// llm L50, the part of the client: what a server echoes, and whatever way it is cut.
#[test]
fn a_key_that_the_server_echoes_is_shown_nowhere() {
    let key = "sk-test-AAAABBBBCCCCDDDD";
    let server = ModelServer::start();
    server.lists(Speaks::OpenAi, &[MODEL]);
    let body = Speaks::OpenAi.body(MODEL, &format!("the key is {key}, is it not"));
    server.script(Speaks::OpenAi.path(), Reply::stream("text/event-stream").in_pieces(body, 7).close());
    let scene = Scene::new(vec![crate::scene::with_key(openai("a", &server, 1))]).with_variable("KEY", key);
    let events = stream(&scene.client(), &Options::default());
    assert_eq!(events, ["text:the key is [key], is it not", "done:the key is [key], is it not"]);
    let echo =
        Speaks::OpenAi.failure(401, "authentication_error", &format!("Incorrect API key: {key}")).close();
    server.script(Speaks::OpenAi.path(), echo);
    let error = scene.ask().unwrap_err();
    let shown = format!("{error} {error:?} {:?}", scene.client());
    assert!(!shown.contains("AAAABBBB"), "{shown}");
    for file in ["global.db", "global.db-wal"] {
        let bytes = std::fs::read(scene.path(file)).unwrap_or_default();
        assert!(!bytes.windows(8).any(|window| window == b"AAAABBBB"), "{file}");
    }
    assert_eq!(failed(Err(error)).kind, LlmErrorKind::Refused);
    assert_eq!(scene.fails().skipped[0].why, Why::Blocked);
}

// llm L50: the same of a proxy, whose user and password are in its URL.
#[test]
fn a_password_that_the_proxy_echoes_is_shown_nowhere() {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let (password, user) = ("ProxyPass-AAAABBBB", "pu:ProxyPass-AAAABBBB");
    let encoded = BASE64_STANDARD.encode(user);
    let proxy = ModelServer::start();
    let words = format!("no entry for {password}, nor for {encoded}");
    proxy.otherwise(Speaks::OpenAi.failure(400, "invalid", &words).close());
    let setting = ProxySetting::Url(proxy.url().replace("http://", &format!("http://{user}@")));
    let behind = crate::scene::host("a", "http://behind.example", Speaks::OpenAi, 1);
    let scene = Scene::new(vec![Host { proxy: setting, ..behind }]);
    let checked = conclave_llm::check(&scene.client(), None, &CancelToken::new());
    let error = scene.ask().unwrap_err();
    let shown = format!("{error} {error:?} {checked:?} {:?}", scene.view("a"));
    assert!(shown.contains("no entry for [key], nor for"), "{shown}");
    assert!(!shown.contains(password) && !shown.contains(&encoded[8..24]), "{shown}");
}
