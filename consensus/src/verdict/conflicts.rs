//! What agents contradict each other on, and what they say they agree on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::absent::says_none;
use super::canonical::{decision, is_silent};
use super::model::{Case, Conflict, Position};
use super::vote::shown;
use super::weighed::{Voice, Weighed};
use crate::stages::DECISIONS;

/// Most conflicts, and most agreements, that a verdict lists.
const LISTED: usize = 200;
/// Characters of one of them that it gives.
const TEXT: usize = 2_000;

/// All conflicts: those that agents list, in the order of the roster, then the decisions by their path.
pub(super) fn conflicts(weighed: &Weighed<'_>, cut: &mut Vec<String>) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = Vec::new();
    for voice in weighed.usable() {
        let mut known = BTreeSet::new();
        for text in listed(voice, "conflicts") {
            if known.insert(text.clone()) {
                found.push(Conflict::Said { agent: voice.name.to_owned(), text });
            }
        }
    }
    found.extend(decisions(weighed));
    if found.len() > LISTED {
        cut.push(format!("the first {LISTED} of {} conflicts are listed", found.len()));
        // A decision weighs more than words.
        found.sort_by_key(|conflict| matches!(conflict, Conflict::Said { .. }));
        found.truncate(LISTED);
        found.sort_by_key(|conflict| matches!(conflict, Conflict::Decision { .. }));
    }
    found
}

/// Whether there is any.
pub(super) fn exist(weighed: &Weighed<'_>) -> bool {
    weighed.usable().any(|voice| !listed(voice, "conflicts").is_empty()) || !decisions(weighed).is_empty()
}

/// What the agents say they agree on, each once, sorted.
pub(super) fn agreements(weighed: &Weighed<'_>, cut: &mut Vec<String>) -> Vec<String> {
    let all: BTreeSet<String> = weighed.usable().flat_map(|voice| listed(voice, "agreements")).collect();
    if all.len() > LISTED {
        cut.push(format!("the first {LISTED} of {} agreements are listed", all.len()));
    }
    all.into_iter().take(LISTED).collect()
}

/// The places of an answer where prompts put what is about the whole: its top, `final_plan`, and the `consensus`
/// of either.
fn places(value: &Value) -> impl Iterator<Item = &Value> {
    let plan = value.get("final_plan");
    [Some(value), value.get("consensus"), plan, plan.and_then(|plan| plan.get("consensus"))]
        .into_iter()
        .flatten()
}

/// The entries under a key, in all its places.
fn listed(voice: &Voice<'_>, key: &str) -> Vec<String> {
    let Some(value) = &voice.value else { return Vec::new() };
    let mut texts = Vec::new();
    for list in places(value).filter_map(|place| place.get(key)) {
        match list {
            Value::Array(items) => texts.extend(items.iter().filter_map(entry)),
            other => texts.extend(entry(other)),
        }
    }
    texts
}

/// One entry as text. Nothing where it says that there is none.
fn entry(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Bool(false) => return None,
        Value::Array(items) if items.is_empty() => return None,
        Value::Object(object) if object.is_empty() => return None,
        Value::Number(number) if number.as_f64() == Some(0.0) => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    if says_none(&text) {
        return None;
    }
    let mut short: String = text.chars().take(TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Some(short)
}

/// Decisions on which agents differ.
fn decisions(weighed: &Weighed<'_>) -> Vec<Conflict> {
    let differ = made(weighed).into_iter().filter_map(|(field, made)| {
        let positions = positions(&made);
        (positions.len() > 1).then_some(Conflict::Decision { field, positions })
    });
    differ.collect()
}

/// A decision on which all who gave it agree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decided {
    /// Which.
    pub(crate) field: String,
    /// As the first of them wrote it.
    pub(crate) value: Value,
    /// Who gave it, in the order of the roster.
    pub(crate) agents: Vec<String>,
}

/// The decisions on which the usable answers agree, by field.
pub(crate) fn decided(case: &Case) -> Vec<Decided> {
    let weighed = Weighed::of(case);
    let agreed = made(&weighed).into_iter().filter_map(|(field, made)| {
        let mut positions = positions(&made);
        let only = positions.pop().filter(|_| positions.is_empty())?;
        Some(Decided { field, value: only.value, agents: only.agents })
    });
    agreed.collect()
}

/// Who decides what, by field.
fn made<'a, 'c>(weighed: &'a Weighed<'c>) -> BTreeMap<String, Vec<(&'a Voice<'c>, &'a Value)>> {
    let mut made: BTreeMap<String, Vec<(&Voice<'_>, &Value)>> = BTreeMap::new();
    for voice in weighed.usable() {
        let Some(answer) = &voice.value else { continue };
        for field in DECISIONS {
            let value = places(answer).filter_map(|place| place.get(field)).find(|value| !is_silent(value));
            if let Some(value) = value {
                made.entry(field.to_owned()).or_default().push((voice, value));
            }
        }
        if weighed.stage.is_some_and(crate::stages::Stage::is_gate) {
            for (field, value) in gate_answers(answer) {
                made.entry(field).or_default().push((voice, value));
            }
        }
    }
    made
}

/// The answers to the issues of a gate; of issues with one id the first.
fn gate_answers(answer: &Value) -> BTreeMap<String, &Value> {
    let mut answers = BTreeMap::new();
    for list in ["issues", "requirements"] {
        for issue in answer.get(list).and_then(Value::as_array).into_iter().flatten() {
            let (Some(id), Some(value)) = (issue.get("id").and_then(Value::as_str), issue.get("answer"))
            else {
                continue;
            };
            if !is_silent(value) {
                answers.entry(format!("{list}[{id}].answer")).or_insert(value);
            }
        }
    }
    answers
}

/// The different decisions, most agents first, then in the order of the roster.
fn positions(made: &[(&Voice<'_>, &Value)]) -> Vec<Position> {
    let mut kinds: Vec<(String, Vec<&Voice<'_>>, &Value)> = Vec::new();
    for (voice, value) in made {
        let form = decision(value);
        match kinds.iter_mut().find(|(known, ..)| *known == form) {
            Some((_, voices, _)) => voices.push(voice),
            None => kinds.push((form, vec![voice], value)),
        }
    }
    kinds.sort_by_key(|(_, voices, _)| std::cmp::Reverse(voices.len()));
    kinds
        .into_iter()
        .map(|(_, voices, value)| Position {
            value: shown(value),
            agents: voices.iter().map(|voice| voice.name.to_owned()).collect(),
            families: voices.iter().map(|voice| voice.family).collect::<BTreeSet<_>>().len(),
        })
        .collect()
}
