//! How an agent is started, as the configuration says it or a run keeps it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::presets::{MODEL, Preset, preset};

/// One agent that can be asked. Runs keep it as JSON, which outlives programs: a field that is new has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentDefinition {
    /// Its name, kept verbatim; unique in a roster.
    pub name: String,
    /// The name of a [`Preset`], whose table says how it is talked to; absent for a plain command.
    #[serde(default)]
    pub preset: Option<String>,
    /// Program and arguments. `{prompt}` stands for the prompt, `{prompt_file}` for the path of a file that holds
    /// it; without either the prompt goes to standard input.
    #[serde(default)]
    pub command: Vec<String>,
    /// It is this model, behind HTTP on whichever host has it; then there is no command and no preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// It is whichever model serves this task type; in place of `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Whose model answers: agreement is counted in families too.
    #[serde(default)]
    pub family: Option<String>,
    /// What this agent is to be, put before the prompt.
    #[serde(default)]
    pub role: Option<String>,
    /// The time of one attempt.
    #[serde(with = "millis")]
    pub timeout: Duration,
    /// How often a failed attempt is repeated.
    #[serde(default)]
    pub retries: u32,
    /// Names of the caller's environment that are let through beside the usual ones and those of its preset.
    #[serde(default)]
    pub env_pass: Vec<String>,
    /// Values that are set. Never stored: a run that is taken up again has them from the configuration.
    #[serde(skip)]
    pub env: Vec<(String, String)>,
    /// The stages that it takes part in; all where empty.
    #[serde(default)]
    pub stages: Vec<String>,
}

impl AgentDefinition {
    /// Whether it is a model behind HTTP.
    pub const fn is_model(&self) -> bool {
        self.model.is_some() || self.route.is_some()
    }

    /// The row of the table that says how it is talked to; none for a plain command.
    pub fn known(&self) -> Option<&'static Preset> {
        if self.is_model() { Some(&MODEL) } else { self.preset.as_deref().and_then(preset) }
    }
}

/// How many of those who speak to a field must agree before it counts as agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Accept {
    /// More than half.
    #[default]
    #[serde(rename = "majority")]
    Majority,
    /// At least two thirds.
    #[serde(rename = "2/3")]
    TwoThirds,
    /// Every one.
    #[serde(rename = "all")]
    All,
}

impl Accept {
    /// All, in the order of the command line's help.
    pub const ALL: [Self; 3] = [Self::Majority, Self::TwoThirds, Self::All];

    /// The word for it on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::TwoThirds => "2/3",
            Self::All => "all",
        }
    }

    /// The threshold behind a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|accept| accept.as_str() == text)
    }

    /// Whether `k` of `n` are enough.
    pub const fn is_met(self, k: usize, n: usize) -> bool {
        match self {
            Self::Majority => 2 * k > n,
            Self::TwoThirds => n > 0 && 3 * k >= 2 * n,
            Self::All => n > 0 && k >= n,
        }
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
