//! An answer as it comes.

use crate::answer::Answer;
use crate::error::LlmError;

/// What a stream does when the answer is cut after something of it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCut {
    /// It fails, with what came.
    #[default]
    Fail,
    /// It says so and begins again on the next host.
    Restart,
}

/// What a stream tells, in this order: pieces, then one [`Done`](Self::Done) or [`Failed`](Self::Failed).
#[derive(Debug)]
pub enum Event {
    /// A piece of the text.
    Text(String),
    /// A piece of what the model thinks, where that was asked for.
    Thinking(String),
    /// What came before is to be forgotten: this host begins again.
    Restarted {
        /// Which one.
        host: String,
    },
    /// The whole answer.
    Done(Box<Answer>),
    /// Nobody answered, or it was cut after something was shown; the error holds what came.
    Failed(Box<LlmError>),
}
