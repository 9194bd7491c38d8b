//! A synthesis for people. Whatever agents wrote stands in quotes, lists or code: it cannot become a heading, and
//! control characters are taken out.

use std::fmt::Write as _;

use serde_json::Value;

use crate::verdict::{Conflict, Verdict};

/// Characters of a value that are given.
const VALUE: usize = 400;
/// Characters of an answer that is no JSON.
const ANSWER: usize = 20_000;

pub(super) fn document(json: &Value, verdict: &Verdict) -> String {
    let text = |key: &str| line(json.get(key).and_then(Value::as_str).unwrap_or_default(), VALUE);
    let mut out =
        format!("# {}, {}: {}\n\n{}.\n", text("spec"), text("stage"), verdict.status, text("reason"));
    if let Some(score) = verdict.agreement_score {
        let _ = writeln!(out, "\nAgreement score: {score}");
    }
    conflicts(&mut out, &verdict.conflicts);
    if !verdict.missing.is_empty() {
        let names: Vec<String> = verdict.missing.iter().map(|name| line(name, VALUE)).collect();
        let _ = writeln!(out, "\nMissing: {}", names.join(", "));
    }
    if !verdict.fields_missing.is_empty() {
        let _ = writeln!(out, "\nIn no answer: {}", verdict.fields_missing.join(", "));
    }
    if let Some(agreed) = json["agreed"].as_object().filter(|agreed| !agreed.is_empty()) {
        out.push_str("\n## Agreed\n\n");
        for (field, value) in agreed {
            let _ = writeln!(out, "- {}: {}", code(field), shown(value));
        }
    }
    if let Some(open) = json["open"].as_array().filter(|open| !open.is_empty()) {
        out.push_str("\n## Open\n\n");
        for field in open {
            let _ = writeln!(out, "- {}", code(field["field"].as_str().unwrap_or_default()));
            for position in field["positions"].as_array().into_iter().flatten() {
                let _ = writeln!(out, "  - {}: {}", names(&position["agents"]), shown(&position["value"]));
            }
        }
    }
    for one in json["texts"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "\n## {}\n", line(one["agent"].as_str().unwrap_or_default(), VALUE));
        let answer: String = one["text"].as_str().unwrap_or_default().chars().take(ANSWER).collect();
        for written in answer.lines() {
            let _ = writeln!(out, "> {}", line(written, ANSWER));
        }
    }
    out.push_str("\n## Sources\n\n");
    for voice in &verdict.agents {
        let why = voice.why.map_or("answered", |why| why.told());
        let _ = writeln!(out, "- {} ({}): {why}", line(&voice.agent, VALUE), line(&voice.family, VALUE));
    }
    for note in &verdict.cut {
        let _ = writeln!(out, "- left out: {}", line(note, VALUE));
    }
    out
}

fn conflicts(out: &mut String, conflicts: &[Conflict]) {
    if conflicts.is_empty() {
        return;
    }
    out.push_str("\n## Conflicts\n\n");
    for conflict in conflicts {
        match conflict {
            Conflict::Said { agent, text } => {
                let _ = writeln!(out, "- {}: \"{}\"", line(agent, VALUE), line(text, ANSWER));
            }
            Conflict::Decision { field, positions } => {
                let _ = writeln!(out, "- {}", code(field));
                for position in positions {
                    let agents: Vec<String> =
                        position.agents.iter().map(|agent| line(agent, VALUE)).collect();
                    let _ = writeln!(out, "  - {}: {}", agents.join(", "), shown(&position.value));
                }
            }
        }
    }
}

fn names(agents: &Value) -> String {
    let names = agents.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| line(name, VALUE)).collect::<Vec<_>>().join(", ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => line(text, VALUE),
        other => code(&line(&other.to_string(), VALUE)),
    }
}

fn code(text: &str) -> String {
    format!("`{}`", line(text, VALUE).replace('`', "'"))
}

/// On one line, without control characters, and no longer than that.
fn line(text: &str, limit: usize) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = words.chars().filter(|one| !one.is_control()).take(limit).collect();
    if words.chars().nth(limit).is_some() {
        short.push('…');
    }
    short
}
