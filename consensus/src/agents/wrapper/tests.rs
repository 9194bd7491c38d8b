//! What each agent puts around its answer: the formats as its vendor documents them, and as observed where a run
//! without a key shows them.

use super::super::presets::Format;
use super::{Away, Said, Written, unwrap};

fn said(format: Format, stdout: &str) -> Said<'_> {
    unwrap(Some(format), Written::whole(stdout.as_bytes()))
}

fn answer<'a>(said: &'a Said<'_>) -> Option<&'a str> {
    said.answer.as_deref().map(|answer| std::str::from_utf8(answer).unwrap())
}

const CLAUDE: &str = r#"{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"num_turns":1,"result":"Here:\n{\"a\":1}","session_id":"s-1","total_cost_usd":0.5,"usage":{"input_tokens":3,"output_tokens":4}}"#;

#[test]
fn claude_has_a_result_line() {
    let stream = format!(
        "{}\n{}\n{CLAUDE}\n",
        r#"{"type":"system","subtype":"init","session_id":"s-1"}"#,
        r#"{"type":"assistant","message":{"content":[{"type":"text","text":"wrong"}]}}"#
    );
    let list = format!("[{},\n{CLAUDE}]", r#"{"type":"system","subtype":"init"}"#);
    for stdout in [CLAUDE, &format!("{CLAUDE}\n"), &stream, &list] {
        let said = said(Format::Claude, stdout);
        assert_eq!(answer(&said), Some("Here:\n{\"a\":1}"), "{stdout}");
        assert_eq!((said.error, said.session_id.as_deref()), (None, Some("s-1")));
        assert_eq!((said.usage.input_tokens, said.usage.cost_usd), (Some(3), Some(0.5)));
    }
}

#[test]
fn claude_answers_to_a_schema_beside_its_text() {
    let line = |result: &str| {
        let line = CLAUDE.replace(r#""session_id""#, r#""structured_output":{"b":2},"session_id""#);
        line.replace(r#""Here:\n{\"a\":1}""#, result)
    };
    for (result, wanted) in
        [(r#""Done.""#, r#"{"b":2}"#), (r#""{ \"b\": 2 }""#, r#"{ "b": 2 }"#), ("null", r#"{"b":2}"#)]
    {
        assert_eq!(answer(&said(Format::Claude, &line(result))), Some(wanted), "{result}");
    }
}

#[test]
fn success_means_nothing_beside_an_error() {
    let line = CLAUDE
        .replace(r#""is_error":false,"api_error_status":null"#, r#""is_error":true,"api_error_status":529"#);
    let failed = said(Format::Claude, &line);
    assert_eq!((answer(&failed), failed.status), (None, Some(529)));
    assert_eq!(failed.usage.cost_usd, Some(0.5), "it cost all the same");
    let line = r#"{"type":"result","subtype":"error_max_turns","is_error":false,"session_id":"s"}"#;
    assert_eq!(said(Format::Claude, line).error.as_deref(), Some("error_max_turns"));
    let cut = said(
        Format::Claude,
        "{\"type\":\"system\",\"subtype\":\"init\",\"session_id\":\"s\"}\n{\"type\":\"assi",
    );
    assert_eq!((answer(&cut), cut.session_id.as_deref()), (None, Some("s")));
}

#[test]
fn codex_answers_with_its_last_message() {
    let stdout = r#"{"type":"thread.started","thread_id":"t-1"}
{"type":"turn.started"}
{"type":"error","message":"Reconnecting... 2/5 (stream disconnected before completion: error)"}
{"type":"item.completed","item":{"id":"item_0","type":"reasoning","text":"thinking"}}
{"type":"item.completed","item":{"id":"item_1","type":"agent_message","text":"I look."}}
{"type":"item.completed","item":{"id":"item_2","type":"command_execution","command":"ls","aggregated_output":"","exit_code":0,"status":"completed"}}
{"type":"item.completed","item":{"id":"item_3","type":"agent_message","text":"{\"a\":1}"}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":80,"output_tokens":30}}
"#;
    let answered = said(Format::Codex, stdout);
    assert_eq!(answer(&answered), Some("{\"a\":1}"));
    assert_eq!((answered.error, answered.session_id.as_deref()), (None, Some("t-1")));
    assert_eq!((answered.usage.input_tokens, answered.usage.cost_usd), (Some(20), None));
    let failed = said(
        Format::Codex,
        r#"{"type":"thread.started","thread_id":"t-1"}
{"type":"error","message":"You've hit your usage limit."}
{"type":"turn.failed","error":{"message":"You've hit your usage limit. Try again later."}}"#,
    );
    assert_eq!(failed.error.as_deref(), Some("You've hit your usage limit. Try again later."));
}

#[test]
fn gemini_answers_with_one_object() {
    let stdout = r#"{
  "session_id": "g-1",
  "response": "Hello\n",
  "stats": {"models": {"pro": {"tokens": {"prompt": 9, "candidates": 2, "cached": 4, "thoughts": 1}}}}
}"#;
    for stdout in [stdout, &format!("Loaded cached credentials.\n{stdout}\n")] {
        let said = said(Format::Gemini, stdout);
        assert_eq!((answer(&said), said.session_id.as_deref()), (Some("Hello\n"), Some("g-1")));
        assert_eq!((said.usage.input_tokens, said.usage.cache_read_tokens), (Some(5), Some(4)));
    }
    let failed = said(Format::Gemini, r#"{"error": {"type": "ApiError", "message": "busy", "code": 503}}"#);
    assert_eq!((failed.error.as_deref(), failed.status), (Some("busy"), Some(503)));
    let empty = said(Format::Gemini, r#"{"response": "", "stats": {}}"#);
    assert_eq!((answer(&empty), empty.error.as_deref()), (None, None));
}

#[test]
fn opencode_answers_with_its_last_message() {
    let stdout = r#"{"type":"step_start","timestamp":1,"sessionID":"ses_1","part":{"messageID":"m1","type":"step-start"}}
{"type":"text","timestamp":2,"sessionID":"ses_1","part":{"messageID":"m1","type":"text","text":"I look."}}
{"type":"tool_use","timestamp":3,"sessionID":"ses_1","part":{"messageID":"m1","type":"tool"}}
{"type":"step_finish","timestamp":4,"sessionID":"ses_1","part":{"messageID":"m1","cost":0.1,"tokens":{"input":5,"output":1}}}
{"type":"text","timestamp":5,"sessionID":"ses_1","part":{"messageID":"m2","type":"text","text":"Here:"}}
{"type":"text","timestamp":6,"sessionID":"ses_1","part":{"messageID":"m2","type":"text","text":"{\"a\":1}"}}
{"type":"step_finish","timestamp":7,"sessionID":"ses_1","part":{"messageID":"m2","cost":0.2,"tokens":{"input":6,"output":2}}}
"#;
    let answered = said(Format::Opencode, stdout);
    assert_eq!(answer(&answered), Some("Here:\n{\"a\":1}"));
    assert_eq!((answered.usage.input_tokens, answered.usage.output_tokens), (Some(11), Some(3)));
    assert!(answered.usage.cost_usd.is_some_and(|cost| (cost - 0.3).abs() < 1e-9));
    let failed = said(
        Format::Opencode,
        r#"{"type":"error","timestamp":1,"sessionID":"ses_1","error":{"name":"APIError","data":{"message":"slow down","statusCode":429}}}"#,
    );
    assert_eq!((failed.error.as_deref(), failed.status), (Some("APIError: slow down"), Some(429)));
}

#[test]
fn aider_answers_between_its_banner_and_its_report() {
    let stdout = "Aider v0.86.1\nModel: x with ask edit format\nGit repo: none\n\nThe answer.\n{\"a\": 1}\n\nTokens: 2.1k sent, 345 received. Cost: $0.01 message, $0.02 session.\n";
    let answered = said(Format::Aider, stdout);
    assert_eq!(answer(&answered), Some("The answer.\n{\"a\": 1}\n\n"));
    assert_eq!(answered.usage.input_tokens, Some(2100));
    assert_eq!(answer(&said(Format::Aider, "Just text.\n")), Some("Just text.\n"));
}

/// The command may ask for another format, or be a script of the same name.
#[test]
fn what_is_not_wrapped_is_the_answer() {
    for stdout in
        ["", "text", "{\"a\":1}", "{\"type\":\"plan\"}\n", "[1]", "{", "{\"type\":\"result\"}", "\u{0}"]
    {
        for format in [Format::Claude, Format::Codex, Format::Gemini, Format::Opencode, Format::Aider] {
            assert_eq!(answer(&said(format, stdout)), Some(stdout), "{format:?}");
        }
        assert_eq!(answer(&unwrap(None, Written::whole(stdout.as_bytes()))), Some(stdout));
    }
}

/// With this at its beginning and this behind what is missing.
fn with_gap(format: Format, beginning: &str, end: &str) -> (Option<String>, Option<String>) {
    let bytes = [beginning, end].concat();
    let said = unwrap(Some(format), Written { bytes: bytes.as_bytes(), cut: Some(beginning.len()) });
    (answer(&said).map(str::to_owned), said.session_id)
}

#[test]
fn an_answer_behind_a_gap_is_found_and_one_before_it_is_none() {
    let claude = "{\"type\":\"system\",\"session_id\":\"s-1\"}\n{\"type\":\"assi";
    let found = with_gap(Format::Claude, claude, &format!("st\"}}\n{CLAUDE}\n"));
    assert_eq!(found, (Some("Here:\n{\"a\":1}".into()), Some("s-1".into())));
    let codex = "{\"type\":\"thread.started\",\"thread_id\":\"t\"}\n{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"I look.\"}}\n{\"type\":";
    let message = "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"{}\"}}\n";
    let completed = "{\"type\":\"turn.completed\",\"usage\":{}}\n";
    for (end, wanted) in [
        (format!("x\n{message}{completed}"), Some("{}")),
        // The closing event is missing, or the answer is.
        (format!("x\n{message}"), None),
        (format!("x\n{completed}"), None),
        (format!("x\n{message}{completed}{}", "{\"type\":\"item.started\"}\n"), None),
        // A line that began in the gap is none, whatever it looks like.
        (format!("{message}{completed}"), None),
        (String::new(), None),
    ] {
        assert_eq!(
            with_gap(Format::Codex, codex, &end),
            (wanted.map(str::to_owned), Some("t".into())),
            "{end}"
        );
    }
    let event = |kind: &str, message: &str| {
        format!(
            "{{\"type\":\"{kind}\",\"sessionID\":\"o\",\"part\":{{\"messageID\":\"{message}\",\"text\":\"of {message}\"}}}}\n"
        )
    };
    let begun = [event("step_start", "m1"), event("text", "m1"), event("step_finish", "m1")].concat();
    for (end, wanted) in [
        (vec![("step_start", "m2"), ("text", "m2"), ("step_finish", "m2")], Some("of m2")),
        (
            vec![("step_start", "m2"), ("text", "m2"), ("step_finish", "m2"), ("step_start", "m3")],
            Some("of m2"),
        ),
        // Some of its texts may be missing.
        (vec![("text", "m2"), ("step_finish", "m2")], None),
        (vec![("step_start", "m2"), ("text", "m2")], None),
        (vec![("step_start", "m2"), ("step_finish", "m2")], None),
        (vec![], None),
    ] {
        let end: String = end.iter().map(|(kind, message)| event(kind, message)).collect();
        let found = with_gap(Format::Opencode, &begun, &format!("x\n{end}"));
        assert_eq!(found, (wanted.map(str::to_owned), Some("o".into())), "{end}");
    }
    let gemini = "{\n  \"response\": \"Hello\"\n}\n";
    assert_eq!(
        with_gap(Format::Gemini, "noise\n", &format!("x\n{{\"log\":1}}\n{gemini}")).0.as_deref(),
        Some("Hello")
    );
    assert_eq!(with_gap(Format::Gemini, "{\n \"response\": \"He", "llo\"\n}\n").0, None);
    assert_eq!(with_gap(Format::Claude, "[{\"type\":\"system\"},", &format!("{CLAUDE}]")).0, None);
}

#[test]
fn a_model_answers_in_one_document() {
    let answered = said(
        Format::Model,
        r#"{"text":"{\"a\":1}","host":"h","model":"m","tokens":{"in":21,"out":3,"estimated":false},"warnings":[]}"#,
    );
    assert_eq!((answer(&answered), &answered.error), (Some("{\"a\":1}"), &None));
    assert_eq!((answered.usage.input_tokens, answered.usage.output_tokens), (Some(21), Some(3)));
    let estimated = r#"{"text":"x","tokens":{"in":21,"out":3,"estimated":true}}"#;
    assert_eq!(said(Format::Model, estimated).usage.input_tokens, None, "what is not known is not 0");
    let empty = said(Format::Model, "{\"text\":\"\",\n\"host\":\"h\"}");
    assert_eq!((answer(&empty), &empty.error), (Some(""), &None));
    let failed = said(
        Format::Model,
        r#"{"error":{"kind":"all-failed","message":"no host answered","class":"fault","attempts":[
            {"host":"a","message":"503: busy"},{"host":"b","message":null},{"host":"c","message":"cut"}]}}"#,
    );
    assert_eq!(failed.error.as_deref(), Some("no host answered; a: 503: busy; c: cut"));
    assert_eq!((failed.status, answer(&failed)), (Some(400), None));
    assert_eq!(failed.away, None, "the question may be to blame");
    let without = said(Format::Model, r#"{"error":{"class":"auth"}}"#);
    assert_eq!((without.error.as_deref(), without.status), (Some("an error without words"), Some(401)));
}

#[test]
fn hosts_that_take_no_question_are_told_from_a_question_that_failed() {
    let open = r#""skipped":[{"host":"a","why":"open","message":"unreachable: refused"},{"host":"b","why":"blocked"}]"#;
    let at = r#""retry_at":"1970-01-01T00:00:30Z""#;
    let asked = |class: &str| format!(r#""attempts":[{{"host":"a","class":"{class}","message":"words"}}]"#);
    let (until, full) = (Some(30_000), Away { until: None, is_full: true });
    let none = Away::default();
    for (fields, wanted) in [
        (format!(r#""kind":"unavailable","attempts":[],{open},{at}"#), Some(Away { until, ..none })),
        (r#""kind":"unavailable","skipped":[{"host":"a","why":"full"}]"#.to_owned(), Some(full)),
        (r#""kind":"unavailable","skipped":[{"host":"a","why":"probing"}]"#.to_owned(), Some(full)),
        (
            format!(r#""kind":"unavailable","class":"busy",{},{at}"#, asked("busy")),
            Some(Away { until, ..full }),
        ),
        (format!(r#""kind":"all-failed","class":"unreachable",{}"#, asked("unreachable")), Some(none)),
        (format!(r#""kind":"all-failed","class":"throttled",{}"#, asked("overloaded")), Some(none)),
        (format!(r#""kind":"all-failed","class":"unreachable",{}"#, asked("fault")), None),
        (format!(r#""kind":"all-failed","class":"cut",{}"#, asked("unreachable")), None),
        (r#""kind":"refused","class":"bad_request""#.to_owned(), None),
    ] {
        let text = format!("{{\"error\":{{\"message\":\"no\",{fields}}}}}");
        assert_eq!(said(Format::Model, &text).away, wanted, "{text}");
    }
    let text = format!("{{\"error\":{{\"message\":\"nobody\",{open}}}}}");
    let words = "nobody; a is passed over (open): unreachable: refused; b is passed over (blocked)";
    assert_eq!(said(Format::Model, &text).error.as_deref(), Some(words), "each host and why");
}
