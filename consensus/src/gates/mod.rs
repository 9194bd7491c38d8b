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
#[cfg(test)]
mod tests;

pub use self::merge::judge;
pub use self::model::{
    Choice, Confidence, Decision, GateAnswer, Issue, Judged, Magnitude, Rejected, Resolvability,
};
pub use self::payload::gate_name;
