//! What a fuzzer may reach, and what must hold of any bytes. Built for tests and by cargo-fuzz (`--cfg fuzzing`) alone.
#![expect(clippy::missing_panics_doc, reason = "a panic is a finding")]

use crate::host::Dialect;
use crate::wire::recorded::{RECORDED, read};
use crate::wire::{Heard, Listing, Unread, health_paths, of_answer, read_listing};

/// Any bytes as server-sent events, see [`answer`].
pub fn sse(bytes: &[u8]) {
    answer(bytes, Some("text/event-stream"));
}

/// Any bytes as lines of JSON and as whole objects, see [`answer`].
pub fn ndjson(bytes: &[u8]) {
    answer(bytes, Some("application/x-ndjson"));
    answer(bytes, Some("application/json"));
    answer(bytes, None);
}

/// Any bytes as an answer: what is heard is what it comes to, in whatever chunks it comes, and it is never whole without
/// a marker. The first two bytes choose the dialect and the chunks.
fn answer(bytes: &[u8], content_type: Option<&str>) {
    let Some(([dialect, size], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let dialect = Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()];
    let at_once = read(dialect, content_type, [bytes]);
    let in_chunks = read(dialect, content_type, bytes.chunks(usize::from(*size).max(1)));
    assert_eq!((&at_once.text, &at_once.thinking), (&in_chunks.text, &in_chunks.thinking));
    assert_eq!(at_once.reply, in_chunks.reply);
    assert!(at_once.text.starts_with(&at_once.partial));
    match &at_once.reply {
        Ok(reply) => {
            assert_eq!(reply.text, at_once.text);
            let markers = ["done", "[DONE]", "finish_reason", "stop_reason", "message_stop"];
            let holds = |word: &&str| bytes.windows(word.len()).any(|window| window == word.as_bytes());
            // A name may be written with escapes.
            assert!(markers.iter().chain(&["\\u"]).any(holds), "whole without a marker");
        }
        Err(unread) => error_of(dialect, 200, bytes, Some(unread)),
    }
}

/// Any bytes as the body of an error, and as a list of models: a failure has words in one line. The first two choose the
/// dialect and the status.
pub fn error(bytes: &[u8]) {
    let Some(([dialect, status], bytes)) = bytes.split_first_chunk::<2>() else { return };
    let dialect = Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()];
    error_of(dialect, 300 + u16::from(*status), bytes, None);
    for path in health_paths(dialect).iter().chain(&["/props"]) {
        let mut listing = Listing::default();
        if read_listing(path, bytes, &mut listing).is_err() {
            assert_eq!(listing, Listing::default());
        }
    }
}

fn error_of(dialect: Dialect, status: u16, body: &[u8], unread: Option<&Unread>) {
    let text = String::from_utf8_lossy(body);
    let headers: Vec<(String, String)> = ["retry-after", "retry-after-ms", "x-request-id", "location"]
        .iter()
        .zip(text.lines())
        .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
        .collect();
    let failure =
        of_answer(&Heard { dialect, status, headers: &headers, body, now_ms: 1_792_567_620_000 }, unread);
    assert!(
        !failure.message.is_empty() && !failure.message.contains(char::is_control),
        "{:?}",
        failure.message
    );
    assert!(failure.message.len() < 1200, "{} bytes", failure.message.len());
    assert!(failure.retry_after.is_none_or(|wait| wait <= conclave_retry::RETRY_AFTER_LIMIT));
}

/// Inputs to begin with, by the name of the function.
pub fn samples(name: &str) -> Vec<Vec<u8>> {
    let place = |dialect: Dialect| match dialect {
        Dialect::Ollama => 0,
        Dialect::Openai => 1,
        Dialect::Anthropic => 2,
    };
    let is_stream = |kind: &str| kind.starts_with("text/event-stream");
    let answers = RECORDED.iter().filter(|recorded| is_stream(recorded.content_type) == (name == "sse"));
    let mut samples: Vec<Vec<u8>> =
        answers.map(|recorded| [&[place(recorded.dialect), 3], recorded.body.as_bytes()].concat()).collect();
    let more: &[(u8, u8, &str)] = match name {
        "sse" => &[
            (1, 1, "data: [DONE]\r\n\r\n"),
            (
                1,
                2,
                ": ping\r\rdata: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"length\"}],\ndata: \"usage\":{\"prompt_tokens\":1.0}}\n\n",
            ),
            (1, 5, "error: {\"code\":500,\"message\":\"x\",\"type\":\"server_error\"}\n\n"),
            (
                2,
                7,
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"},\"request_id\":\"r\"}\n\n",
            ),
            (1, 3, "\u{feff}data: {\"choices\":[]}\n\n{\"error\":\"x\"}\n"),
        ],
        "ndjson" => &[
            (0, 1, "{\"error\":\"model 'x' not found\"}\n"),
            (0, 2, "{\"response\":\"x\",\"done\":false}\r\n{\"done\":true,\"done_reason\":\"length\"}\r\n"),
            (1, 3, "{\"error\":\"{\\\"error\\\":{\\\"message\\\":\\\"x\\\"}}\"}"),
            (0, 4, "<html></html>"),
        ],
        _ => &[
            (0, 104, "{\"error\":\"model 'x' not found\"}"),
            (1, 100, "{\"object\":\"error\",\"message\":\"x\",\"type\":\"BadRequestError\",\"code\":400}"),
            (
                1,
                129,
                "{\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"429\"}}",
            ),
            (1, 122, "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"x\"}]}"),
            (
                2,
                129,
                "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\",\"details\":{\"error_code\":\"organization_on_hold\"}}}",
            ),
            (
                0,
                0,
                "{\"models\":[{\"name\":\"a:1\",\"context_length\":8192},{\"name\":\"b\",\"remote_host\":\"x\"}]}",
            ),
            (1, 0, "{\"object\":\"list\",\"data\":[{\"id\":\"q\",\"max_model_len\":32768}]}"),
            (1, 0, "{\"total_slots\":4}"),
            (0, 203, "12\n250\nreq_1\nhttp://u:p@host/x?key=1\n"),
        ],
    };
    samples.extend(more.iter().map(|(dialect, size, text)| [&[*dialect, *size], text.as_bytes()].concat()));
    samples
}

#[cfg(test)]
mod tests;
