//! The hosts of a configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::endpoint::Endpoint;

/// What a host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Ollama's own.
    Ollama,
    /// The chat completions of OpenAI, which many servers speak.
    Openai,
    /// The messages of Anthropic.
    Anthropic,
}

impl Dialect {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Ollama, Self::Openai, Self::Anthropic];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

/// Where a key comes from. The key itself is never part of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The variable of this name.
    Env(String),
    /// This file: 0600 or stricter, and this user's own.
    File(PathBuf),
}

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxySetting {
    /// As the environment says.
    #[default]
    Env,
    /// Directly.
    Direct,
    /// Through this one (`http://host:port`).
    Url(String),
}

/// How long a call may take. What is `None` has the default of the rules (R8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// To connect.
    pub connect: Option<Duration>,
    /// From the request to the first byte of the answer.
    pub first_byte: Option<Duration>,
    /// Without any byte.
    pub idle: Option<Duration>,
    /// All of it.
    pub total: Option<Duration>,
}

/// One host of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Host {
    /// Its name, in messages and on the command line.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it speaks.
    pub dialect: Dialect,
    /// The models that it serves; asked for where empty.
    pub models: Vec<String>,
    /// The task types that it takes; all where empty.
    pub tasks: Vec<String>,
    /// Lower ones first.
    pub priority: i64,
    /// Calls at once; the default of the dialect where `None` (S2).
    pub max_concurrent: Option<u32>,
    /// Its limits.
    pub timeouts: Timeouts,
    /// Where its key comes from.
    pub key: Option<KeySource>,
    /// Whether its breaker may open.
    pub breaker: bool,
    /// How it is reached.
    pub proxy: ProxySetting,
    /// Certificates (PEM) that are trusted beside the usual ones.
    pub ca_file: Option<PathBuf>,
    /// Whether the key may go over plain HTTP to an address that is not private.
    pub allow_plain_key: bool,
    /// Whether it is asked to stream (else the whole answer comes at once).
    pub stream: bool,
    /// `anthropic-version`.
    pub api_version: Option<String>,
    /// Tokens of an answer, at most.
    pub max_tokens: Option<u32>,
    /// Whether `max_completion_tokens` stands for `max_tokens` (newer models of OpenAI).
    pub max_completion_tokens: bool,
    /// Tokens of the context, where they are set (Ollama's `num_ctx`).
    pub context: Option<u32>,
    /// Whether calls cost money: then one that was sent whole is not repeated there.
    pub billed: bool,
}

/// The cloud that answers where no host does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// It as a host; `models` holds the one model.
    pub host: Host,
    /// The classes after which it is asked.
    pub on: Vec<Class>,
    /// Calls in any hour; no limit where `None`, none at all where 0.
    pub calls_per_hour: Option<u32>,
    /// Tokens in any 24 hours; no limit where `None`, none at all where 0.
    pub tokens_per_day: Option<u64>,
}

impl Fallback {
    /// The classes where the configuration names none.
    pub const ON: [Class; 8] = [
        Class::Unreachable,
        Class::Timeout,
        Class::Fault,
        Class::Cut,
        Class::Overloaded,
        Class::Throttled,
        Class::Busy,
        Class::NoModel,
    ];

    /// Whether it is asked after this class. What is wrong with this machine's network counts as unreachable.
    pub fn is_for(&self, class: Class) -> bool {
        let class = if class == Class::LocalNet { Class::Unreachable } else { class };
        self.on.contains(&class)
    }
}

/// All hosts, and the fallback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// In the order of the configuration.
    pub hosts: Vec<Host>,
    /// Where one is configured.
    pub fallback: Option<Fallback>,
    /// How long a call waits for a free slot; half of the deadline and 60 s at most where `None`.
    pub queue_timeout: Option<Duration>,
    /// Bytes of a prompt, at most; 2 MiB where `None`.
    pub max_prompt_bytes: Option<u64>,
}
