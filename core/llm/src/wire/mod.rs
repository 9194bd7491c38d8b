//! What the three dialects say and understand (the specification, section 2).

mod anthropic;
mod failure;
mod lines;
mod ollama;
mod openai;
mod sse;

use serde_json::Value;

pub(crate) use self::failure::{Failure, Heard, of_answer, of_transport};
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
    let _ = (host, question);
    todo!("w")
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

/// Reads an answer piece by piece, whatever way it is cut into chunks.
pub(crate) struct Reader {
    dialect: Dialect,
}

impl Reader {
    /// For what this host answers; `content_type` decides between a stream and a whole answer.
    pub(crate) fn new(dialect: Dialect, content_type: Option<&str>, asked_for_stream: bool) -> Self {
        let _ = (content_type, asked_for_stream);
        Self { dialect }
    }

    /// Reads some bytes, and gives each piece to `hear`.
    pub(crate) fn push(
        &mut self,
        bytes: &[u8],
        hear: &mut dyn FnMut(Piece),
    ) -> std::result::Result<Progress, Unread> {
        let _ = (self.dialect, bytes, hear);
        todo!("w")
    }

    /// Nothing more comes: what it came to, or that it is not whole.
    pub(crate) fn end(self, hear: &mut dyn FnMut(Piece)) -> std::result::Result<Reply, Unread> {
        let _ = hear;
        todo!("w")
    }

    /// The text so far.
    pub(crate) fn partial(&self) -> &str {
        todo!("w")
    }
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

/// Reads the answer to one of them into the listing.
pub(crate) fn read_listing(path: &str, body: &[u8], listing: &mut Listing) -> Result<(), Unread> {
    let _ = (path, body, listing);
    todo!("w")
}

/// Whether two names are one model: a name of Ollama without a tag means `:latest`.
pub(crate) fn is_same_model(dialect: Dialect, one: &str, other: &str) -> bool {
    let _ = (dialect, one, other);
    todo!("w")
}
