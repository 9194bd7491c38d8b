//! What one agent says at a gate, in the spellings that the prompts bring about.
//!
//! Clarify lists `issues` with question, answer and magnitude; analyze lists `issues` with description, suggested
//! fix and severity; checklist lists `requirements`, most of which need nothing. The payload's tag is
//! `quality-gate-clarify`, or the gate's plain name.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::gate_name;
use super::model::{Magnitude, Resolvability};

/// The answer of an agent that finds a requirement fine as it is.
pub(super) const NO_CHANGE: &str = "no change needed";

/// One entry of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raised {
    pub(super) id: String,
    pub(super) question: Option<String>,
    pub(super) context: Vec<String>,
    /// Absent where the agent has none, or says that it knows none.
    pub(super) answer: Option<String>,
    /// Whether the agent finds that nothing is to be done.
    pub(super) fine: bool,
    pub(super) magnitude: Magnitude,
    pub(super) resolvability: Resolvability,
}

/// The entries of an agent's payload at this gate; why it is none otherwise.
pub(super) fn parse(gate: &str, content: &[u8]) -> Result<Vec<Raised>, String> {
    if content.trim_ascii().is_empty() {
        return Err("empty".to_owned());
    }
    let value: Value = serde_json::from_slice(content).map_err(|_| "no JSON".to_owned())?;
    let Value::Object(payload) = value else { return Err("no JSON object".to_owned()) };
    if let Some(tag) = payload.get("stage").or_else(|| payload.get("gate")).and_then(Value::as_str)
        && gate_name(tag) != gate_name(gate)
    {
        return Err(format!("speaks of {tag:?}"));
    }
    let (mut listed, mut entries, mut raised) = (false, 0, Vec::new());
    for key in ["issues", "requirements"] {
        let Some(Value::Array(list)) = payload.get(key) else { continue };
        listed = true;
        entries += list.len();
        raised.extend(list.iter().filter_map(|entry| read(entry, key == "requirements")));
    }
    if !listed {
        return Err("lists neither issues nor requirements".to_owned());
    }
    if entries > 0 && raised.is_empty() {
        return Err("lists nothing that has an id or a question".to_owned());
    }
    Ok(raised)
}

fn read(entry: &Value, requirement: bool) -> Option<Raised> {
    let empty = Map::new();
    let (fields, question) = match entry {
        Value::Object(fields) => (
            fields,
            first(fields, &["question", "description", "text", "title", "issue", "requirement", "summary"]),
        ),
        Value::String(text) => (&empty, Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        _ => return None,
    };
    let id = match first(fields, &["id", "issue_id", "requirement_id"]) {
        Some(id) => id,
        None => made_id(question.as_deref()?),
    };
    let answer = first(
        fields,
        &[
            "answer",
            "suggested_answer",
            "recommendation",
            "suggested_fix",
            "suggested_improvement",
            "resolution",
        ],
    )
    .filter(|answer| says_something(answer));
    let needed = match fields.get("needs_improvement") {
        Some(Value::Bool(needed)) => Some(*needed),
        Some(Value::String(word)) => match word.trim().to_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    };
    let fine = requirement && !needed.unwrap_or(answer.is_some());
    let context = ["context", "reasoning", "affected_artifacts", "affected_requirements"];
    Some(Raised {
        id,
        question,
        context: context.into_iter().filter_map(|name| fields.get(name).and_then(text)).collect(),
        answer: if fine { Some(NO_CHANGE.to_owned()) } else { answer },
        fine,
        magnitude: first(fields, &["magnitude", "severity", "priority"])
            .map_or(Magnitude::default(), |word| magnitude(&word)),
        resolvability: first(fields, &["resolvability", "resolution_type"])
            .map_or(Resolvability::NeedHuman, |word| resolvability(&word)),
    })
}

/// The first of these fields that has a value.
fn first(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| fields.get(*name).and_then(text))
}

/// A value as text; nothing where it is null or blank.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// An id for an issue that has none: the same for whoever asks the same.
fn made_id(question: &str) -> String {
    let digest = Sha256::digest(canonical(question).as_bytes());
    let first = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("question-{first:08x}")
}

/// Whether an answer is one: no placeholder, and no word for not knowing.
pub(super) fn says_something(answer: &str) -> bool {
    let canonical = canonical(answer);
    let is_placeholder = (canonical.starts_with("${") && canonical.ends_with('}'))
        || (canonical.starts_with('<') && canonical.ends_with('>'))
        || canonical.chars().all(|c| matches!(c, '.' | '…' | '-' | '?' | '_'));
    const NOTHING: [&str; 9] =
        ["unknown", "n/a", "na", "null", "tbd", "to be determined", "unclear", "undefined", "string"];
    !is_placeholder && !NOTHING.contains(&canonical.as_str())
}

/// The form in which answers are compared: one blank between words, no capitals, no full stop at the end.
pub(super) fn canonical(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase().trim_end_matches(['.', '!']).to_owned()
}

fn magnitude(word: &str) -> Magnitude {
    match word.trim().to_lowercase().as_str() {
        "minor" | "low" | "trivial" | "info" => Magnitude::Minor,
        "important" | "major" | "medium" | "moderate" => Magnitude::Important,
        _ => Magnitude::Critical,
    }
}

fn resolvability(word: &str) -> Resolvability {
    match word.trim().to_lowercase().replace(['_', ' '], "-").as_str() {
        "auto-fix" | "autofix" | "auto" => Resolvability::AutoFix,
        "suggest-fix" | "suggestfix" | "suggest" => Resolvability::SuggestFix,
        _ => Resolvability::NeedHuman,
    }
}
