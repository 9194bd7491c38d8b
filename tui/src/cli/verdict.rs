//! A verdict for people.

use std::fmt::Write as _;

use conclave_consensus::runs::{RunDetail, RunStatus};
use conclave_consensus::verdict::{Conflict, Position, Unusable, Verdict};
use serde_json::Value;

use super::output::{Output, Paint};
use crate::text::{counted, fit, visible};

/// Most entries of a list that are printed; `runs show` has all.
const NAMED: usize = 12;

/// The most columns of one value.
const LONGEST: usize = 60;

/// What came of a run: the status first, then why.
pub(super) fn lines(output: &Output, run: &RunDetail, verdict: &Verdict) -> String {
    let summary = &run.summary;
    let status = output.coloured(&verdict.status.to_string(), paint(verdict.status));
    let mut text = format!(
        "{status}  {} {} (run {}): {}\n",
        visible(&summary.spec),
        visible(&summary.stage),
        summary.id,
        visible(&verdict.reason)
    );
    let _ = writeln!(
        text,
        "{} of {} usable, {} needed{}",
        verdict.usable,
        verdict.expected,
        verdict.quorum,
        verdict.agreement_score.map_or(String::new(), |score| {
            format!("; agreement {score:.2} over {}", counted(verdict.fields.len() as u64, "field", "fields"))
        })
    );
    list(&mut text, "conflicts", verdict.conflicts.iter().map(conflict));
    list(
        &mut text,
        "without a usable answer",
        verdict.agents.iter().filter_map(|agent| {
            let why = agent.why?;
            Some(format!("{}: {}", agent.agent, missing(run, &agent.agent, why)))
        }),
    );
    list(&mut text, "required, and in no answer", verdict.fields_missing.iter().cloned());
    list(&mut text, "agreed", verdict.agreements.iter().cloned());
    let apart = verdict.fields.iter().filter(|field| field.positions.len() > 1);
    list(
        &mut text,
        "answered differently",
        apart.map(|field| format!("{}: {}", field.field, positions(&field.positions))),
    );
    list(&mut text, "left out", verdict.cut.iter().cloned());
    text
}

const fn paint(status: RunStatus) -> Paint {
    match status {
        RunStatus::Ok => Paint::Green,
        RunStatus::Conflict => Paint::Red,
        RunStatus::Degraded | RunStatus::Insufficient => Paint::Yellow,
        RunStatus::Unknown | RunStatus::Running => Paint::Bold,
    }
}

fn list(text: &mut String, heading: &str, entries: impl Iterator<Item = String>) {
    let mut left = 0_u64;
    for (number, entry) in entries.enumerate() {
        if number == 0 {
            let _ = writeln!(text, "{heading}:");
        }
        if number < NAMED {
            let _ = writeln!(text, "  {}", visible(&entry));
        } else {
            left += 1;
        }
    }
    if left > 0 {
        let _ = writeln!(text, "  and {left} more");
    }
}

fn conflict(conflict: &Conflict) -> String {
    match conflict {
        Conflict::Said { agent, text } => format!("{agent}: {text}"),
        Conflict::Decision { field, positions: given } => format!("{field}: {}", positions(given)),
    }
}

/// `"yes" (a, b) against "no" (c)`
fn positions(positions: &[Position]) -> String {
    let each: Vec<String> = positions
        .iter()
        .map(|position| format!("{} ({})", value(&position.value), position.agents.join(", ")))
        .collect();
    each.join(" against ")
}

/// A value in a few words: what is large is compared by `runs diff`.
fn value(value: &Value) -> String {
    match value {
        Value::Array(entries) => counted(entries.len() as u64, "entry", "entries"),
        Value::Object(object) => counted(object.len() as u64, "key", "keys"),
        other => fit(&other.to_string(), LONGEST).into_owned(),
    }
}

/// Why an agent's answer does not count, in its last attempt's words where it has any.
fn missing(run: &RunDetail, agent: &str, why: Unusable) -> String {
    let last =
        run.attempts.iter().filter(|attempt| attempt.agent == agent).max_by_key(|attempt| attempt.attempt);
    let said = last.and_then(|attempt| {
        let message = attempt.details.message.clone()?;
        let hint = attempt.details.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        Some(format!("{message}{hint}"))
    });
    match (why, said) {
        (Unusable::NoAnswer | Unusable::Failed, Some(said)) => said,
        (Unusable::NoAnswer, None) => "no answer".to_owned(),
        (Unusable::Failed, None) => "failed".to_owned(),
        (Unusable::Empty, _) => "its answer is empty".to_owned(),
        (Unusable::Template, _) => "its answer is the prompt's template".to_owned(),
        (Unusable::NotJson, _) => "its answer is no JSON".to_owned(),
    }
}
