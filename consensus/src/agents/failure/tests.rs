//! The ends of attempts. Texts that are marked so were printed by these programs without a key, a network or an
//! empty folder of their own (November 2026: claude 2.1.197, codex 0.169.0, gemini 0.61.0, opencode 1.18.33).

use std::io;

use proptest::prelude::*;

use super::super::presets::MODEL;
use super::{Ended, Failed, Judged, judge, one_line};
use crate::agents::{AgentDefinition, PRESETS, Written, preset};
use crate::answer::Found;

fn ended<'a>(exit_code: i32, stdout: &'a str, stderr: &'a str) -> Ended<'a> {
    Ended {
        exit_code: Some(exit_code),
        stdout: Written::whole(stdout.as_bytes()),
        stderr: Written::whole(stderr.as_bytes()),
        ..Ended::default()
    }
}

#[track_caller]
fn failure(name: &str, ended: &Ended<'_>) -> Failed {
    match judge(preset(name), ended, true) {
        Judged::Failed(failed) => failed,
        Judged::Answer(answer) => panic!("an answer: {answer:?}"),
    }
}

/// Class, message and the beginning of the hint.
#[track_caller]
fn check(name: &str, ended: &Ended<'_>, class: &str, message: &str, hint: Option<&str>) {
    let failed = failure(name, ended);
    assert_eq!(failed.class.to_string(), class, "{}", failed.message);
    assert_eq!(failed.message, message);
    match hint {
        Some(hint) => {
            assert!(failed.hint.as_deref().is_some_and(|said| said.contains(hint)), "{:?}", failed.hint);
        }
        None => assert_eq!(failed.hint, None),
    }
}

const CLAUDE_NOT_LOGGED_IN: &str = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":null,"duration_ms":252,"duration_api_ms":0,"num_turns":1,"result":"Not logged in · Please run /login","stop_reason":"stop_sequence","session_id":"6f1c0a52-0000-4000-8000-00000000000a","total_cost_usd":0,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0,"server_tool_use":{"web_search_requests":0,"web_fetch_requests":0},"service_tier":"standard"},"modelUsage":{},"permission_denials":[],"terminal_reason":"completed","fast_mode_state":"off","uuid":"350bfb08-4b72-465b-8a79-748682365d39"}"#;

const CODEX_RECONNECTS: &str = r#"{"type":"thread.started","thread_id":"01a1fea4-50b9-73a1-aefb-34ca45c91c5a"}
{"type":"turn.started"}
{"type":"error","message":"Reconnecting... 2/5 (stream disconnected before completion: failed to lookup address information: Name does not resolve)"}
{"type":"error","message":"Reconnecting... 5/5 (stream disconnected before completion: failed to lookup address information: Name does not resolve)"}
{"type":"item.completed","item":{"id":"item_0","type":"error","message":"Falling back from WebSockets to HTTPS transport. stream disconnected before completion: failed to lookup address information: Name does not resolve"}}
{"type":"error","message":"Reconnecting... waiting for network (Connection failed: error sending request)"}
"#;

const CODEX_LOG: &str = "2026-11-21T15:05:43.902874Z ERROR codex_api::endpoint::responses_websocket: failed to connect to Responses WebSocket stage=Unknown\n";

const GEMINI_NO_AUTH: &str = r#"{
  "session_id": "6f1c0a52-0000-4000-8000-00000000000b",
  "error": {
    "type": "Error",
    "message": "Please set an Auth method in your /home/ada/.gemini/settings.json or specify one of the following environment variables before running: GEMINI_API_KEY, GOOGLE_GENAI_USE_VERTEXAI, GOOGLE_GENAI_USE_GCA",
    "code": 41
  }
}
"#;

#[test]
fn observed_without_a_login() {
    let wanted = "exit code 1: Not logged in · Please run /login";
    check("claude", &ended(1, CLAUDE_NOT_LOGGED_IN, ""), "permanent (denied)", wanted, Some("/login"));
    check(
        "claude",
        &ended(1, "Not logged in · Please run /login\n", ""),
        "permanent (denied)",
        wanted,
        Some("/login"),
    );
    let failed = failure("claude", &ended(1, CLAUDE_NOT_LOGGED_IN, ""));
    assert_eq!(failed.session_id.as_deref(), Some("6f1c0a52-0000-4000-8000-00000000000a"));
    assert_eq!(failed.usage.cost_usd, Some(0.0), "reported, so known");
    let failed = failure("gemini", &ended(41, "", GEMINI_NO_AUTH));
    assert_eq!(failed.class.to_string(), "permanent (denied)");
    assert!(
        failed.message.starts_with("exit code 41: Please set an Auth method in your "),
        "{}",
        failed.message
    );
    assert!(failed.hint.unwrap().contains("GEMINI_API_KEY"));
}

