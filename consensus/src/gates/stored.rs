//! Gates as they are stored: recorded once their run is closed, then answered, by whoever comes first.

use conclave_db::Db;
use serde::Serialize;

use super::model::{Confidence, Decision, Issue, Magnitude, Rejected, Resolvability};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::store::workflow::{gates as store, seen};

/// Most bytes of a person's answer.
pub const LONGEST_ANSWER: usize = 16 * 1024;

/// What became of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateState {
    /// Every issue has its answer, or there are none.
    Passed,
    /// A person is waited for.
    Open,
    /// Too few agents said anything that could be read: nothing behind it goes on.
    Failed,
}

impl GateState {
    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Open => "open",
            Self::Failed => "failed",
        }
    }
}

/// A gate whose run is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// Its run.
    pub run: RunId,
    /// The spec.
    pub spec: String,
    /// `clarify`, `checklist`, `analyze`.
    pub gate: String,
    /// What became of it, by the answers that stand now.
    pub state: GateState,
    /// Why, in one line.
    pub reason: String,
    /// How many agents gave a payload that could be read.
    pub payloads: u64,
    /// The other answers.
    pub rejected: Vec<Rejected>,
    /// The issues, sorted by id; none where the gate failed.
    pub issues: Vec<GateIssue>,
}

/// An issue, and the answer that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateIssue {
    /// What the agents say.
    #[serde(flatten)]
    pub issue: Issue,
    /// The answer; absent while a person is waited for.
    #[serde(rename = "answer")]
    pub answer: Option<StoredAnswer>,
}

/// The answer that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredAnswer {
    /// Its words.
    pub text: String,
    /// `agents`, or the actor who gave it.
    pub by: String,
    /// When, ms.
    pub at: i64,
}

/// A question that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenIssue {
    /// The run of its gate.
    pub run: RunId,
    /// The spec.
    pub spec: String,
    /// The gate.
    pub gate: String,
    /// The stage that waits behind the gate.
    pub before: Option<String>,
    /// Since when it waits, ms.
    pub since: i64,
    /// Which issue of its gate it is, from 1: agents make up the ids, and not every one can be typed.
    pub number: u64,
    /// What the agents say.
    pub issue: Issue,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It stands, durably.
    Stored {
        /// How many questions of the gate still wait.
        left: u64,
    },
    /// Somebody else was first, and theirs stands.
    Already {
        /// The answer that stands.
        answer: String,
        /// Who gave it; `agents` where the agents did.
        by: String,
        /// When, ms.
        at: i64,
    },
}

impl Issue {
    /// What is left of an issue whose row cannot be read.
    pub(crate) fn unreadable(id: String) -> Self {
        Self {
            id,
            questions: Vec::new(),
            context: Vec::new(),
            answers: Vec::new(),
            abstained: Vec::new(),
            k: 0,
            n: 0,
            tie: false,
            confidence: Confidence::Low,
            magnitude: Magnitude::Critical,
            resolvability: Resolvability::NeedHuman,
            decision: Decision::Ask { why: "its row cannot be read".to_owned() },
        }
    }
}

/// Why a gate failed, if it did: with too few payloads nobody has really asked.
pub(crate) fn failure(payloads: u64, quorum: u64) -> Option<String> {
    if payloads == 0 {
        return Some("no agent gave a payload that could be read".to_owned());
    }
    (payloads < quorum).then(|| format!("{payloads} of the {quorum} payloads that are needed"))
}

/// What a gate that did not fail has come to.
pub(crate) fn standing(issues: usize, open: usize) -> (GateState, String) {
    match (issues, open) {
        (0, _) => (GateState::Passed, "no issues".to_owned()),
        (_, 0) => (GateState::Passed, format!("{issues} of {issues} issues answered")),
        _ => (GateState::Open, format!("{open} of {issues} issues wait for a person")),
    }
}

/// Stores what the agents of a gate found, once its run is closed, with the answers that they may give. Durable
/// when it returns; again it changes nothing, and gives the gate as it stands. A run that Conclave drives has it from
/// the moment in which it is closed; this is for those that were recorded otherwise.
///
/// # Errors
///
/// [`ConsensusError::NotFound`] without such a run, [`ConsensusError::Invalid`] where it is no gate,
/// [`ConsensusError::Refused`] while it is driven, and failures of the storage.
pub fn record(db: &Db, run: RunId) -> Result<Gate> {
    loop {
        // Judged before the write, which is refused where the answers are others by then.
        let read = db.read(|conn| {
            if let Some(gate) = store::of_run(conn, run)? {
                return Ok(Err(gate));
            }
            let answers = store::answers(conn, run)?;
            store::must_be_closed(conn, run)?;
            Ok::<_, ConsensusError>(Ok((answers, seen(conn, run)?)))
        })?;
        let (answers, before) = match read {
            Ok(read) => read,
            Err(gate) => return Ok(gate),
        };
        let found = answers.judge();
        let recorded = db.write("record a gate", move |tx| {
            if seen(tx, run)? != before {
                return Ok(None);
            }
            store::record(tx, run, &found).map(Some)
        })?;
        if let Some(gate) = recorded {
            return Ok(gate);
        }
    }
}

/// The gate of a run; nothing where it was never recorded.
pub fn of_run(db: &Db, run: RunId) -> Result<Option<Gate>> {
    db.read(|conn| store::of_run(conn, run))
}

/// Every question that waits for a person, those of the oldest gate first. Those of a pipeline that has ended, which
/// nobody waits for, are not among them.
pub fn open(db: &Db) -> Result<Vec<OpenIssue>> {
    db.read(store::open)
}

/// Answers a question, unless it is answered: then the answer that stands is told, with who gave it. Durable when
/// it returns.
///
/// # Errors
///
/// [`ConsensusError::NotFound`] for a run or an issue that is not there, [`ConsensusError::Invalid`] for an answer
/// that is blank or longer than [`LONGEST_ANSWER`], and failures of the storage.
pub fn answer(db: &Db, run: RunId, issue: &str, text: &str, actor: &str) -> Result<Answered> {
    if text.trim().is_empty() {
        return Err(ConsensusError::Invalid("the answer is empty".to_owned()));
    }
    if text.len() > LONGEST_ANSWER {
        return Err(ConsensusError::Invalid(format!(
            "the answer has {} bytes, {LONGEST_ANSWER} are allowed",
            text.len()
        )));
    }
    let (issue, text, actor) = (issue.to_owned(), text.to_owned(), actor.to_owned());
    db.write("answer a gate", move |tx| store::answer(tx, run, &issue, &text, &actor))
}
