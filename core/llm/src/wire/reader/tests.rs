use serde_json::json;

use super::super::recorded::{RECORDED, Read, read};
use super::super::{ANSWER_LIMIT, LINE_LIMIT, Nothing};
use super::*;
use crate::answer::Finish;
use crate::class::Class;
use crate::wire::{Heard, of_answer};

const EVENTS: Option<&str> = Some("text/event-stream");
const LINES: Option<&str> = Some("application/x-ndjson");
const JSON: Option<&str> = Some("application/json");

fn whole(dialect: Dialect, content_type: Option<&str>, body: &str) -> Read {
    read(dialect, content_type, [body.as_bytes()])
}

fn reply(dialect: Dialect, content_type: Option<&str>, body: &str) -> Reply {
    whole(dialect, content_type, body).reply.unwrap_or_else(|unread| panic!("{unread:?} of {body}"))
}

fn class(dialect: Dialect, read: &Read) -> Class {
    let Err(unread) = &read.reply else { panic!("an answer: {read:?}") };
    of_answer(&Heard { dialect, status: 200, headers: &[], body: &[], now_ms: 0 }, Some(unread)).class
}

// llm L34
#[test]
fn an_answer_cut_anywhere_is_never_whole_before_its_marker() {
    for recorded in &RECORDED {
        let marked = recorded.body.find(recorded.marker).expect("has its marker") + recorded.marker.len();
        let mut before = String::new();
        for k in 0..=recorded.body.len() {
            let part = recorded.body.as_bytes().get(..k).expect("within");
            let heard = read(recorded.dialect, Some(recorded.content_type), [part]);
            assert!(recorded.text.starts_with(&heard.text), "{:?} after {k}: {heard:?}", recorded.dialect);
            assert!(heard.text.starts_with(&before), "the text of {k} bytes is shorter than before");
            assert_eq!(heard.partial.len().max(heard.text.len()), heard.text.len());
            before.clone_from(&heard.text);
            match heard.reply {
                Ok(reply) => {
                    assert!(k >= marked, "{:?} whole after {k} of {marked} bytes", recorded.dialect);
                    assert_eq!(
                        (reply.text.as_str(), heard.thinking.as_str()),
                        (recorded.text, recorded.thinking)
                    );
                }
                Err(unread) => {
                    assert!(k < marked, "{:?} {unread:?} after {k} of {marked} bytes", recorded.dialect);
                    assert!(k == 0 || unread == Unread::Cut, "{:?} after {k}: {unread:?}", recorded.dialect);
                }
            }
        }
        assert_eq!(before, recorded.text);
    }
}

// llm L35
#[test]
fn chunks_ends_of_lines_comments_and_pings_change_nothing() {
    for recorded in &RECORDED {
        let plain = recorded.body.to_owned();
        let mut forms = vec![plain.clone(), format!("\u{feff}{plain}"), plain.replace('\n', "\r\n")];
        if recorded.content_type.starts_with("text/event-stream") {
            forms.push(plain.replace('\n', "\r"));
            forms.push(plain.replace("\n\n", "\n\n: keep\n\n"));
            forms
                .push(plain.replace("\n\n", "\r\n\r\nevent: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n:\r\n"));
        }
        if recorded.content_type.starts_with("application/x-ndjson") {
            forms.push(plain.replace('\n', "\n\n \n"));
        }
        for body in &forms {
            for size in (1..20).chain([4096]) {
                let heard = read(recorded.dialect, Some(recorded.content_type), body.as_bytes().chunks(size));
                assert_eq!(heard.reply.as_ref(), Ok(&recorded.reply()), "chunks of {size} of {body:?}");
                assert_eq!(
                    (heard.text.as_str(), heard.thinking.as_str()),
                    (recorded.text, recorded.thinking)
                );
            }
        }
    }
}

#[test]
fn the_form_is_seen_where_the_type_says_nothing_or_something_else() {
    for recorded in &RECORDED {
        for content_type in
            [None, Some("text/plain; charset=utf-8"), EVENTS, Some("application/octet-stream")]
        {
            let heard = whole(recorded.dialect, content_type, recorded.body);
            assert_eq!(heard.reply, Ok(recorded.reply()), "{content_type:?}");
        }
    }
    // A stream of lines that a server in between calls JSON.
    assert_eq!(whole(Dialect::Ollama, JSON, RECORDED[0].body).reply, Ok(RECORDED[0].reply()));
}

