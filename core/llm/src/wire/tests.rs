use serde_json::json;

use super::*;
use crate::endpoint::Endpoint;
use crate::host::{ProxySetting, Timeouts};

/// Nothing of a request depends on where the host is.
fn host(dialect: Dialect) -> Host {
    Host {
        name: "h".to_owned(),
        endpoint: Endpoint::parse("http://127.0.0.1:1", dialect).expect("a URL"),
        dialect,
        models: Vec::new(),
        tasks: Vec::new(),
        priority: 1,
        max_concurrent: None,
        timeouts: Timeouts::default(),
        key: None,
        breaker: true,
        proxy: ProxySetting::Env,
        ca_file: None,
        allow_plain_key: false,
        stream: true,
        api_version: None,
        max_tokens: None,
        max_completion_tokens: false,
        context: None,
        billed: false,
    }
}

fn question<'a>(system: Option<&'a str>, prompt: &'a str) -> Question<'a> {
    Question { model: "m:1", system, prompt, temperature: None, usage_in_stream: true }
}

fn header<'a>(written: &'a Written, name: &str) -> Option<&'a str> {
    written.headers.iter().find(|(named, _)| *named == name).map(|(_, value)| value.as_str())
}

#[test]
fn requests_of_ollama() {
    let mut host = host(Dialect::Ollama);
    let written = write(&host, &question(None, "why?"));
    let user = json!({ "role": "user", "content": "why?" });
    let plain = json!({
        "model": "m:1", "messages": [user], "stream": true, "keep_alive": "15m", "truncate": false, "shift": false,
    });
    assert_eq!((written.path, &written.body), ("/api/chat", &plain));
    assert_eq!(header(&written, "accept"), Some("application/x-ndjson"));
    assert_eq!(header(&written, "content-type"), Some("application/json"));
    (host.max_tokens, host.context, host.stream) = (Some(9), Some(8192), false);
    let full = write(&host, &Question { temperature: Some(0.5), ..question(Some("be brief"), "why?") });
    assert_eq!(full.body["options"], json!({ "num_predict": 9, "num_ctx": 8192, "temperature": 0.5 }));
    assert_eq!(full.body["messages"], json!([{ "role": "system", "content": "be brief" }, user]));
    assert_eq!(
        (full.body["stream"].as_bool(), header(&full, "accept")),
        (Some(false), Some("application/json"))
    );
}

#[test]
fn requests_of_openai() {
    let mut host = host(Dialect::Openai);
    let written = write(&host, &question(None, "why?"));
    let user = json!({ "role": "user", "content": "why?" });
    let plain = json!({
        "model": "m:1", "messages": [user], "stream": true, "stream_options": { "include_usage": true },
    });
    assert_eq!((written.path, &written.body), ("/v1/chat/completions", &plain));
    assert_eq!(header(&written, "accept"), Some("text/event-stream"));
    host.max_tokens = Some(9);
    let question =
        Question { temperature: Some(0.5), usage_in_stream: false, ..question(Some("be brief"), "why?") };
    let full = write(&host, &question).body;
    assert_eq!((&full["max_tokens"], &full["temperature"]), (&json!(9), &json!(0.5)));
    assert_eq!(full["messages"], json!([{ "role": "system", "content": "be brief" }, user]));
    assert_eq!(full.get("stream_options"), None);
    host.max_completion_tokens = true;
    let newer = write(&host, &question).body;
    assert_eq!((newer.get("max_tokens"), &newer["max_completion_tokens"]), (None, &json!(9)));
    host.stream = false;
    let whole = write(&host, &Question { usage_in_stream: true, ..question });
    assert_eq!(
        (whole.body.get("stream_options"), header(&whole, "accept")),
        (None, Some("application/json"))
    );
}

