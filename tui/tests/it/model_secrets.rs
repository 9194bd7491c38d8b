//! Keys stay where they are, whatever a server does with them. // llm L50

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use conclave_testkit::{ModelServer, Reply, Request, Speaks};

use crate::models::{assert_nowhere, document, host, well};
use crate::patience::output_of;
use crate::scratch::{Done, Scratch};

/// It looks like no key of a vendor, and is another in URLs and in base64.
const KEY: &str = "Zq7/AAAA+BBBB=CCCC-0123456789";
const IN_URLS: &str = "Zq7%2FAAAA%2BBBBB%3DCCCC-0123456789";
const IN_BASE64: &str = "WnE3L0FBQUErQkJCQj1DQ0NDLTAxMjM0NTY3ODk";

/// What a server gets, and how it tells everybody.
fn echoes(request: &Request) -> Reply {
    let key = request.header("authorization").unwrap_or_default().trim_start_matches("Bearer ").to_owned();
    let encoded = key.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let body = serde_json::json!({"error": {"message": format!("wrong key {key}, {encoded}, {IN_BASE64}=, Bearer {key}"),
        "type": "invalid_request_error", "code": key}});
    let body = body.to_string();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-request-id", key.clone()),
        ("content-length", body.len().to_string()),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Reply::head(401, &headers).in_pieces(body, 1)
}

fn openai(url: &str, source: &str) -> String {
    format!("[[hosts]]\nname = 'a'\nurl = '{url}'\ndialect = 'openai'\nmodels = ['m']\n{source}\n")
}

#[test]
fn a_key_that_the_server_repeats_is_nowhere() {
    let (a, b) = (ModelServer::start(), well("b"));
    a.script_with(Speaks::OpenAi.path(), echoes);
    a.script_with("/v1/models", echoes);
    let table = openai(&a.url(), "api_key_env = 'A_KEY'");
    let scratch = Scratch::configured(&(table.clone() + &host("b", &b.url(), 2, "")));
    let run = |scratch: &Scratch, words: &[&str]| {
        let words = [words, &["-vv", "--log-stderr"]].concat();
        Done::of(scratch.command().env("A_KEY", KEY).args(words))
    };
    let mut said = Vec::new();
    for words in [
        &["ask", "hello", "--json"][..],
        &["ask", "hello"],
        &["host", "check", "a"],
        &["host", "list"],
        &["status", "--json"],
    ] {
        said.push(run(&scratch, words));
    }
    assert_eq!(document(&said[0])["host"], "b", "{}", said[0].stderr);
    scratch.configure(&table);
    scratch.ok(&["host", "reset", "a"]);
    for words in [&["ask", "hello", "--json"][..], &["ask", "hello"]] {
        let done = run(&scratch, words);
        assert!(matches!(done.code, Some(1..=2)), "{done:?}");
        said.push(done);
    }
    assert!(a.requests().iter().any(|request| request.header("authorization").is_some()), "it was sent");
    for done in &said {
        let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), done.stderr);
        for form in [KEY, IN_URLS, IN_BASE64] {
            assert!(!text.contains(form), "{form}: {text}");
        }
    }
    assert_nowhere(&scratch, &[KEY, IN_URLS, IN_BASE64]);
}

#[test]
fn a_key_is_in_no_list_of_processes() {
    let a = ModelServer::start();
    a.lists(Speaks::OpenAi, &["m"]);
    a.script(Speaks::OpenAi.path(), Speaks::OpenAi.answer("m", "a").held());
    let scratch = Scratch::configured(&openai(&a.url(), "api_key_env = 'A_KEY'"));
    let mut command = scratch.command();
    let child = command.env("A_KEY", KEY).args(["ask", "hello"]).stdout(Stdio::piped()).spawn().unwrap();
    a.wait_for(Speaks::OpenAi.path(), 1);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(KEY), "{}", entry.path().display());
    }
    a.release_all();
    assert_eq!(output_of(child).stdout, b"a\n");
}

// llm L51
#[test]
fn a_key_file_that_others_may_read_is_not_used() {
    let a = ModelServer::answering(Speaks::OpenAi, &["m"], "a");
    let scratch = Scratch::configured(&openai(&a.url(), "api_key_file = '~/a.key'"));
    let file = scratch.path("home/a.key");
    let write = |text: &str, mode: u32| {
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (text, mode) in [(KEY, 0o644), ("Zq7/AAAA\n+BBBB=CCCC-0123456789\n", 0o600)] {
        write(text, mode);
        let done = scratch.run(&["ask", "hello"]);
        done.refused(2);
        assert!(done.stderr.contains("a.key"), "{}", done.stderr);
        assert!(!done.stderr.contains("AAAA") && !done.stderr.contains("BBBB"), "{}", done.stderr);
    }
    assert_eq!(a.questions(), 0);
    write(&format!("{KEY}\n"), 0o600);
    assert_eq!(scratch.ok(&["ask", "hello"]), "a\n");
    let sent = a.requests();
    let sent = sent.iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
}
