//! Quality gates: questions that agents raise before a stage, merged, answered where that is allowed, or left to a
//! person.
//!
//! What the agents raise is merged by id, and they agree by what they answer, not by how sure they say they are.
//! Their answer becomes the gate's only where the table of [`Decision`] allows it, and never on the word of one
//! agent alone; it is stored and given to the next stage, and no file is edited. A gate that nobody answered has
//! failed: it has asked nothing.

mod decide;
mod merge;
mod model;
mod payload;
mod stored;
#[cfg(test)]
mod tests;

use crate::stages;

pub use self::merge::judge;
pub use self::model::{
    Choice, Confidence, Decision, GateAnswer, Issue, Judged, Magnitude, Rejected, Resolvability,
};
pub use self::payload::gate_name;
pub use self::stored::{
    Answered, Gate, GateIssue, GateState, LONGEST_ANSWER, OpenIssue, StoredAnswer, answer, of_run, open,
    record,
};
pub(crate) use self::stored::{failure, standing};

/// The stage behind a gate, by its name in canonical form.
pub fn stage_behind(gate: &str) -> Option<&'static str> {
    stages::GATES.iter().find(|stage| stage.name == gate)?.before
}

/// The gate before a stage, by its name in canonical form.
pub fn gate_before(stage: &str) -> Option<&'static str> {
    stages::GATES.iter().find(|gate| gate.before == Some(stage)).map(|gate| gate.name)
}

/// Whether this is the name of a gate, in canonical form.
pub fn is_gate(stage: &str) -> bool {
    stage_behind(stage).is_some()
}