// llm L36
#[test]
fn at_the_marker_nothing_more_is_read() {
    let progress = |dialect, content_type, body: &str| {
        Reader::new(dialect, content_type, true).push(body.as_bytes(), &mut |_| {})
    };
    for recorded in &RECORDED {
        let last = progress(recorded.dialect, Some(recorded.content_type), recorded.body);
        assert_eq!(last, Ok(Progress::Complete), "{:?}", recorded.content_type);
        let more = format!("{}\u{0}\u{1}<garbage>", recorded.body);
        let heard = whole(recorded.dialect, Some(recorded.content_type), &more);
        assert_eq!(heard.reply, Ok(recorded.reply()));
    }
    let end = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n";
    assert_eq!(progress(Dialect::Openai, EVENTS, end), Ok(Progress::Finished));
    assert_eq!(reply(Dialect::Openai, EVENTS, end).finish, Finish::Stop);
    let open = end.replace("\"stop\"", "null");
    assert_eq!(progress(Dialect::Openai, EVENTS, &format!("{open}data: [DONE]\n")), Ok(Progress::Complete));
    let counted = end.replace("}]}", "}],\"usage\":{\"prompt_tokens\":1}}");
    assert_eq!(progress(Dialect::Openai, EVENTS, &counted), Ok(Progress::Complete));
    let delta = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
    assert_eq!(progress(Dialect::Anthropic, EVENTS, delta), Ok(Progress::Finished));
    // What comes between the end and the counts does not take it back.
    let broken = format!("{end}data: {{\"error\":\"x\"}}\n\ndata: no JSON\n\n");
    assert_eq!(progress(Dialect::Openai, EVENTS, &broken), Ok(Progress::Complete));
    assert_eq!(reply(Dialect::Openai, EVENTS, &broken).text, "x");
}

// llm L31
#[test]
fn what_is_no_answer_is_garbage() {
    let bodies: [&[u8]; 9] = [
        b"<!DOCTYPE html>\n<html>",
        b"[]",
        b"null",
        b"{}",
        b"",
        b" \n",
        b"\x1f\x8b\x08\x00garbage\n\xff",
        b"7",
        b"hello\n",
    ];
    for dialect in Dialect::ALL {
        for content_type in [None, EVENTS, LINES, JSON, Some("text/html; charset=utf-8"), Some("image/png")] {
            for body in bodies {
                let heard = read(dialect, content_type, [body]);
                let text = String::from_utf8_lossy(body);
                assert!(
                    matches!(heard.reply, Err(Unread::Garbage(_))),
                    "{content_type:?} {text:?}: {heard:?}"
                );
                assert_eq!(class(dialect, &heard), Class::Garbage);
            }
        }
    }
    // A broken line in the middle is none either, nor an answer of another dialect.
    let broken = "{\"message\":{\"content\":\"x\"},\"done\":false}\nnot JSON\n{\"done\":true,\"done_reason\":\"stop\"}\n";
    let heard = whole(Dialect::Ollama, LINES, broken);
    assert!(matches!(heard.reply, Err(Unread::Garbage(_))) && heard.partial == "x", "{heard:?}");
    assert!(matches!(whole(Dialect::Ollama, JSON, RECORDED[3].body).reply, Err(Unread::Garbage(_))));
}

