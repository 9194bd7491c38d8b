//! Ollama's chat (2.2).

use serde_json::{Map, Value, json};

use super::gathered::{Gathered, count, taken};
use super::{Piece, Question, Unread, Written, messages};
use crate::answer::Finish;
use crate::host::Host;

/// How long the model stays in memory after the call: longer than the usual five minutes, since the next question of a
/// run often comes later than that, and loading takes minutes.
const KEEP_ALIVE: &str = "15m";

pub(super) fn write(host: &Host, question: &Question<'_>) -> Written {
    let mut options = Map::new();
    if let Some(temperature) = question.temperature {
        options.insert("temperature".to_owned(), json!(temperature));
    }
    if let Some(most) = host.max_tokens {
        options.insert("num_predict".to_owned(), json!(most));
    }
    // One value for a host and model: another one loads the model again.
    if let Some(context) = host.context {
        options.insert("num_ctx".to_owned(), json!(context));
    }
    // Without `truncate` and `shift` a prompt that is too long is cut silently, its beginning first.
    let mut body = json!({
        "model": question.model, "messages": messages(question.system, question.prompt), "stream": host.stream,
        "keep_alive": KEEP_ALIVE, "truncate": false, "shift": false,
    });
    if !options.is_empty() {
        body["options"] = Value::Object(options);
    }
    let accept = if host.stream { "application/x-ndjson" } else { "application/json" };
    Written { path: "/api/chat", headers: vec![("accept", accept.to_owned())], body }
}

pub(super) fn read(
    mut document: Map<String, Value>,
    gathered: &mut Gathered,
    hear: &mut dyn FnMut(Piece),
) -> Result<(), Unread> {
    if !["message", "response", "done"].iter().any(|field| document.contains_key(*field)) {
        return Ok(());
    }
    gathered.is_known = true;
    gathered.served(&document);
    let message = match document.get_mut("message").map(Value::take) {
        Some(Value::Object(message)) => Some((message, "content")),
        _ => None,
    };
    // `response` is the field of `/api/generate`: servers that give both mean the same text.
    let (mut said, content) = message.unwrap_or_else(|| (std::mem::take(&mut document), "response"));
    gathered.think(taken(&mut said, "thinking").unwrap_or_default(), hear)?;
    gathered.say(taken(&mut said, content).unwrap_or_default(), hear)?;
    let document = if content == "response" { said } else { document };
    if document.get("done") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    gathered.input = count(&document, "prompt_eval_count");
    gathered.output = count(&document, "eval_count");
    gathered.load_ms = count(&document, "load_duration").map(|nanoseconds| nanoseconds / 1_000_000);
    gathered.finish = Some(match document.get("done_reason").and_then(Value::as_str) {
        Some("stop") => Finish::Stop,
        Some("length") => Finish::Length,
        // The program that runs the model has closed its connection.
        None | Some("") => return Err(Unread::Cut),
        Some(_) => Finish::Other,
    });
    gathered.is_complete = true;
    Ok(())
}