#[test]
fn observed_without_a_network() {
    let ended = Ended {
        timed_out: true,
        signal: Some(15),
        stdout: Written::whole(CODEX_RECONNECTS.as_bytes()),
        stderr: Written::whole(CODEX_LOG.as_bytes()),
        ..Ended::default()
    };
    let wanted = "no answer within its time: Reconnecting... 2/5 (stream disconnected before completion: failed to lookup address information: Name does not resolve)";
    check("codex", &ended, "retryable (dns)", wanted, None);
    assert_eq!(failure("codex", &ended).session_id.as_deref(), Some("01a1fea4-50b9-73a1-aefb-34ca45c91c5a"));
    // opencode says nothing at all until its time is over.
    let silent = Ended { timed_out: true, signal: Some(15), ..Ended::default() };
    check("opencode", &silent, "retryable (timeout)", "no answer within its time", None);
}

#[test]
fn observed_with_wrong_arguments() {
    let option = Some("does not know an option");
    let input = "permanent (invalid_input)";
    check(
        "claude",
        &ended(1, "", "error: unknown option '--nope'\n(Did you mean --name?)\n"),
        input,
        "exit code 1: error: unknown option '--nope'",
        option,
    );
    let words =
        "Error: Input must be provided either through stdin or as a prompt argument when using --print";
    check("claude", &ended(1, "", words), input, &format!("exit code 1: {words}"), None);
    check(
        "codex",
        &ended(
            2,
            "",
            "error: unexpected argument '--nope' found\n\n  tip: to pass '--nope' as a value, use '-- --nope'\n\nUsage: codex exec [OPTIONS] [PROMPT]\n       codex exec [OPTIONS] <COMMAND> [ARGS]\n\nFor more information, try '--help'.\n",
        ),
        input,
        "exit code 2: error: unexpected argument '--nope' found",
        option,
    );
    let words = "Not inside a trusted directory and --skip-git-repo-check was not specified.";
    check(
        "codex",
        &ended(1, "", &format!("Reading additional input from stdin...\n{words}\n")),
        input,
        &format!("exit code 1: {words}"),
        Some("--skip-git-repo-check"),
    );
    check(
        "codex",
        &ended(1, "", "No prompt provided via stdin.\n"),
        input,
        "exit code 1: No prompt provided via stdin.",
        None,
    );
    let usage = "Unknown argument: nope\nUsage: gemini [options] [command]\n\nGemini CLI - Defaults to interactive mode. Use -p/--prompt for non-interactive (headless) mode.\n\nCommands:\n  gemini mcp                   Manage MCP servers\n";
    check("gemini", &ended(1, "", usage), input, "exit code 1: Unknown argument: nope", option);
    let usage = "opencode run [message..]\n\nrun opencode with a message\n\nPositionals:\n  message  message to send                                                     [array] [default: []]\n";
    check("opencode", &ended(1, "", usage), input, "exit code 1: opencode run [message..]", option);
    check(
        "opencode",
        &ended(1, "", "\u{1b}[91m\u{1b}[1mError: \u{1b}[0mYou must provide a message or a command\n"),
        input,
        "exit code 1: Error: You must provide a message or a command",
        None,
    );
}

/// opencode asked for a model that nobody has.
#[test]
fn observed_with_an_unknown_model() {
    let stdout = r#"{"type":"error","timestamp":1795273542396,"sessionID":"ses_e015bb95cffeiSLxlHwQ0xYHli","error":{"name":"UnknownError","data":{"message":"Unexpected server error. Check server logs for details.","ref":"err_ad0a2ffe"}}}"#;
    let wanted = "exit code 1: UnknownError: Unexpected server error. Check server logs for details.";
    check("opencode", &ended(1, stdout, ""), "permanent (unknown)", wanted, None);
}

