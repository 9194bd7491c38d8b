//! What the lower pane of each tab says, as text.

use std::fmt::Write as _;

use conclave_consensus::runs::AttemptDetail;
use conclave_consensus::verdict::{Conflict, FieldVote, Verdict};
use conclave_consensus::workflow::RosterEntry;

use super::model::{Run, Tab};
use super::questions;
use crate::ui::{at_work, voted};
use crate::verdict_words;

/// The text that belongs to the cursor; `None` where there is none.
pub(super) fn of(run: &Run) -> Option<String> {
    let detail = run.detail.as_ref()?;
    match run.tab {
        Tab::Questions => run.question().map(questions::text),
        Tab::Verdict if run.is_open() => detail
            .roster
            .get(run.fields.selected)
            .map(|entry| agent(entry, at_work::last_attempt(detail, &entry.agent))),
        Tab::Verdict => run.verdict().map(|verdict| whole(verdict, run.field())),
        Tab::Outputs => run.output().map(|output| output.content.clone()),
        Tab::Diff => None,
        Tab::Synthesis => match detail.synthesis.as_ref()? {
            serde_json::Value::String(text) => Some(text.clone()),
            value => Some(readable(value)),
        },
        Tab::Attempts => run.attempt().map(attempt),
    }
}

/// The field under the cursor, then the rest of the verdict.
fn whole(verdict: &Verdict, chosen: Option<&FieldVote>) -> String {
    let mut text = String::new();
    if let Some(vote) = chosen {
        field(&mut text, vote);
        text.push('\n');
    }
    let _ = writeln!(text, "{}: {}", verdict.status, verdict.reason);
    let _ = writeln!(text, "{}", verdict_words::missing(verdict, "·"));
    let unusable: Vec<_> =
        verdict.agents.iter().filter_map(|agent| agent.why.map(|why| (&agent.agent, why))).collect();
    if !unusable.is_empty() {
        text.push_str("\nAnswers that do not count\n");
        for (agent, why) in unusable {
            let _ = writeln!(text, "  {agent} {}", why.told());
        }
    }
    if !verdict.conflicts.is_empty() {
        text.push_str("\nConflicts\n");
        for conflict in &verdict.conflicts {
            match conflict {
                Conflict::Said { agent, text: said } => {
                    let _ = writeln!(text, "  {agent}: \"{said}\"");
                }
                Conflict::Decision { field, positions } => {
                    let _ = writeln!(text, "  {field}");
                    for position in positions {
                        let _ = writeln!(text, "    {}", voted::position(position));
                    }
                }
            }
        }
    }
    if !verdict.agreements.is_empty() {
        text.push_str("\nAgreements\n");
        for agreement in &verdict.agreements {
            let _ = writeln!(text, "  {agreement}");
        }
    }
    text
}

fn field(text: &mut String, vote: &FieldVote) {
    let _ = writeln!(text, "{}", vote.field);
    let names: Vec<String> = vote.positions.iter().map(|position| position.agents.join(", ")).collect();
    let widest = names.iter().map(|names| crate::text::width(names)).max().unwrap_or(0).min(30);
    for (names, position) in names.iter().zip(&vote.positions) {
        let value = serde_json::to_string_pretty(&position.value).unwrap_or_default();
        let value = value.replace('\n', "\n    ");
        let _ = writeln!(text, "  {}  {value}", crate::text::pad(names, widest, false));
    }
    if !vote.abstained.is_empty() {
        let _ = writeln!(text, "  without it: {}", vote.abstained.join(", "));
    }
}

/// An agent of a run that is not closed.
fn agent(entry: &RosterEntry, attempt: Option<&AttemptDetail>) -> String {
    let mut text = format!("{}: ", entry.agent);
    match attempt {
        Some(last) => {
            let _ = writeln!(text, "attempt {} of at most {}", last.attempt, entry.limit.max(entry.attempts));
            text.push_str(&self::attempt(last));
        }
        None => text.push_str("not asked yet\n"),
    }
    text
}

fn attempt(attempt: &AttemptDetail) -> String {
    let details = &attempt.details;
    let mut text = String::new();
    let mut say = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(text, "{label}{value}");
        }
    };
    say("error: ", details.message.clone().or_else(|| attempt.extraction_error.clone()));
    say("advice: ", details.hint.clone());
    say("exit code: ", attempt.exit_code.filter(|code| *code != 0).map(|code| code.to_string()));
    say("signal: ", attempt.signal.map(|signal| signal.to_string()));
    say("tokens: ", at_work::tokens(&details.usage));
    say("cost: $", details.usage.cost_usd.map(|cost| format!("{cost:.4}")));
    say("", details.truncated.then(|| "more was written than is kept".to_owned()));
    let stderr = details.stderr.as_deref().unwrap_or_default().trim_end();
    if !stderr.is_empty() {
        let _ = write!(text, "\nstandard error\n{stderr}\n");
    }
    if let Some(response) = attempt.response_text.as_deref().filter(|text| !text.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(response);
    }
    text
}

/// A synthesis for people: its Markdown first, then the rest of it.
fn readable(value: &serde_json::Value) -> String {
    let Some(object) = value.as_object() else { return value.to_string() };
    let Some(markdown) = object.get("output_markdown").and_then(|text| text.as_str()) else {
        return serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    };
    let mut text = markdown.to_owned();
    for (key, value) in object.iter().filter(|(key, value)| *key != "output_markdown" && !value.is_null()) {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(text, "{key}: {value}");
    }
    text
}
