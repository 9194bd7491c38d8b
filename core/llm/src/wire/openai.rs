//! The chat completions of OpenAI and of those who speak like it (2.3).

use serde_json::{Map, Value, json};

use super::gathered::{Gathered, count, taken};
use super::{Piece, Question, Unread, Written, messages};
use crate::answer::Finish;
use crate::host::Host;

pub(super) fn write(host: &Host, question: &Question<'_>) -> Written {
    let mut body = json!({
        "model": question.model, "messages": messages(question.system, question.prompt), "stream": host.stream,
    });
    if let Some(most) = host.max_tokens {
        let field = if host.max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
        body[field] = json!(most);
    }
    if let Some(temperature) = question.temperature {
        body["temperature"] = json!(temperature);
    }
    if host.stream && question.usage_in_stream {
        body["stream_options"] = json!({ "include_usage": true });
    }
    let accept = if host.stream { "text/event-stream" } else { "application/json" };
    Written { path: "/v1/chat/completions", headers: vec![("accept", accept.to_owned())], body }
}

pub(super) fn read(
    mut document: Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    let choice = match document.get_mut("choices") {
        Some(Value::Array(choices)) => {
            gathered.is_known = true;
            choices.iter_mut().filter_map(Value::as_object_mut).find(|choice| {
                // One answer was asked for; another one would be mixed into it.
                choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0
            })
        }
        _ => None,
    };
    if let Some(choice) = choice {
        read_choice(choice, gathered, hear)?;
    }
    gathered.served(&document);
    if let Some(usage) = document.get("usage").and_then(Value::as_object) {
        gathered.is_known = true;
        gathered.input = count(usage, "prompt_tokens").or(gathered.input);
        gathered.output = count(usage, "completion_tokens").or(gathered.output);
        // With the end or after it: nothing is missing but `[DONE]`.
        gathered.is_complete = gathered.finish.is_some();
    }
    Ok(())
}

fn read_choice(
    choice: &mut Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    // A whole answer has a message where a stream has what comes to it.
    let mut is_whole = false;
    for field in ["delta", "message"] {
        let Some(Value::Object(said)) = choice.get_mut(field) else { continue };
        is_whole |= field == "message";
        for thinking in ["reasoning_content", "reasoning"] {
            // Some servers give both, the same text twice.
            if let Some(text) = taken(said, thinking).filter(|text| !text.is_empty()) {
                gathered.think(text, hear)?;
                break;
            }
        }
        let content = said.get_mut("content").map(Value::take);
        gathered.say(words(content), hear)?;
        if let Some(refusal) = taken(said, "refusal").filter(|text| !text.is_empty()) {
            gathered.has_refused = true;
            gathered.say(refusal, hear)?;
        }
    }
    // Of the older completions.
    gathered.say(taken(choice, "text").unwrap_or_default(), hear)?;
    let Some(reason) =
        choice.get("finish_reason").and_then(Value::as_str).filter(|reason| !reason.is_empty())
    else {
        return Ok(());
    };
    gathered.finish = Some(match reason {
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" => Finish::Stop,
        "length" | "max_tokens" => Finish::Length,
        "content_filter" => Finish::Refused,
        "tool_calls" | "function_call" => Finish::Tool,
        // The server gave it up in the middle: vLLM and SGLang say the first, DeepSeek the other.
        "abort" | "insufficient_system_resource" => return Err(Unread::Cut),
        // Of routers, whose own host has failed.
        "error" => {
            let error = choice.get_mut("error").map(Value::take).unwrap_or_default();
            let words = json!("the server ended the answer with an error");
            return Err(Unread::Reported(json!({ "error": if error.is_null() { words } else { error } })));
        }
        _ => Finish::Other,
    });
    gathered.is_complete |= is_whole;
    Ok(())
}

/// A content as one text, or as parts of it.
fn words(content: Option<Value>) -> String {
    match content {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}
