//! What happens while a run is driven. What an event says is durable when it is told, but for lines.

use serde::Serialize;

use crate::runs::RunId;
use crate::verdict::Verdict;

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The run has its row, its roster and its owner.
    Begun {
        /// The run.
        run: RunId,
    },
    /// An attempt was recorded, and its process runs.
    Started {
        /// The agent.
        agent: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// How many there may be.
        limit: u32,
        /// The process.
        pid: u32,
    },
    /// The agent wrote a line.
    Line {
        /// The agent.
        agent: String,
        /// The line, or its beginning; bytes that are no UTF-8 are replaced.
        text: String,
    },
    /// An attempt has ended, and what it brought is stored.
    Ended {
        /// The agent.
        agent: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// How.
        end: AttemptEnd,
    },
    /// The next attempt waits.
    Waiting {
        /// The agent.
        agent: String,
        /// Which attempt it will be, from 1.
        attempt: u32,
        /// When it begins, ms by the wall clock.
        until: i64,
        /// Why the last one failed.
        why: String,
    },
    /// The run is closed.
    Closed {
        /// The run.
        run: RunId,
        /// What came of it.
        verdict: Box<Verdict>,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// With an answer.
    Answered,
    /// Without one.
    Failed,
    /// Its time was over.
    TimedOut,
    /// Somebody ended it.
    Cancelled,
    /// Whoever drove it died.
    Lost,
}

impl AttemptEnd {
    /// All.
    pub const ALL: [Self; 5] = [Self::Answered, Self::Failed, Self::TimedOut, Self::Cancelled, Self::Lost];

    /// The end behind a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.as_str() == text)
    }

    /// The word for it in JSON and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        }
    }
}
