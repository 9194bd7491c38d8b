//! A verdict for people: who can be counted, what the agents agree on, what they contradict each other on.

use std::fmt::Write as _;

use conclave_consensus::runs::{RunDetail, RunStatus};
use conclave_consensus::verdict::{Conflict, FieldVote, Outcome, Position, Verdict};
use serde_json::Value;

use super::output::{Output, Paint};
use super::table::{Column, Table, left};
use crate::text::{counted, fit, visible};
use crate::verdict_words;

const FIELDS: &[Column] = &[left("field"), left("outcome"), left("values")];

/// Fields, and conflicts, that a page lists; `--json` has all.
const LISTED: usize = 20;
/// Between the parts of a sentence.
const DOT: &str = "·";
/// Columns of one value among others.
const VALUE: usize = 40;
/// Columns of a conflict in an agent's words.
const WORDS: usize = 300;

/// What came of a run that has just ended: the status first, then why, then what everybody gave.
pub(super) fn ended(output: &Output, run: &RunDetail, verdict: &Verdict) -> String {
    let summary = &run.summary;
    let mut text = format!(
        "{}  {} {} (run {}): {}\n{}",
        output.coloured(verdict.status.as_str(), paint(verdict.status)),
        visible(&summary.spec),
        visible(&summary.stage),
        summary.id,
        visible(&verdict.reason),
        page(output, verdict)
    );
    for agent in verdict.agents.iter().filter(|agent| !agent.usable) {
        if let Some(said) = last_words(run, &agent.agent) {
            let _ = writeln!(text, "  {}: {}", visible(&agent.agent), visible(&said));
        }
    }
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

/// Why an agent's last attempt failed, and what can be done about it.
fn last_words(run: &RunDetail, agent: &str) -> Option<String> {
    let attempts = run.attempts.iter().filter(|attempt| attempt.agent == agent);
    let last = attempts.max_by_key(|attempt| attempt.attempt)?;
    let message = last.details.message.clone()?;
    let hint = last.details.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
    Some(format!("{message}{hint}"))
}

/// The part of a run's page behind its status and reason.
pub(super) fn page(output: &Output, verdict: &Verdict) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", verdict_words::agreement(verdict, DOT));
    let voted: Vec<&FieldVote> = verdict.fields.iter().filter(|vote| vote.n > 1).collect();
    if !voted.is_empty() {
        let rows: Vec<_> = voted.iter().take(LISTED).map(|vote| row(output, vote)).collect();
        text.push_str(&Table::new(FIELDS, output.columns).lines(&rows, true));
        more(&mut text, voted.len(), "field", "fields");
    }
    if !verdict.conflicts.is_empty() {
        text.push_str("conflicts\n");
        for conflict in verdict.conflicts.iter().take(LISTED) {
            let _ = writeln!(text, "  {}", told(conflict));
        }
        more(&mut text, verdict.conflicts.len(), "conflict", "conflicts");
    }
    let _ = writeln!(text, "{}", visible(&verdict_words::missing(verdict, DOT)));
    for note in &verdict.cut {
        let _ = writeln!(text, "left out: {}", visible(note));
    }
    text
}

fn more(text: &mut String, count: usize, one: &str, many: &str) {
    if count > LISTED {
        let _ =
            writeln!(text, "  … and {} more; --json has all", counted((count - LISTED) as u64, one, many));
    }
}

fn row(output: &Output, vote: &FieldVote) -> Vec<String> {
    let outcome = match vote.outcome {
        Outcome::Unanimous => format!("{} {} of {}", output.sign("✓", "+"), vote.k, vote.n),
        Outcome::Majority => format!("{} {} of {}", output.sign("◐", "~"), vote.k, vote.n),
        Outcome::Split if vote.tie => format!("{} tie", output.sign("✗", "x")),
        Outcome::Split => format!("{} split", output.sign("✗", "x")),
        Outcome::Insufficient => "one voice".to_owned(),
    };
    let values = if vote.outcome == Outcome::Unanimous {
        vote.positions.first().map_or_else(String::new, |position| value(&position.value))
    } else {
        positions(&vote.positions)
    };
    vec![vote.field.clone(), outcome, values]
}

/// `gemini, claude: high · code: medium`
fn positions(positions: &[Position]) -> String {
    let told: Vec<String> = positions
        .iter()
        .map(|position| format!("{}: {}", position.agents.join(", "), value(&position.value)))
        .collect();
    told.join(" · ")
}

fn value(value: &Value) -> String {
    match value {
        Value::Array(items) => counted(items.len() as u64, "item", "items"),
        Value::Object(object) => counted(object.len() as u64, "key", "keys"),
        Value::String(text) => fit(&visible(text), VALUE).into_owned(),
        other => other.to_string(),
    }
}

fn told(conflict: &Conflict) -> String {
    match conflict {
        Conflict::Said { agent, text } => {
            format!("{}: \"{}\"", visible(agent), fit(&visible(text), WORDS))
        }
        Conflict::Decision { field, positions: made } => {
            format!("{}: {}", visible(field), visible(&positions(made)))
        }
    }
}
