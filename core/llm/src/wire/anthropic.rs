//! The messages of Anthropic (2.4).

use serde_json::{Map, Value, json};

use super::gathered::{Gathered, count, taken};
use super::{Piece, Question, Unread, Written};
use crate::answer::Finish;
use crate::host::Host;

/// The version that the servers of others know too.
const VERSION: &str = "2023-06-01";

/// The dialect wants a limit; this one is what the original sends.
const MAX_TOKENS: u32 = 4096;

pub(super) fn write(host: &Host, question: &Question<'_>) -> Written {
    let mut body = json!({
        "model": question.model, "max_tokens": host.max_tokens.unwrap_or(MAX_TOKENS), "stream": host.stream,
        "messages": [{ "role": "user", "content": question.prompt }],
    });
    if let Some(system) = question.system {
        body["system"] = json!(system);
    }
    if let Some(temperature) = question.temperature {
        body["temperature"] = json!(temperature);
    }
    let accept = if host.stream { "text/event-stream" } else { "application/json" };
    let version = host.api_version.clone().unwrap_or_else(|| VERSION.to_owned());
    let headers = vec![("accept", accept.to_owned()), ("anthropic-version", version)];
    Written { path: "/v1/messages", headers, body }
}

pub(super) fn read(
    mut document: Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    let kind = taken(&mut document, "type").unwrap_or_default();
    match kind.as_str() {
        "message_start" => {
            gathered.is_known = true;
            if let Some(Value::Object(message)) = document.get_mut("message") {
                gathered.served(message);
                read_usage(message, gathered);
                read_blocks(message, gathered, hear)?;
            }
        }
        "content_block_start" => {
            gathered.is_known = true;
            if let Some(Value::Object(block)) = document.get_mut("content_block") {
                read_block(block, gathered, hear)?;
            }
        }
        "content_block_delta" => {
            gathered.is_known = true;
            if let Some(Value::Object(delta)) = document.get_mut("delta") {
                read_block(delta, gathered, hear)?;
            }
        }
        "message_delta" => {
            gathered.is_known = true;
            read_usage(&document, gathered);
            if let Some(Value::Object(delta)) = document.get("delta") {
                read_reason(delta, gathered);
            }
        }
        "message_stop" => {
            gathered.is_known = true;
            gathered.finish.get_or_insert(Finish::Stop);
            gathered.is_complete = true;
        }
        // A whole answer; some servers leave its type out.
        "message" | "" if document.get("content").is_some_and(Value::is_array) => {
            gathered.is_known = true;
            gathered.served(&document);
            read_usage(&document, gathered);
            read_blocks(&mut document, gathered, hear)?;
            read_reason(&document, gathered);
            gathered.is_complete = gathered.finish.is_some();
        }
        _ => {}
    }
    Ok(())
}

fn read_blocks(
    message: &mut Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    let Some(Value::Array(blocks)) = message.get_mut("content") else { return Ok(()) };
    blocks.iter_mut().filter_map(Value::as_object_mut).try_for_each(|block| read_block(block, gathered, hear))
}

/// A block of a whole answer, the beginning of one, or what comes to it: they name their text alike.
fn read_block(
    block: &mut Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    match taken(block, "type").unwrap_or_default().as_str() {
        "text" | "text_delta" => gathered.say(taken(block, "text").unwrap_or_default(), hear),
        "thinking" | "thinking_delta" => gathered.think(taken(block, "thinking").unwrap_or_default(), hear),
        "redacted_thinking" => {
            gathered.has_thought = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Each count is the one so far, not one more.
fn read_usage(message: &Map<String, Value>, gathered: &mut Gathered) {
    let Some(usage) = message.get("usage").and_then(Value::as_object) else { return };
    if let Some(input) = count(usage, "input_tokens") {
        let cached =
            ["cache_creation_input_tokens", "cache_read_input_tokens"].map(|field| count(usage, field));
        let all = cached.into_iter().flatten().fold(input, u64::saturating_add);
        // Servers that count at the end say 0 at the beginning; those that count first may say 0 at the end.
        gathered.input = Some(gathered.input.unwrap_or(0).max(all));
    }
    gathered.output = count(usage, "output_tokens").or(gathered.output);
}

fn read_reason(delta: &Map<String, Value>, gathered: &mut Gathered) {
    let Some(reason) = delta.get("stop_reason").and_then(Value::as_str) else { return };
    gathered.finish = Some(match reason {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "refusal" => Finish::Refused,
        "tool_use" => Finish::Tool,
        _ => Finish::Other,
    });
}