/// A server of another dialect, or none: its end is none of an answer.
#[test]
fn the_end_of_another_dialect_is_no_answer() {
    let chunk =
        "data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    let done = "data: [DONE]\n\n";
    for (dialect, body) in [
        (Dialect::Ollama, format!("{chunk}{done}")),
        (Dialect::Anthropic, format!("{chunk}{done}")),
        (Dialect::Openai, done.to_owned()),
        (Dialect::Openai, format!("data: {{}}\n\n{done}")),
    ] {
        let heard = whole(dialect, EVENTS, &body);
        assert!(matches!(heard.reply, Err(Unread::Garbage(_))), "{dialect:?}: {heard:?}");
    }
    // One of the dialect without its marker is not whole.
    for (dialect, begun) in [
        (Dialect::Ollama, "{\"message\":{\"content\":\"x\"},\"done\":false}"),
        (
            Dialect::Anthropic,
            "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}",
        ),
    ] {
        let heard = whole(dialect, EVENTS, &format!("data: {begun}\n\n{done}"));
        assert_eq!((heard.reply, heard.text.as_str()), (Err(Unread::Cut), "x"), "{dialect:?}");
    }
    let stopped = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n";
    assert_eq!(reply(Dialect::Anthropic, EVENTS, &format!("{stopped}{done}")).finish, Finish::Stop);
}

/// The server itself says that it has given up.
#[test]
fn an_answer_that_the_server_gave_up_is_cut() {
    for reason in ["abort", "insufficient_system_resource"] {
        let body = format!(
            "data: {{\"choices\":[{{\"delta\":{{\"content\":\"x\"}},\"finish_reason\":\"{reason}\"}}]}}\n\ndata: [DONE]\n\n"
        );
        let heard = whole(Dialect::Openai, EVENTS, &body);
        assert_eq!((heard.reply, heard.partial.as_str()), (Err(Unread::Cut), "x"), "{reason}");
    }
}

// llm L31
#[test]
fn long_lines_long_answers_and_many_values_are_garbage() {
    let long_line = vec![b'x'; 10 << 20];
    for (dialect, content_type, start) in [
        (Dialect::Ollama, LINES, "{\"message\":{\"content\":\""),
        (Dialect::Openai, EVENTS, "data: {\"choices\":[{\"delta\":{\"content\":\""),
        (Dialect::Openai, JSON, "{\"choices\":[{\"message\":{\"content\":\""),
        (Dialect::Openai, None, "data"),
    ] {
        let heard =
            read(dialect, content_type, [start.as_bytes()].into_iter().chain(long_line.chunks(16 << 10)));
        assert!(matches!(heard.reply, Err(Unread::Garbage(_))), "{content_type:?}");
        assert_eq!(heard.text, "");
    }
    let text = "x".repeat(LINE_LIMIT / 2);
    let line = format!("{{\"message\":{{\"content\":\"{text}\"}},\"done\":false}}\n");
    let most = ANSWER_LIMIT / text.len();
    let heard = read(Dialect::Ollama, LINES, std::iter::repeat_n(line.as_bytes(), most + 5));
    assert!(matches!(heard.reply, Err(Unread::Garbage(_))));
    assert_eq!(heard.text.len(), most * text.len());
    let many = format!("{{\"done\":false,\"context\":[{}0]}}\n", "0,".repeat(100_000));
    assert!(matches!(whole(Dialect::Ollama, LINES, &many).reply, Err(Unread::Garbage(_))));
    let deep = format!("{{\"message\":{}1{}}}\n", "[".repeat(60_000), "]".repeat(60_000));
    assert!(matches!(whole(Dialect::Ollama, LINES, &deep).reply, Err(Unread::Garbage(_))));
}

