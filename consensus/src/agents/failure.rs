//! Why an attempt brought no answer.

use conclave_retry::ErrorClass;

/// A failed attempt, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Whether trying again can help.
    pub class: ErrorClass,
    /// One line: what happened, in the agent's words where it has any.
    pub message: String,
    /// What a person can do about it.
    pub hint: Option<String>,
}
