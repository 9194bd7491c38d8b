//! What a verdict is computed from, and what it says.

use serde::Serialize;

use crate::agents::Accept;
use crate::runs::RunStatus;

/// Everything that a verdict depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The stage in canonical form: says which fields are required, and whether the answers must be JSON.
    pub stage: String,
    /// Who is expected: the roster; for a run without one the agents that it has rows of.
    pub expected: Vec<CaseAgent>,
    /// All outputs of the run, in any order; each agent's latest one counts.
    pub answers: Vec<CaseAnswer>,
    /// How many usable answers are needed; by default all of one or two, the majority of three or more.
    pub quorum: Option<usize>,
    /// How many must agree on a field.
    pub accept: Accept,
}

/// Who is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAgent {
    /// The name, verbatim.
    pub name: String,
    /// Whose model it is; the agent itself is its family where nothing is known.
    pub family: Option<String>,
    /// Whether its last attempt failed (and how: `failed`, `timed_out`, `cancelled`, `lost`).
    pub failed: Option<String>,
}

/// One output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseAnswer {
    /// Who answered, verbatim.
    pub agent: String,
    /// Which attempt, from 1.
    pub attempt: i64,
    /// Which answer of the attempt, from 1.
    pub sequence: i64,
    /// Its content, as stored.
    pub content: Vec<u8>,
}

/// What comes of a run. Serialised it is the same bytes for the same rows, in whatever order they came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// `ok`, `conflict`, `degraded` or `insufficient`.
    pub status: RunStatus,
    /// Why it is that, in one line.
    pub reason: String,
    /// Whether the status is ok.
    pub consensus_ok: bool,
    /// Whether the status is degraded.
    pub degraded: bool,
    /// How many expected agents gave a usable answer.
    pub usable: usize,
    /// How many were expected.
    pub expected: usize,
    /// How many usable answers are needed.
    pub quorum: usize,
    /// How many must agree on a field.
    pub accept: Accept,
    /// The agents in the order of the roster.
    pub agents: Vec<AgentVerdict>,
    /// What the agents say they agree on, each once, sorted.
    pub agreements: Vec<String>,
    /// What they contradict each other on.
    pub conflicts: Vec<Conflict>,
    /// Expected agents without a usable answer.
    pub missing: Vec<String>,
    /// Required fields of the stage that are in some usable answer.
    pub fields_found: Vec<String>,
    /// Required fields of the stage that are in none.
    pub fields_missing: Vec<String>,
    /// Mean of k/n over the voted fields, to four digits; absent without any.
    pub agreement_score: Option<f64>,
    /// The vote, field by field, in the order of their paths; what only one agent has is one field as a whole.
    pub fields: Vec<FieldVote>,
    /// What was left out because an answer is too big or too deep, one line each.
    pub cut: Vec<String>,
}

/// What one agent gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentVerdict {
    /// The name, verbatim.
    pub agent: String,
    /// The name that it answered under, where that is another spelling of its own.
    pub answered_as: Option<String>,
    /// Whose model it is.
    pub family: String,
    /// Whether it was expected. What the others say is read, but makes no quorum.
    pub expected: bool,
    /// Whether its answer counts.
    pub usable: bool,
    /// Why not.
    pub why: Option<Unusable>,
}

/// Why an agent's answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// It gave none.
    NoAnswer,
    /// It failed before it gave one.
    Failed,
    /// It had no time left to give one.
    TimedOut,
    /// Somebody ended it before it gave one.
    Cancelled,
    /// Nothing but white space.
    Empty,
    /// The prompt's schema, echoed back.
    Template,
    /// The stage asks for JSON, and this is none.
    NotJson,
}

/// Something that agents contradict each other on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Conflict {
    /// An agent lists it.
    Said {
        /// Who.
        agent: String,
        /// In its words; a value that is no text is JSON.
        text: String,
    },
    /// Agents decide differently.
    Decision {
        /// The path of the decision.
        field: String,
        /// Who decides what.
        positions: Vec<Position>,
    },
}

/// One value of a field, and who gave it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Position {
    /// The value.
    pub value: serde_json::Value,
    /// Who gave it, in the order of the roster.
    pub agents: Vec<String>,
    /// How many families they are.
    pub families: usize,
}

/// How the agents vote on one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldVote {
    /// Its path: `final_plan.risks[0].severity`.
    pub field: String,
    /// The value of the most; absent where a tie or a lone voice leaves none.
    pub value: Option<serde_json::Value>,
    /// How many gave it.
    pub k: usize,
    /// How many gave any.
    pub n: usize,
    /// How many families gave it.
    pub families: usize,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether several values have the most votes.
    pub tie: bool,
    /// The values, most votes first.
    pub positions: Vec<Position>,
    /// Usable agents without this field, in the order of the roster.
    pub abstained: Vec<String>,
}

/// What came of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All who spoke, and they were several.
    Unanimous,
    /// As many as were asked for.
    Majority,
    /// Fewer.
    Split,
    /// Fewer than two spoke.
    Insufficient,
}