// llm L33
#[test]
fn an_error_in_an_answer_is_a_failure_of_its_own_class() {
    let token = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let thrice = token.repeat(3);
    let cases: &[(Dialect, Option<&str>, String, Class, &str)] = &[
        (Dialect::Ollama, LINES, "{\"error\":\"model runner has stopped\"}\n".into(), Class::Fault, ""),
        (Dialect::Ollama, LINES, "{\"error\":\"model 'x' not found\"}".into(), Class::NoModel, ""),
        (
            Dialect::Ollama,
            LINES,
            "{\"message\":{\"content\":\"x\"},\"done\":false}\n{\"error\":{\"message\":\"no\",\"code\":429}}\n".into(),
            Class::Throttled,
            "x",
        ),
        (Dialect::Openai, EVENTS, "data: {\"error\":{\"message\":\"no\",\"code\":503}}\n\n".into(), Class::Fault, ""),
        (Dialect::Openai, EVENTS, "{\"error\":\"words\"}\n".into(), Class::Fault, ""),
        (Dialect::Openai, EVENTS, format!("{thrice}{{\"error\":\"words\"}}\n"), Class::Fault, "xxx"),
        (Dialect::Openai, EVENTS, format!("{thrice}data: {{\"error\":\"words\"}}\n\n"), Class::Fault, "xxx"),
        (Dialect::Openai, EVENTS, format!("{thrice}event: error\ndata: words\n\n"), Class::Fault, "xxx"),
        (
            Dialect::Openai,
            EVENTS,
            format!("{thrice}error: {{\"code\":400,\"message\":\"no\",\"type\":\"exceed_context_size_error\"}}\n\n"),
            Class::TooLong,
            "xxx",
        ),
        (
            Dialect::Openai,
            EVENTS,
            "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"BadRequestError\",\"code\":400}\n\n".into(),
            Class::BadRequest,
            "",
        ),
        (
            Dialect::Openai,
            EVENTS,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\",\"error\":{\"code\":502,\"message\":\"no\"}}]}\n\n"
                .into(),
            Class::Fault,
            "",
        ),
        (Dialect::Openai, JSON, "{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\"}}".into(), Class::BadRequest, ""),
        (Dialect::Anthropic, EVENTS, format!("event: error\ndata: {overloaded}\n\n"), Class::Overloaded, ""),
        (Dialect::Anthropic, EVENTS, format!("event: other\ndata: {overloaded}\n\n"), Class::Overloaded, ""),
        (Dialect::Anthropic, JSON, overloaded.into(), Class::Overloaded, ""),
    ];
    for (dialect, content_type, body, expected, partial) in cases {
        let heard = whole(*dialect, *content_type, body);
        assert!(matches!(heard.reply, Err(Unread::Reported(_))), "{body}: {heard:?}");
        assert_eq!((class(*dialect, &heard), heard.partial.as_str()), (*expected, *partial), "{body}");
    }
    // None is one: a field that is there and says nothing.
    for nothing in ["null", "\"\"", "false"] {
        let body = format!(
            "{{\"error\":{nothing},\"message\":{{\"content\":\"x\"}},\"done\":true,\"done_reason\":\"stop\"}}"
        );
        assert_eq!(reply(Dialect::Ollama, LINES, &body).text, "x");
    }
}

#[test]
fn how_answers_end() {
    let openai = |reason: &str| {
        let body =
            format!("{{\"choices\":[{{\"message\":{{\"content\":\"x\"}},\"finish_reason\":\"{reason}\"}}]}}");
        reply(Dialect::Openai, JSON, &body).finish
    };
    let anthropic = |reason: &str| {
        let body =
            format!("data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\"}}}}\n\n");
        reply(Dialect::Anthropic, EVENTS, &body).finish
    };
    let ollama = |reason: &str| {
        let body =
            format!("{{\"message\":{{\"content\":\"x\"}},\"done\":true,\"done_reason\":\"{reason}\"}}");
        reply(Dialect::Ollama, LINES, &body).finish
    };
    // llm L42
    assert_eq!(
        (openai("length"), anthropic("max_tokens"), ollama("length")),
        (Finish::Length, Finish::Length, Finish::Length)
    );
    assert_eq!(anthropic("model_context_window_exceeded"), Finish::Length);
    assert_eq!((openai("content_filter"), anthropic("refusal")), (Finish::Refused, Finish::Refused));
    assert_eq!(
        (openai("tool_calls"), openai("function_call"), anthropic("tool_use")),
        (Finish::Tool, Finish::Tool, Finish::Tool)
    );
    assert_eq!(
        (openai("stop"), anthropic("stop_sequence"), ollama("stop")),
        (Finish::Stop, Finish::Stop, Finish::Stop)
    );
    assert_eq!(
        (openai("new"), anthropic("pause_turn"), ollama("load")),
        (Finish::Other, Finish::Other, Finish::Other)
    );
    // Without the reason a whole object is no whole answer (2.1, rule 6).
    for (dialect, body) in [
        (Dialect::Ollama, "{\"message\":{\"content\":\"x\"},\"done\":true}"),
        (Dialect::Ollama, "{\"message\":{\"content\":\"x\"},\"done\":true,\"done_reason\":\"\"}"),
        (Dialect::Openai, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":null}]}"),
        (
            Dialect::Anthropic,
            "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":null}",
        ),
    ] {
        let heard = whole(dialect, JSON, body);
        assert_eq!((heard.reply, heard.text.as_str()), (Err(Unread::Cut), "x"), "{body}");
    }
}

