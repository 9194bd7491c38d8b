//! What servers of the three dialects say (facts L, section 2).

use serde_json::{Value, json};

use super::reply::Reply;

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Ollama's own.
    Ollama,
    /// The chat completions of OpenAI.
    OpenAi,
    /// The messages of Anthropic.
    Anthropic,
}

impl Speaks {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Ollama, Self::OpenAi, Self::Anthropic];

    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }

    /// Where a question is sent to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Ollama => "/api/chat",
            Self::OpenAi => "/v1/chat/completions",
            Self::Anthropic => "/v1/messages",
        }
    }

    /// The content type of a stream.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Ollama => "application/x-ndjson",
            Self::OpenAi | Self::Anthropic => "text/event-stream",
        }
    }

    /// Where the models are asked for, and what is answered. Only Ollama says which are `loaded`.
    pub fn listings(self, models: &[&str], loaded: &[&str]) -> Vec<(&'static str, Reply)> {
        let named = |names: &[&str]| -> Vec<Value> {
            names.iter().map(|name| json!({"name": name, "model": name, "size": 1})).collect()
        };
        let answer = |value: &Value| Reply::json(200, value.to_string());
        match self {
            Self::Ollama => vec![
                ("/api/version", answer(&json!({"version": "0.17.5"}))),
                ("/api/tags", answer(&json!({"models": named(models)}))),
                ("/api/ps", answer(&json!({"models": named(loaded)}))),
            ],
            Self::OpenAi => {
                let data: Vec<Value> =
                    models.iter().map(|name| json!({"id": name, "object": "model"})).collect();
                vec![("/v1/models", answer(&json!({"object": "list", "data": data})))]
            }
            Self::Anthropic => Vec::new(),
        }
    }

    /// A whole answer, streamed; the connection is closed behind it. It counts 21 tokens in and 3 out.
    pub fn answer(self, model: &str, text: &str) -> Reply {
        Reply::stream(self.content_type()).write(self.body(model, text)).close()
    }

    /// The body of a whole stream: some pieces of the text, the counts, and the end marker.
    pub fn body(self, model: &str, text: &str) -> String {
        self.beginning(model, text) + &self.ending(model, "stop")
    }

    /// The body up to where its end marker would come.
    pub fn beginning(self, model: &str, text: &str) -> String {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let (one, other) = text.split_at(middle);
        let pieces = [one, other].into_iter().filter(|piece| !piece.is_empty());
        match self {
            Self::Ollama => pieces
                .map(|piece| {
                    let message = json!({"role": "assistant", "content": piece});
                    line(&json!({"model": model, "created_at": WHEN, "message": message, "done": false}))
                })
                .collect(),
            Self::OpenAi => {
                let chunk = |delta: &Value| {
                    let choice = json!({"index": 0, "delta": delta, "finish_reason": null});
                    data(
                        &json!({"id": "c1", "object": "chat.completion.chunk", "model": model, "choices": [choice]}),
                    )
                };
                let first = chunk(&json!({"role": "assistant", "content": null}));
                first + &pieces.map(|piece| chunk(&json!({"content": piece}))).collect::<String>()
            }
            Self::Anthropic => {
                let usage = json!({"input_tokens": 21, "output_tokens": 1});
                let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
                    "content": [], "stop_reason": null, "usage": usage});
                let start = event(&json!({"type": "message_start", "message": message}));
                let block = json!({"type": "text", "text": ""});
                let block =
                    event(&json!({"type": "content_block_start", "index": 0, "content_block": block}));
                let deltas = pieces.map(|piece| {
                    let delta = json!({"type": "text_delta", "text": piece});
                    event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}))
                });
                start + &block + &event(&json!({"type": "ping"})) + &deltas.collect::<String>()
            }
        }
    }

    /// The counts and the end marker. `why` is the word of Ollama and OpenAI: `stop` or `length`.
    pub fn ending(self, model: &str, why: &str) -> String {
        match self {
            Self::Ollama => line(&json!({"model": model, "created_at": WHEN,
                "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": why,
                "total_duration": 9_000_000, "load_duration": 1_000_000, "prompt_eval_count": 21,
                "prompt_eval_duration": 1_000_000, "eval_count": 3, "eval_duration": 7_000_000})),
            Self::OpenAi => {
                let choice = json!({"index": 0, "delta": {}, "finish_reason": why});
                let usage = json!({"prompt_tokens": 21, "completion_tokens": 3, "total_tokens": 24});
                data(&json!({"id": "c1", "model": model, "choices": [choice]}))
                    + &data(&json!({"id": "c1", "model": model, "choices": [], "usage": usage}))
                    + "data: [DONE]\n\n"
            }
            Self::Anthropic => {
                let reason = if why == "length" { "max_tokens" } else { "end_turn" };
                event(&json!({"type": "content_block_stop", "index": 0}))
                    + &event(&json!({"type": "message_delta",
                        "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 3}}))
                    + &event(&json!({"type": "message_stop"}))
            }
        }
    }

    /// A whole answer as one object, as a server gives that cannot stream.
    pub fn whole(self, model: &str, text: &str) -> Reply {
        let body = match self {
            Self::Ollama => json!({"model": model, "created_at": WHEN,
                "message": {"role": "assistant", "content": text}, "done": true, "done_reason": "stop",
                "prompt_eval_count": 21, "eval_count": 3}),
            Self::OpenAi => json!({"id": "c1", "object": "chat.completion", "model": model,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 21, "completion_tokens": 3, "total_tokens": 24}}),
            Self::Anthropic => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                "usage": {"input_tokens": 21, "output_tokens": 3}}),
        };
        Reply::json(200, body.to_string())
    }

    /// A stream that is cut: some text, and the end of the connection without a marker.
    pub fn cut(self, model: &str, text: &str) -> Reply {
        Reply::stream(self.content_type()).write(self.beginning(model, text)).close()
    }

    /// A failure with this status. `kind` is the vendor's word, such as `overloaded_error`; Ollama has none.
    pub fn failure(self, status: u16, kind: &str, message: &str) -> Reply {
        let body = match self {
            Self::Ollama => json!({"error": message}),
            Self::OpenAi => json!({"error": {"message": message, "type": kind, "param": null, "code": null}}),
            Self::Anthropic => {
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
            }
        };
        Reply::json(status, body.to_string())
    }
}

const WHEN: &str = "2026-11-21T10:00:00Z";

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn event(value: &Value) -> String {
    let name = value["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {value}\n\n")
}