#[test]
fn requests_of_anthropic() {
    let mut host = host(Dialect::Anthropic);
    let written = write(&host, &question(None, "why?"));
    let user = json!({ "role": "user", "content": "why?" });
    let plain = json!({ "model": "m:1", "max_tokens": 4096, "messages": [user], "stream": true });
    assert_eq!((written.path, &written.body), ("/v1/messages", &plain));
    assert_eq!(header(&written, "anthropic-version"), Some("2023-06-01"));
    (host.api_version, host.max_tokens) = (Some("2026-10-21".to_owned()), Some(9));
    let full = write(&host, &Question { temperature: Some(0.5), ..question(Some("be brief"), "why?") });
    assert_eq!(header(&full, "anthropic-version"), Some("2026-10-21"));
    assert_eq!((&full.body["system"], &full.body["max_tokens"]), (&json!("be brief"), &json!(9)));
    assert_eq!((&full.body["temperature"], &full.body["messages"]), (&json!(0.5), &json!([user])));
}

// llm L56
#[test]
fn names_of_models_are_sent_exactly() {
    let long = "x".repeat(300);
    for name in ["a b", "org/model:q4_K_M", "😀", "\"quoted\\\"", "line\nfeed", long.as_str()] {
        for dialect in Dialect::ALL {
            let written = write(&host(dialect), &Question { model: name, ..question(None, "\u{0}?") });
            let sent: Value = serde_json::from_str(&written.body.to_string()).expect("JSON");
            assert_eq!(sent["model"], json!(name));
            assert_eq!(sent["messages"][0]["content"], json!("\u{0}?"));
        }
    }
}

#[test]
fn lists_of_models() {
    let read = |path: &str, body: Value| {
        let mut listing = Listing::default();
        read_listing(path, body.to_string().as_bytes(), &mut listing).map(|()| listing)
    };
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let tags = json!({ "models": [
        { "name": "codellama:34b", "model": "codellama:34b", "size": 1 },
        { "name": "big:cloud", "remote_host": "https://ollama.com:443" }, { "name": "" }, 7,
    ] });
    assert_eq!(read("/api/tags", tags).expect("a list").models, names(&["codellama:34b"]));
    assert_eq!(read("/api/tags", json!({ "models": null })).expect("a list").models, names(&[]));
    let ps =
        read("/api/ps", json!({ "models": [{ "name": "a:1", "context_length": 8192 }] })).expect("a list");
    assert_eq!((ps.loaded, ps.models), (names(&["a:1"]), None));
    assert_eq!(ps.contexts, [("a:1".to_owned(), 8192)]);
    let models = json!({ "object": "list", "data": [{ "id": "q", "max_model_len": 32768 }, { "id": "r" }] });
    let models = read("/v1/models", models).expect("a list");
    assert_eq!((models.models, models.loaded), (names(&["q", "r"]), None));
    assert_eq!(models.contexts, [("q".to_owned(), 32768)]);
    assert_eq!(read("/props", json!({ "total_slots": 4 })).expect("props").slots, Some(4));
    assert_eq!(read("/props", json!({ "total_slots": 0 })).expect("props").slots, None);
    assert!(matches!(read("/v1/models", json!({ "error": "no" })), Err(Unread::Reported(_))));
    for body in [json!([]), json!({}), json!({ "data": {} }), json!("Ollama is running")] {
        assert!(matches!(read("/v1/models", body), Err(Unread::Garbage(_))));
    }
    assert!(matches!(read_listing("/api/tags", b"<html>", &mut Listing::default()), Err(Unread::Garbage(_))));
}

#[test]
fn the_same_model_by_two_names() {
    let ollama =
        |one, other| is_same_model(Dialect::Ollama, one, other) && is_same_model(Dialect::Ollama, other, one);
    assert!(ollama("qwen", "qwen:latest"));
    assert!(ollama("Qwen:7B", "qwen:7b"));
    assert!(ollama("library/qwen", "registry.ollama.ai/library/qwen:latest"));
    assert!(ollama("host:5000/qwen", "host:5000/qwen:latest"));
    assert!(!ollama("qwen", "qwen:7b"));
    assert!(!ollama("a/qwen", "qwen"));
    assert!(is_same_model(Dialect::Openai, "a:latest", "a:latest"));
    assert!(!is_same_model(Dialect::Openai, "a", "a:latest"));
    assert!(!is_same_model(Dialect::Anthropic, "A", "a"));
}