// llm L34
#[test]
fn counts_without_an_end_are_no_end() {
    let start = "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}";
    for delta in ["{}", "{\"stop_reason\":null}"] {
        let counts =
            format!("{{\"type\":\"message_delta\",\"delta\":{delta},\"usage\":{{\"output_tokens\":1}}}}");
        let heard = whole(Dialect::Anthropic, EVENTS, &format!("data: {start}\n\ndata: {counts}\n\n"));
        assert_eq!((heard.reply, heard.text.as_str()), (Err(Unread::Cut), "x"));
    }
    let usage = "{\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"completion_tokens\":1}}";
    assert_eq!(whole(Dialect::Openai, EVENTS, &format!("data: {usage}\n\n")).reply, Err(Unread::Cut));
}

// llm L41
#[test]
fn thinking_refusals_and_nothing() {
    let choice = |message: &str, reason: &str| {
        let body = format!("{{\"choices\":[{{\"message\":{message},\"finish_reason\":\"{reason}\"}}]}}");
        reply(Dialect::Openai, JSON, &body)
    };
    let spent = choice("{\"content\":null,\"reasoning_content\":\"hm\"}", "length");
    assert_eq!(spent.nothing(), Some(Nothing::SpentOnThinking));
    assert_eq!(choice("{\"content\":\"\",\"reasoning\":\"hm\"}", "stop").nothing(), Some(Nothing::Blank));
    assert_eq!(choice("{\"content\":\" \\n\"}", "length").nothing(), Some(Nothing::Blank));
    let said = choice("{\"content\":\"x\",\"reasoning\":\"hm\",\"reasoning_content\":\"hm\"}", "length");
    assert_eq!((said.nothing(), said.text.as_str(), said.has_thought), (None, "x", true));
    let refused = choice("{\"content\":null,\"refusal\":\"I will not\"}", "stop");
    assert_eq!(
        (refused.nothing(), refused.finish, refused.text.as_str()),
        (None, Finish::Refused, "I will not")
    );
    assert_eq!(choice("{\"content\":\"\"}", "content_filter").nothing(), None);
    let parts = choice(
        "{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}",
        "stop",
    );
    assert_eq!(parts.text, "ab");
    let message = |content: &str, reason: &str| {
        let body = format!("{{\"type\":\"message\",\"content\":{content},\"stop_reason\":\"{reason}\"}}");
        reply(Dialect::Anthropic, JSON, &body)
    };
    assert_eq!(
        message("[{\"type\":\"redacted_thinking\",\"data\":\"x\"}]", "max_tokens").nothing(),
        Some(Nothing::SpentOnThinking)
    );
    assert_eq!(message("[]", "refusal").nothing(), None);
    assert_eq!(
        message(
            "[{\"type\":\"thinking\",\"thinking\":\"hm\"},{\"type\":\"text\",\"text\":\"x\"}]",
            "end_turn"
        )
        .text,
        "x"
    );
}

// llm L43
#[test]
fn a_prompt_that_the_server_has_cut() {
    let counted = |count: &str| {
        let body =
            format!("{{\"message\":{{\"content\":\"x\"}},\"done\":true,\"done_reason\":\"stop\"{count}}}");
        reply(Dialect::Ollama, LINES, &body)
    };
    let cut = counted(",\"prompt_eval_count\":2050");
    assert!(cut.is_of_cut_prompt(Dialect::Ollama, 60_000));
    assert!(!cut.is_of_cut_prompt(Dialect::Ollama, 24_600));
    assert!(!cut.is_of_cut_prompt(Dialect::Anthropic, 60_000));
    let unknown = counted("");
    assert_eq!(unknown.tokens.input, None);
    assert!(!unknown.is_of_cut_prompt(Dialect::Ollama, 60_000));
}

