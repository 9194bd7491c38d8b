//! What the three dialects say and understand (the specification, section 2).

mod anthropic;
mod documents;
mod failure;
mod gathered;
mod lines;
mod listing;
mod ollama;
mod openai;
mod reader;
#[cfg(any(test, fuzzing))]
pub(crate) mod recorded;
mod retry_after;
mod said;
mod sse;

use serde_json::{Value, json};

pub(crate) use self::failure::{Failure, Heard, of_answer, of_transport, request_id};
pub(crate) use self::reader::Reader;
use crate::answer::{Finish, Tokens};
use crate::error::Result;
use crate::host::{Dialect, Host};

/// The most bytes of a line, of the text of an answer, and of an error.
pub(crate) const LINE_LIMIT: usize = 1 << 20;
pub(crate) const ANSWER_LIMIT: usize = 8 << 20;
pub(crate) const ERROR_LIMIT: usize = 64 << 10;

/// What a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    pub(crate) model: &'a str,
    pub(crate) system: Option<&'a str>,
    pub(crate) prompt: &'a str,
    pub(crate) temperature: Option<f64>,
    /// Whether `stream_options` may be sent (a server may have refused it).
    pub(crate) usage_in_stream: bool,
}

/// The request for a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Written {
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Value,
}

/// The request of this dialect.
pub(crate) fn write(host: &Host, question: &Question<'_>) -> Written {
    let mut written = match host.dialect {
        Dialect::Ollama => ollama::write(host, question),
        Dialect::Openai => openai::write(host, question),
        Dialect::Anthropic => anthropic::write(host, question),
    };
    written.headers.push(("content-type", "application/json".to_owned()));
    written
}

/// The messages of the two dialects that have the system's among them.
fn messages(system: Option<&str>, prompt: &str) -> Value {
    match system {
        Some(system) => {
            json!([{ "role": "system", "content": system }, { "role": "user", "content": prompt }])
        }
        None => json!([{ "role": "user", "content": prompt }]),
    }
}

/// The name of the header that a key goes into, and its value for this key.
pub(crate) fn key_header(dialect: Dialect, key: &str) -> (&'static str, String) {
    match dialect {
        Dialect::Anthropic => ("x-api-key", key.to_owned()),
        Dialect::Ollama | Dialect::Openai => ("authorization", format!("Bearer {key}")),
    }
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Thinking(String),
}

/// How far an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    /// Nothing but counts and the end is missing: wait for them two seconds at most.
    Finished,
    /// Its marker came: read no further.
    Complete,
}

/// What an answer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) has_thought: bool,
    pub(crate) finish: Finish,
    pub(crate) served_model: Option<String>,
    pub(crate) tokens: Tokens,
    /// Time in the server's own queue and load, where it says so, ms.
    pub(crate) load_ms: Option<u64>,
}

/// Why a whole answer is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// It is without text.
    Blank,
    /// All tokens went into thinking: the same question comes to the same anywhere.
    SpentOnThinking,
}

impl Reply {
    /// Whether it is without text though it is whole. A refusal without text is a result.
    pub(crate) fn nothing(&self) -> Option<Nothing> {
        match (self.text.trim().is_empty(), self.finish) {
            (false, _) | (_, Finish::Refused) => None,
            (true, Finish::Length) if self.has_thought => Some(Nothing::SpentOnThinking),
            (true, _) => Some(Nothing::Blank),
        }
    }

    /// Whether the server has read so much less than was sent that it must have cut it: half of a token for each six
    /// bytes. Ollama alone does that silently (2.2, trap c); one that says no count may have it in its cache.
    pub(crate) fn is_of_cut_prompt(&self, dialect: Dialect, prompt_bytes: usize) -> bool {
        let least = u64::try_from(prompt_bytes / 12).unwrap_or(u64::MAX);
        dialect == Dialect::Ollama && self.tokens.input.is_some_and(|input| input < least)
    }
}

/// Why bytes are no answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Unread {
    /// The server reports an error in the middle, as an object or as words.
    Reported(Value),
    /// It is no answer of this dialect.
    Garbage(String),
    /// It ended before its marker.
    Cut,
}

/// What a host says of itself: its models, which are loaded, how many calls it takes at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Listing {
    /// `None` where it does not say.
    pub(crate) models: Option<Vec<String>>,
    /// In memory; `None` where it does not say.
    pub(crate) loaded: Option<Vec<String>>,
    pub(crate) slots: Option<u32>,
    /// The context of models, where it is said.
    pub(crate) contexts: Vec<(String, u64)>,
}

/// The GET requests that tell whether a host is well, and what each is for; none for Anthropic.
pub(crate) fn health_paths(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Ollama => &["/api/tags", "/api/ps"],
        Dialect::Openai => &["/v1/models"],
        Dialect::Anthropic => &[],
    }
}

/// Reads the answer to one of them into the listing; to `/props` too, which servers of llama.cpp have (S2). Models that a
/// host only passes on to a cloud are not among its own.
pub(crate) fn read_listing(path: &str, body: &[u8], listing: &mut Listing) -> Result<(), Unread> {
    listing::read(path, body, listing)
}

/// Whether two names are one model: a name of Ollama without a tag means `:latest`.
pub(crate) fn is_same_model(dialect: Dialect, one: &str, other: &str) -> bool {
    listing::is_same_model(dialect, one, other)
}

#[cfg(test)]
mod tests;
