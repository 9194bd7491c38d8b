//! What came of a question: for people, and one to one for `--json`.

use serde::{Deserialize, Serialize};

use crate::class::Class;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It was at its end.
    Stop,
    /// The limit of tokens or of the context cut it short.
    Length,
    /// The model refused; a result and no error.
    Refused,
    /// It wants to use a tool, which it has not.
    Tool,
    /// Another word of the server.
    Other,
}

/// Tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the prompt.
    #[serde(rename = "in")]
    pub input: Option<u64>,
    /// Of the answer.
    #[serde(rename = "out")]
    pub output: Option<u64>,
    /// Whether they were counted here, from bytes, since the server said nothing.
    pub estimated: bool,
}

/// One request that was really sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptReport {
    /// From 1.
    pub n: u32,
    /// The host's name in the configuration.
    pub host: String,
    /// The model that was asked for.
    pub model: String,
    /// Why it failed; `None` where it answered.
    pub class: Option<Class>,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// Until connected.
    pub connect_ms: Option<u64>,
    /// From the request to the first byte.
    pub first_ms: Option<u64>,
    /// All of it.
    pub total_ms: u64,
    /// The wait before it.
    pub wait_before_ms: u64,
    /// What the server asked to wait.
    pub retry_after_ms: Option<u64>,
    /// Bytes of text that came before it failed.
    pub partial_bytes: u64,
    /// The server's number for the request.
    pub request_id: Option<String>,
    /// What was wrong, without keys; `None` where it answered.
    pub message: Option<String>,
}

/// Why a host was passed over without a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Its breaker is open.
    Open,
    /// It was opened by hand.
    ForcedOpen,
    /// Another process tries it out.
    Probing,
    /// It asked for a pause, or its key is refused.
    Blocked,
    /// It has not the model.
    NoModel,
    /// It has as many calls as it takes.
    Full,
    /// A check found that it does not answer.
    Down,
    /// The limit of calls or tokens is reached (the fallback's).
    Budget,
    /// Its configuration cannot be used.
    Config,
}

impl Why {
    /// It in words, after the name of the host: `surtr is open`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "is open",
            Self::ForcedOpen => "was opened by hand",
            Self::Probing => "is being tried out by another call",
            Self::Blocked => "is not to be asked for a while",
            Self::NoModel => "has not the model",
            Self::Full => "is full",
            Self::Down => "does not answer",
            Self::Budget => "has its budget used up",
            Self::Config => "cannot be used as configured",
        }
    }
}

/// A host that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The host's name in the configuration.
    pub host: String,
    /// Why.
    pub why: Why,
    /// Until when, wall clock, ms since 1970; `None` where nobody knows.
    pub until: Option<i64>,
    /// In words, without keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// The failure behind it, where one is known: of its check, or that it is blocked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<Class>,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Who answered.
    pub host: String,
    /// The model that was asked for.
    pub model: String,
    /// The model that the server says has answered.
    pub served_model: Option<String>,
    /// Whether it was the cloud.
    pub fallback: bool,
    /// How it ended.
    pub finish: Finish,
    /// What it took.
    pub tokens: Tokens,
    /// From the beginning to the end of everything.
    pub latency_ms: u64,
    /// In queues for a slot.
    pub queued_ms: u64,
    /// In waits between attempts.
    pub waited_ms: u64,
    /// Every request that was sent, in order; the one that answered is the last.
    pub attempts: Vec<AttemptReport>,
    /// Every host that was passed over, in the order of the route; none that stands behind the one that answered.
    pub skipped: Vec<Skipped>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}