#[test]
fn odd_values_are_no_reason_to_fail() {
    let body = json!({
        "model": 7, "usage": { "prompt_tokens": 21.0, "completion_tokens": -3, "x": [] },
        "choices": [
            { "index": 1, "message": { "content": "other" }, "finish_reason": "stop" },
            { "index": 0, "message": { "content": "x", "tool_calls": null }, "finish_reason": "eos" },
        ],
    });
    let reply = reply(Dialect::Openai, JSON, &body.to_string());
    assert_eq!((reply.text.as_str(), reply.finish, reply.served_model), ("x", Finish::Stop, None));
    assert_eq!((reply.tokens.input, reply.tokens.output), (Some(21), None));
    // `response` beside `message` is the same text.
    let both = "{\"message\":{\"content\":\"x\"},\"response\":\"x\",\"done\":true,\"done_reason\":\"stop\"}";
    assert_eq!(whole(Dialect::Ollama, LINES, both).text, "x");
    let old = "{\"response\":\"x\",\"thinking\":\"hm\",\"done\":true,\"done_reason\":\"stop\"}";
    assert_eq!(whole(Dialect::Ollama, LINES, old).text, "x");
    // Bytes that are no text are replaced, the rest is kept.
    let bytes = b"{\"message\":{\"content\":\"a\xff\xf0b\"},\"done\":true,\"done_reason\":\"stop\"}\n";
    assert_eq!(read(Dialect::Ollama, LINES, [bytes.as_slice()]).text, "a\u{fffd}\u{fffd}b");
}

/// Half of a character that an escape should have two of, as where a server cuts a text between them.
#[test]
fn half_a_character_is_no_broken_answer() {
    for (escaped, text) in [
        (r"\ud83d", "\u{fffd}"),
        (r"\uDE00", "\u{fffd}"),
        (r"a\ud83db", "a\u{fffd}b"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\ude00\ud83d\n", "\u{fffd}\u{fffd}\n"),
        (r"\\ud83d\\", r"\ud83d\"),
        (r"ä\ud83dä", "ä\u{fffd}ä"),
    ] {
        let body =
            format!("{{\"message\":{{\"content\":\"{escaped}\"}},\"done\":true,\"done_reason\":\"stop\"}}\n");
        assert_eq!(reply(Dialect::Ollama, LINES, &body).text, text, "{escaped}");
    }
}

proptest::proptest! {
    #[test]
    fn any_halves_of_characters_are_replaced(
        units in proptest::collection::vec(proptest::prop_oneof![0xd7fe_u16..0xe002, 0x20_u16..0x7f, 0_u16..0xffff], 0..20),
    ) {
        let escaped: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let escaped = escaped.concat();
        let body = format!("{{\"message\":{{\"content\":\"{escaped}\"}},\"done\":true,\"done_reason\":\"stop\"}}");
        let heard = whole(Dialect::Ollama, LINES, &body);
        proptest::prop_assert_eq!(heard.text, String::from_utf16_lossy(&units));
    }

    // llm L35
    #[test]
    fn any_chunking_reads_the_same(which in 0..RECORDED.len(), cuts in proptest::collection::vec(0usize..1200, 0..40)) {
        let recorded = &RECORDED[which];
        let bytes = recorded.body.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let heard = read(recorded.dialect, Some(recorded.content_type), chunks);
        proptest::prop_assert_eq!(heard.reply, Ok(recorded.reply()));
        proptest::prop_assert_eq!(heard.thinking.as_str(), recorded.thinking);
    }

    // llm L56
    #[test]
    fn any_text_comes_through(text in ".*", ascii: bool) {
        let mut document = json!({ "message": { "content": &text }, "done": true, "done_reason": "stop" }).to_string();
        if ascii {
            // As servers in Python write it: everything but ASCII escaped, in two halves where it must be.
            let units: Vec<u16> = document.encode_utf16().collect();
            document.clear();
            for unit in units {
                match u8::try_from(unit) {
                    Ok(byte) if byte.is_ascii() => document.push(char::from(byte)),
                    _ => document.extend([format!("\\u{unit:04x}")]),
                }
            }
        }
        let heard = whole(Dialect::Ollama, LINES, &document);
        proptest::prop_assert_eq!(heard.text, text);
    }
}
