//! Values on the command line, checked where they are read.

use std::num::IntErrorKind;
use std::time::Duration;

use crate::durations;

/// The statuses that a run can have in a list.
pub(crate) const RUN_STATUSES: [&str; 6] =
    ["ok", "conflict", "degraded", "insufficient", "unknown", "running"];

/// How many agents must agree on a field.
pub(crate) const ACCEPT: [&str; 3] = ["majority", "2/3", "all"];

/// The stages of a spec, in their order.
pub(crate) const STAGES: [&str; 6] = ["plan", "tasks", "implement", "validate", "audit", "unlock"];

/// The most characters that a name of who acts may have.
const ACTOR_LENGTH: usize = 64;

/// How many entries a list may have: at least 1.
pub(crate) fn limit(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err("is too large".to_owned()),
        Err(_) => Err("must be a whole number, at least 1".to_owned()),
    }
}

/// How many rows to work on: at least 1.
pub(crate) fn rows(text: &str) -> Result<u64, String> {
    limit(text).map(|number| number as u64)
}

/// The name of who acts: 1–64 of `[A-Za-z0-9._:@/+-]`.
pub(crate) fn actor(text: &str) -> Result<String, String> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "._:@/+-".contains(character);
    if text.is_empty() || text.len() > ACTOR_LENGTH || !text.chars().all(fits) {
        return Err(format!("must be 1 to {ACTOR_LENGTH} of A-Z a-z 0-9 . _ : @ / + -"));
    }
    Ok(text.to_owned())
}

/// Text of which something is to be seen.
pub(crate) fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// What a spec is called: a line of its own.
pub(crate) fn spec(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".to_owned());
    }
    filled(text)
}

/// A duration that is not nothing.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    match durations::parse(text)? {
        Duration::ZERO => Err("must be longer than nothing".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests;