#[test]
fn other_failures_by_their_words() {
    for (name, exit_code, stdout, stderr, class) in [
        ("gemini", 53, "", "Reached max session turns", "permanent (invalid_input)"),
        ("gemini", 130, "", "", "retryable (interrupted)"),
        (
            "gemini",
            1,
            "",
            "[API Error: You have exhausted your daily quota on this model.]",
            "permanent (quota_exhausted)",
        ),
        ("opencode", 1, "", "Error: database is locked", "retryable (database_locked)"),
        ("mine", 1, "", "HTTP 429: retry after 5 seconds", "retryable (rate_limited, not before 5s)"),
        ("mine", 1, "", "starting\nerror: connection refused\nbye", "retryable (connection)"),
        ("mine", 1, "rate limit exceeded", "", "retryable (rate_limited)"),
        ("mine", 3, "{\"a\":1}", "", "permanent (unknown)"),
        ("mine", 1, "", "", "permanent (unknown)"),
    ] {
        let failed = failure(name, &ended(exit_code, stdout, stderr));
        assert_eq!(failed.class.to_string(), class, "{name} {}", failed.message);
    }
    check("mine", &ended(9, "", ""), "permanent (unknown)", "exit code 9", None);
}

#[test]
fn an_answer_needs_exit_code_0() {
    let json = r#"{"a":"yes"}"#;
    let Judged::Answer(answer) = judge(None, &ended(0, &format!(" {json}\n"), "warning: old"), true) else {
        panic!("no answer");
    };
    assert_eq!((answer.content, answer.found), (json.into(), Found::Whole));
    assert!(matches!(judge(None, &ended(1, json, ""), true), Judged::Failed(_)));
    let killed = Ended { exit_code: None, signal: Some(9), ..ended(0, json, "") };
    check("mine", &killed, "retryable (interrupted)", "ended by signal 9: {\"a\":\"yes\"}", None);
    let Judged::Answer(answer) = judge(None, &ended(0, "no JSON here", ""), true) else {
        panic!("no answer")
    };
    assert_eq!(answer.found, Found::Text, "for the verdict to judge");
}

