//! What a gate finds, and what is decided on it.

use serde::{Deserialize, Serialize};

/// One agent's answer to the gate's prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateAnswer<'run> {
    /// Who, verbatim.
    pub agent: &'run str,
    /// Whose model it is; the agent itself where nothing is known.
    pub family: Option<&'run str>,
    /// What it gave, as stored.
    pub content: &'run [u8],
}

/// How far the agents agree on an issue: a function of their answers, whatever they say of themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Fewer than three answers, a tie, or no answer that most of them give.
    #[default]
    Low,
    /// Most of three or more give the same answer, and somebody another.
    Medium,
    /// All of three or more give the same answer.
    High,
}

/// How much hangs on an issue: the greatest that any agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Magnitude {
    /// Little; also where no agent says anything.
    #[default]
    Minor,
    /// Something.
    Important,
    /// Much; also for a word that means nothing here.
    Critical,
}

/// Who may settle an issue: the most careful that any agent says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolvability {
    /// The agents.
    AutoFix,
    /// The agents, where they are of one mind.
    SuggestFix,
    /// A person; also where no agent says anything, or a word that means nothing here.
    NeedHuman,
}

/// One answer, and who gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The answer, in the words of one of them.
    pub answer: String,
    /// Who, sorted by name.
    pub agents: Vec<String>,
    /// How many families they are.
    pub families: usize,
}

/// An issue as all agents together see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// The agents' name for it, or one made of the question where they gave none.
    pub id: String,
    /// The question, in each wording that an agent used, sorted.
    pub questions: Vec<String>,
    /// Why it is asked: context and reasons, each once, sorted.
    pub context: Vec<String>,
    /// The answers, most agents first.
    pub answers: Vec<Choice>,
    /// Who raised it without an answer of its own, sorted.
    pub abstained: Vec<String>,
    /// How many agents give the first answer.
    pub k: usize,
    /// How many agents give any.
    pub n: usize,
    /// Whether several answers have the most agents: no one of them stands out then.
    pub tie: bool,
    /// How far they agree.
    pub confidence: Confidence,
    /// How much hangs on it.
    pub magnitude: Magnitude,
    /// Who may settle it.
    pub resolvability: Resolvability,
    /// What becomes of it.
    pub decision: Decision,
}

/// What becomes of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decision {
    /// The agents' answer is the gate's answer. No file is touched by it.
    Apply {
        /// The answer.
        answer: String,
    },
    /// A person is asked.
    Ask {
        /// Why, in one line.
        why: String,
    },
}

/// An answer that is no payload of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Whose.
    pub agent: String,
    /// Why, in one line.
    pub why: String,
}

/// What the agents of a gate found. The same in whatever order they answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// How many agents gave a payload that could be read. Without any the gate has failed: it asked nobody.
    pub payloads: usize,
    /// The other answers, sorted by agent.
    pub rejected: Vec<Rejected>,
    /// The issues, sorted by id.
    pub issues: Vec<Issue>,
}
