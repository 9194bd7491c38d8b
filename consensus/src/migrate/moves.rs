//! Which phase a step leads to, and why one is refused.

use super::cause::Cause;
use crate::error::{ConsensusError, Result};
use crate::store::control::Phase;

/// The phase that a step forward leads to, or why it may not be taken.
pub(super) fn forward(from: Phase, to: Option<u8>) -> Result<Phase> {
    let here = from.number();
    let Some(next) = from.next() else {
        return Err(ConsensusError::refused("phase 5 is the last: there is nothing left to migrate", None));
    };
    match to.map(known).transpose()? {
        None => Ok(next),
        Some(to) if to == next => Ok(to),
        Some(to) if to > next => Err(ConsensusError::refused(
            format!(
                "from phase {here} straight to {to} is refused: one step at a time, {next} comes next",
                to = to.number(),
                next = next.number()
            ),
            Some("`conclave migrate status` shows what the next step needs"),
        )),
        Some(to) if to == from => {
            Err(ConsensusError::refused(format!("phase {here} is reached already"), None))
        }
        Some(_) => Err(ConsensusError::refused(
            format!("phase {here} is reached already"),
            Some("`conclave migrate rollback --to N` goes back"),
        )),
    }
}

/// The phase that a step back leads to, or why it may not be taken.
pub(super) fn backward(from: Phase, to: Option<u8>) -> Result<Phase> {
    let here = from.number();
    if from == Phase::CleanedUp {
        return Err(ConsensusError::refused(
            "there is no way back from phase 5: the legacy tables are dropped",
            Some("`conclave db restore` brings back a backup from before"),
        ));
    }
    let to = to.map(known).transpose()?;
    match to.or_else(|| from.previous()) {
        None => Err(ConsensusError::refused("phase 1 is the first", None)),
        Some(to) if to < from => Ok(to),
        Some(to) => Err(ConsensusError::refused(
            format!("phase {to} does not lie before phase {here}", to = to.number()),
            Some("`conclave migrate advance` goes forward"),
        )),
    }
}

fn known(number: u8) -> Result<Phase> {
    Phase::of(number).ok_or_else(|| ConsensusError::Invalid(format!("phase {number}: there are 1 to 5")))
}

/// Why a step is refused for now.
pub(super) fn not_yet(from: Phase, to: Phase, missing: &[Cause]) -> ConsensusError {
    let why = format!(
        "the step from phase {} to {} is refused, missing: {}",
        from.number(),
        to.number(),
        missing.iter().map(Cause::words).collect::<Vec<_>>().join(", ")
    );
    ConsensusError::refused(why, missing.first().map(Cause::advice))
}
