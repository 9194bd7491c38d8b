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
pub use self::stored::{
    Answered, Gate, GateIssue, GateState, LONGEST_ANSWER, OpenIssue, StoredAnswer, answer, of_run, open,
    record,
};
pub(crate) use self::stored::{failure, standing};

/// The plain name of a gate: `quality-gate-clarify`, `spec-clarify` and `before-specify` are `clarify`. One that is
/// not known is in small letters.
pub fn gate_name(written: &str) -> String {
    match stages::stage(written) {
        Some(stage) => stage.name.to_owned(),
        None => written.trim().to_lowercase(),
    }
}

/// The stage behind a gate, by its name in any spelling.
pub fn stage_behind(gate: &str) -> Option<&'static str> {
    stages::gate(gate)?.before
}

/// The gate before a stage, by its name in canonical form.
pub fn gate_before(stage: &str) -> Option<&'static str> {
    stages::GATES.iter().find(|gate| gate.before == Some(stage)).map(|gate| gate.name)
}

/// Whether this is the name of a gate, in any spelling.
pub fn is_gate(stage: &str) -> bool {
    stages::gate(stage).is_some()
}
