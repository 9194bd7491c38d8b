//! The way of a pipeline: six stages, three of them behind a gate.

use crate::error::{ConsensusError, Result};
use crate::gates;
use crate::stages;

/// The steps in order: each stage behind its gate, where it has one.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    stages::STAGES.iter().flat_map(|stage| gates::gate_before(stage.name).into_iter().chain([stage.name]))
}

/// The step that a pipeline begins with: the gate before the stage, where it has one.
pub(super) fn first(from: Option<&str>) -> Result<&'static str> {
    let plain = from.map(stages::name);
    let Some(name) = plain else { return Ok(all().next().unwrap_or("plan")) };
    let wanted = gates::gate_before(name).unwrap_or(name);
    all().find(|step| *step == wanted).ok_or_else(|| {
        let stages: Vec<&str> = stages::STAGES.iter().map(|stage| stage.name).collect();
        let name = from.unwrap_or_default();
        ConsensusError::Invalid(format!("a pipeline has no stage {name:?}: it has {}", stages.join(", ")))
    })
}

/// The steps before this one, and those from it on.
pub(super) fn around(first: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let mut before: Vec<&str> = all().collect();
    let at = before.iter().position(|step| *step == first).unwrap_or(0);
    let own = before.split_off(at);
    (before, own)
}
