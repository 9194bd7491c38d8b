//! Answers as servers give them, for tests and fuzzing.

use super::{Piece, Progress, Reader, Reply, Unread};
use crate::answer::{Finish, Tokens};
use crate::host::Dialect;

/// A whole answer of a server and what it says.
pub(crate) struct Recorded {
    pub(crate) dialect: Dialect,
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
    /// Its text and its thinking.
    pub(crate) text: &'static str,
    pub(crate) thinking: &'static str,
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    /// The end of it, before which no byte may be missing: the last byte of this.
    pub(crate) marker: &'static str,
}

impl Recorded {
    /// What it comes to.
    pub(crate) fn reply(&self) -> Reply {
        Reply {
            text: self.text.to_owned(),
            has_thought: !self.thinking.is_empty(),
            finish: Finish::Stop,
            served_model: Some("m:1".to_owned()),
            tokens: Tokens { input: self.input, output: self.output, estimated: false },
            load_ms: (self.dialect == Dialect::Ollama).then_some(6338),
        }
    }
}

/// One of each form.
pub(crate) const RECORDED: [Recorded; 6] = [
    Recorded {
        dialect: Dialect::Ollama,
        content_type: "application/x-ndjson",
        body: concat!(
            r#"{"model":"m:1","created_at":"x","message":{"role":"assistant","content":"","thinking":"hm…"},"done":false}"#,
            "\n",
            r#"{"model":"m:1","message":{"role":"assistant","content":"fn ä{}\n"},"done":false}"#,
            "\n",
            r#"{"model":"m:1","message":{"role":"assistant","content":"😀 \"done\":true"},"done":false}"#,
            "\n",
            r#"{"model":"m:1","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","#,
            r#""total_duration":9120000000,"load_duration":6338219291,"prompt_eval_count":26,"eval_count":259}"#,
            "\n"
        ),
        text: "fn ä{}\n😀 \"done\":true",
        thinking: "hm…",
        input: Some(26),
        output: Some(259),
        marker: "\"eval_count\":259}",
    },
    Recorded {
        dialect: Dialect::Ollama,
        content_type: "application/json; charset=utf-8",
        body: concat!(
            r#"{"model":"m:1","message":{"role":"assistant","content":"fn ä{}"},"done":true,"done_reason":"stop","#,
            r#""load_duration":6338219291,"prompt_eval_count":26,"eval_count":2}"#
        ),
        text: "fn ä{}",
        thinking: "",
        input: Some(26),
        output: Some(2),
        marker: "\"eval_count\":2}",
    },
    Recorded {
        dialect: Dialect::Openai,
        content_type: "text/event-stream; charset=utf-8",
        body: concat!(
            r#"data: {"id":"c1","object":"chat.completion.chunk","model":"m:1","choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}]}"#,
            "\n\n",
            r#"data: {"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"hm…"},"finish_reason":null}]}"#,
            "\n\n",
            r#"data: {"id":"c1","choices":[{"index":0,"delta":{"content":"hel😀"},"finish_reason":null}],"usage":null}"#,
            "\n\n",
            r#"data: {"id":"c1","choices":[{"index":0,"delta":{"content":"lö"}}]}"#,
            "\n\n",
            r#"data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            "\n\n",
            r#"data: {"id":"c1","choices":[],"usage":{"prompt_tokens":21,"completion_tokens":3,"total_tokens":24}}"#,
            "\n\ndata: [DONE]\n\n"
        ),
        text: "hel😀lö",
        thinking: "hm…",
        input: Some(21),
        output: Some(3),
        marker: r#""finish_reason":"stop"}]}"#,
    },
    Recorded {
        dialect: Dialect::Openai,
        content_type: "application/json",
        body: concat!(
            "{\n \"id\": \"c1\", \"object\": \"chat.completion\", \"model\": \"m:1\",\n \"choices\": [{\"index\": 0,",
            " \"message\": {\"role\": \"assistant\", \"content\": \"hel{}lö\", \"reasoning\": \"hm\"},\n \"finish_reason\": \"stop\"}],",
            "\n \"usage\": {\"prompt_tokens\": 21, \"completion_tokens\": 3}\n}\n"
        ),
        text: "hel{}lö",
        thinking: "hm",
        input: Some(21),
        output: Some(3),
        marker: "3}\n}",
    },
    Recorded {
        dialect: Dialect::Anthropic,
        content_type: "text/event-stream",
        body: concat!(
            "event: message_start\n",
            r#"data: {"type":"message_start","message":{"id":"msg_1","model":"m:1","content":[],"stop_reason":null,"usage":{"input_tokens":12,"cache_read_input_tokens":8,"output_tokens":1}}}"#,
            "\n\nevent: content_block_start\n",
            r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            "\n\nevent: content_block_delta\n",
            r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm…"}}"#,
            "\n\nevent: content_block_delta\n",
            r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}"#,
            "\n\nevent: content_block_start\n",
            r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            "\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\n",
            r#"data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi 😀"}}"#,
            "\n\nevent: content_block_stop\n",
            r#"data: {"type":"content_block_stop","index":1}"#,
            "\n\nevent: content_block_delta\n",
            r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":" ä"}}"#,
            "\n\nevent: message_delta\n",
            r#"data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}"#,
            "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
        ),
        text: "Hi 😀 ä",
        thinking: "hm…",
        input: Some(20),
        output: Some(7),
        marker: r#""usage":{"output_tokens":7}}"#,
    },
    Recorded {
        dialect: Dialect::Anthropic,
        content_type: "application/json",
        body: concat!(
            r#"{"id":"msg_1","type":"message","role":"assistant","model":"m:1","stop_reason":"end_turn","#,
            r#""content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi"},{"type":"text","text":" ä"}],"#,
            r#""usage":{"input_tokens":3,"output_tokens":4}}"#
        ),
        text: "Hi ä",
        thinking: "hm",
        input: Some(3),
        output: Some(4),
        marker: "\"output_tokens\":4}}",
    },
];

/// What was heard of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) partial: String,
    pub(crate) reply: Result<Reply, Unread>,
}

/// Reads an answer in these chunks, as a call does: not beyond its marker, and to the end where none comes.
pub(crate) fn read<'a>(
    dialect: Dialect,
    content_type: Option<&str>,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Read {
    let (mut text, mut thinking) = (String::new(), String::new());
    let mut hear = |piece| match piece {
        Piece::Text(piece) => text.push_str(&piece),
        Piece::Thinking(piece) => thinking.push_str(&piece),
    };
    let mut reader = Reader::new(dialect, content_type, true);
    let mut stopped = None;
    for chunk in chunks {
        match reader.push(chunk, &mut hear) {
            Ok(Progress::Complete) => break,
            Ok(Progress::More | Progress::Finished) => {}
            Err(unread) => {
                stopped = Some(unread);
                break;
            }
        }
    }
    let reply = match stopped {
        Some(unread) => Err(unread),
        None => reader.end(&mut hear),
    };
    let partial = reader.into_partial();
    Read { text, thinking, partial, reply }
}
