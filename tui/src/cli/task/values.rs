//! Values on the command line of tasks, checked where they are read: what can be refused is refused before
//! anything is created.

use std::time::Duration;

use conclave_tasks::moment;
use conclave_tasks::work::Attempt;

use crate::durations;

/// Bytes of a title.
const TITLE: usize = 500;
/// Bytes of a status or a type.
const WORD: usize = 50;
/// The types that are known; any other must be configured.
pub(super) const TYPES: [&str; 16] = [
    "bug",
    "feature",
    "task",
    "epic",
    "chore",
    "decision",
    "spike",
    "story",
    "milestone",
    "message",
    "molecule",
    "gate",
    "merge-request",
    "agent",
    "role",
    "rig",
];

/// Text that may stand on standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Text {
    /// As given.
    Given(String),
    /// `-`
    StandardInput,
}

/// A point in time, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The empty text: none.
    Nothing,
    /// RFC 3339, which keeps its spelling.
    At(String),
    /// So long from now.
    FromNow(Duration),
    /// So long ago.
    Ago(Duration),
}

/// Minutes, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minutes(pub(crate) Option<u64>);

/// Labels in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelList(pub(crate) Vec<String>);

#[expect(clippy::unnecessary_wraps, reason = "the parser of the command line wants a result")]
pub(crate) fn text(text: &str) -> Result<Text, String> {
    Ok(if text == "-" { Text::StandardInput } else { Text::Given(text.to_owned()) })
}

/// An id, or what may be short for one.
pub(crate) fn id(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text.to_owned())
}

pub(crate) fn title(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > TITLE {
        return Err(format!("is {} bytes long, at most {TITLE} are allowed", text.len()));
    }
    Ok(text.to_owned())
}

/// A status or a type.
pub(crate) fn word(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > WORD {
        return Err(format!("is {} bytes long, at most {WORD} are allowed", text.len()));
    }
    Ok(text.to_owned())
}

pub(crate) fn label(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

pub(crate) fn labels(text: &str) -> Result<LabelList, String> {
    if text.is_empty() {
        return Ok(LabelList(Vec::new()));
    }
    text.split(',').map(label).collect::<Result<_, _>>().map(LabelList)
}

/// `0` to `4`, `P0` to `P4`.
pub(crate) fn priority(text: &str) -> Result<u8, String> {
    let digits = text.strip_prefix(['p', 'P']).unwrap_or(text);
    match digits.as_bytes() {
        [digit @ b'0'..=b'4'] => Ok(digit - b'0'),
        _ => Err("must be 0 (most urgent) to 4, or P0 to P4".to_owned()),
    }
}

/// `type:id`, or an id alone, which is one that is waited for. Gives the id first.
pub(crate) fn dependency(text: &str) -> Result<(String, String), String> {
    let (kind, target) = text.split_once(':').unwrap_or((conclave_tasks::words::BLOCKS, text));
    let kind = word(kind.trim()).map_err(|wrong| format!("the type {wrong}"))?;
    let target = id(target.trim()).map_err(|wrong| format!("the id {wrong}"))?;
    Ok((target, kind))
}

pub(crate) fn minutes(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be a whole number of minutes".to_owned())
}

pub(crate) fn minutes_or_nothing(text: &str) -> Result<Minutes, String> {
    if text.is_empty() { Ok(Minutes(None)) } else { minutes(text).map(|minutes| Minutes(Some(minutes))) }
}

/// A number of attempts, or `next`, which stands where no number is given.
pub(crate) fn attempt(text: &str) -> Result<Attempt, String> {
    if text == "next" {
        return Ok(Attempt::Next);
    }
    text.parse().map(Attempt::Number).map_err(|_| "must be a whole number, 0 or more".to_owned())
}

/// RFC 3339, a day (its beginning, UTC), a duration from now, or one that has passed; empty for none.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if text.is_empty() {
        return Ok(Moment::Nothing);
    }
    if let Some(ago) = text.strip_suffix(" ago") {
        return durations::parse(ago.trim()).map(Moment::Ago);
    }
    let from_now = text.strip_prefix("in ").unwrap_or(text).trim();
    // A bare number may be meant as a year.
    let is_bare = from_now.bytes().all(|byte| byte.is_ascii_digit());
    if let (Ok(from_now), false) = (durations::parse(from_now), is_bare) {
        return Ok(Moment::FromNow(from_now));
    }
    let whole = if is_day(text) { format!("{text}T00:00:00Z") } else { text.to_owned() };
    match moment::Moment::parse(&whole) {
        Some(_) => Ok(Moment::At(whole)),
        None => Err("is no time such as 2026-12-24T18:00:00Z, 2026-12-24, 7d or \"2h ago\"".to_owned()),
    }
}

/// Whether it has the form `2026-12-24`.
fn is_day(text: &str) -> bool {
    let form = b"0000-00-00";
    text.len() == form.len()
        && text.bytes().zip(form).all(|(found, wanted)| match wanted {
            b'0' => found.is_ascii_digit(),
            other => found == *other,
        })
}

/// The canonical name of a type that is known here; else an error that names those that are.
pub(crate) fn issue_type(given: &str, configured: &[String]) -> Result<String, String> {
    if configured.iter().any(|one| one == given) {
        return Ok(given.to_owned());
    }
    let known = match given {
        "enhancement" | "feat" => "feature",
        "dec" | "adr" => "decision",
        other => other,
    };
    if TYPES.contains(&known) {
        return Ok(known.to_owned());
    }
    let all: Vec<&str> = TYPES.into_iter().chain(configured.iter().map(String::as_str)).collect();
    Err(format!("no type {given:?}: known are {}", all.join(", ")))
}

#[cfg(test)]
mod tests;