#[test]
fn exit_code_0_without_an_answer_is_degraded() {
    let degraded = "degraded (0 of 1)";
    check("opencode", &ended(0, "", ""), degraded, "it ended well, and answered nothing", None);
    check(
        "opencode",
        &ended(0, " \n", "database is locked"),
        degraded,
        "it ended well, and answered nothing: database is locked",
        None,
    );
    check(
        "mine",
        &ended(0, r#"{"a":"<why>"}"#, ""),
        degraded,
        "its answer is the template, echoed back",
        None,
    );
    let cut = ended(0, r#"{"a": "b"#, "");
    let cut = Ended { stdout: Written { cut: Some(3), ..cut.stdout }, ..cut };
    let wanted = "its output was cut at the limit, and what is left holds no whole JSON";
    check("mine", &cut, degraded, wanted, None);
    let denied = ended(0, "", "Please run /login");
    let wanted = "it ended well, and answered nothing: Please run /login";
    check("claude", &denied, "permanent (denied)", wanted, Some("/login"));
    let reported = CLAUDE_NOT_LOGGED_IN;
    let wanted = "reports an error: Not logged in · Please run /login";
    check("claude", &ended(0, reported, ""), "permanent (denied)", wanted, Some("/login"));
}

/// Text may be cut, and says so; JSON is never put together from parts, and neither is a wrapper.
#[test]
fn what_is_missing_is_no_part_of_an_answer() {
    let bytes = b"one {\ntwo\nthr}ee {}\nfour\n";
    let ended = |bytes: &'static [u8], cut| Ended {
        exit_code: Some(0),
        stdout: Written { bytes, cut: Some(cut) },
        ..Ended::default()
    };
    let Judged::Answer(answer) = judge(None, &ended(bytes, 12), false) else { panic!("no answer") };
    assert_eq!(answer.content, b"one {\ntwo\n[cut here: some of the output is missing]\nfour");
    assert!(matches!(judge(None, &ended(bytes, 12), true), Judged::Failed(_)));
    let wrapper = b"{\"type\":\"result\",\n\"result\":\"x\"}\n";
    for wants_json in [true, false] {
        assert!(matches!(judge(preset("claude"), &ended(wrapper, 10), wants_json), Judged::Failed(_)));
    }
}

#[test]
fn programs_that_do_not_start_say_why() {
    for (kind, class, hint) in [
        (io::ErrorKind::NotFound, "permanent (not_found)", Some("npm install")),
        (io::ErrorKind::PermissionDenied, "permanent (denied)", Some("not executable")),
        (io::ErrorKind::ArgumentListTooLong, "permanent (invalid_input)", Some("{prompt_file}")),
        (io::ErrorKind::ExecutableFileBusy, "retryable (interrupted)", None),
        (io::ErrorKind::WouldBlock, "retryable (interrupted)", None),
    ] {
        let error = io::Error::from(kind);
        let ended = Ended { not_started: Some(&error), ..Ended::default() };
        check("codex", &ended, class, &format!("could not be started: {error}"), hint);
    }
}

#[test]
fn messages_are_one_short_line() {
    assert_eq!(one_line(" a\n\tb\u{7}\u{1b}[1;31mred\u{1b}[0m  c\r\n"), "a bred c");
    assert_eq!(one_line(&"é".repeat(1000)).chars().count(), 301);
    assert_eq!(one_line("\u{1b}["), "");
    let long = "x".repeat(1 << 20);
    assert!(failure("claude", &ended(1, &long, &long)).message.len() < 400);
}

#[test]
fn a_model_says_by_its_exit_whether_to_try_again() {
    let model = AgentDefinition { model: Some("m".to_owned()), ..preset("claude").unwrap().definition() };
    let failed = |code, class: &str| {
        let stdout = format!(r#"{{"error":{{"message":"no luck","class":"{class}"}}}}"#);
        match judge(model.known(), &ended(code, &stdout, "error: no luck"), true) {
            Judged::Failed(failed) => failed,
            Judged::Answer(answer) => panic!("an answer: {answer:?}"),
        }
    };
    for (code, class, wanted) in [
        (1, "busy", "retryable (unavailable)"),
        (2, "bad_request", "permanent (invalid_input)"),
        (2, "auth", "permanent (denied)"),
        (3, "fault", "retryable (connection)"),
        (4, "deadline", "retryable (timeout)"),
        (130, "cancelled", "retryable (interrupted)"),
    ] {
        let failed = failed(code, class);
        assert_eq!(failed.class.to_string(), wanted, "{code} {class}");
        assert_eq!(failed.message, format!("exit code {code}: no luck"));
    }
    assert!(failed(2, "auth").hint.unwrap().contains("conclave host check"));
}

proptest! {
    #[test]
    fn any_end_is_judged(
        row in 0..PRESETS.len() + 2,
        exit_code in prop::option::of(-1..256_i32),
        signal in prop::option::of(1..64_i32),
        timed_out: bool,
        gap in prop::option::of(0..900_usize),
        wants_json: bool,
        begin in prop::sample::select(vec![
            "", CLAUDE_NOT_LOGGED_IN, CODEX_RECONNECTS, GEMINI_NO_AUTH, "Aider v1\n\nTokens: ",
            "{\"type\":\"turn.failed\",\"error\":", "{\"sessionID\":1,\"type\":\"text\",\"part\":{}}\n", "retry after ",
            "{\"text\":\"x\",\"tokens\":[]}\n", "{\"error\":{\"attempts\":[{}]}}",
        ]),
        cut in 0..900_usize,
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut stdout = begin.as_bytes()[..cut.min(begin.len())].to_vec();
        stdout.extend_from_slice(&noise);
        let mut stderr = noise.clone();
        stderr.extend_from_slice(begin.as_bytes());
        let gap = gap.map(|at| at.min(stdout.len()));
        let (out, errors) = (Written { bytes: &stdout, cut: gap }, Written::whole(&stderr));
        let ended = Ended { exit_code, signal, timed_out, not_started: None, stdout: out, stderr: errors };
        let model = (row > PRESETS.len()).then_some(&MODEL);
        match judge(PRESETS.get(row).or(model), &ended, wants_json) {
            Judged::Answer(answer) => {
                prop_assert!(exit_code == Some(0) && signal.is_none() && !timed_out);
                prop_assert!(!answer.content.is_empty());
            }
            Judged::Failed(failed) => {
                prop_assert!(!failed.message.is_empty() && failed.message.chars().count() < 400);
                prop_assert!(!failed.message.chars().any(char::is_control));
            }
        }
    }
}
