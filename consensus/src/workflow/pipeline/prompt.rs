//! What a step is asked: what the pipeline is for, what was decided, what came of the stages before, the step's own
//! prompt.
//!
//! In the original each synthesis held the prompts and syntheses before it, and so the next prompt held all of them
//! again: 116 KB became 1.6 MB in three stages. Here a synthesis is taken apart, and every part has its bound.

use serde_json::{Map, Value};

/// Most bytes that a synthesis takes in a later prompt.
pub(super) const EACH_SYNTHESIS: usize = 16 * 1024;
/// Most bytes that the answers of gates take.
pub(super) const ALL_ANSWERS: usize = 16 * 1024;

/// A stage before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub(crate) stage: String,
    pub(crate) status: String,
    /// The synthesis of its run, as stored.
    pub(crate) synthesis: String,
}

/// An answered question of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) gate: String,
    pub(crate) issue: String,
    pub(crate) question: String,
    pub(crate) answer: String,
    pub(crate) by: String,
}

/// The prompt of a step. Without anything before it, its own prompt alone. The gates' answers are given newest
/// first, so that a bound cuts the oldest.
pub(super) fn compose(brief: Option<&str>, settled: &[Settled], earlier: &[Earlier], own: &[u8]) -> Vec<u8> {
    let mut before = String::new();
    if let Some(brief) = brief {
        before.push_str(brief);
        before.push_str("\n\n");
    }
    if !settled.is_empty() {
        before.push_str(&answers(settled));
    }
    if !earlier.is_empty() {
        before.push_str("## What came of the stages before\n\n");
        for Earlier { stage, status, synthesis } in earlier {
            before.push_str(&["### ", stage, ": ", status, "\n\n", &stripped(synthesis), "\n\n"].concat());
        }
    }
    let mut prompt = before.into_bytes();
    prompt.extend_from_slice(own);
    prompt
}

fn answers(settled: &[Settled]) -> String {
    let mut text = "## What was decided\n\n".to_owned();
    for (number, Settled { gate, issue, question, answer, by }) in settled.iter().enumerate() {
        let (question, answer) = (beginning(question, 512), beginning(answer, 4096));
        let line = format!("- {gate} {}: {question}\n  {answer} ({by})\n", beginning(issue, 128));
        if text.len() + line.len() > ALL_ANSWERS - 64 {
            let left_out = settled.len() - number;
            text.extend(["- ", &left_out.to_string(), " more are left out\n"]);
            break;
        }
        text.push_str(&line);
    }
    text.push('\n');
    text
}

/// A synthesis without what an earlier one brought into it, in at most [`EACH_SYNTHESIS`] bytes. As long as that is
/// enough it stays JSON, with ever shorter texts and lists.
pub(super) fn stripped(synthesis: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(synthesis) else {
        return beginning(synthesis, EACH_SYNTHESIS).into_owned();
    };
    let value = without_growth(value);
    for (text, list) in [(8192, 200), (2048, 100), (512, 40), (128, 15)] {
        let shorter = shortened(&value, text, list, 0).to_string();
        if shorter.len() <= EACH_SYNTHESIS {
            return shorter;
        }
    }
    beginning(&shortened(&value, 128, 15, 0).to_string(), EACH_SYNTHESIS).into_owned()
}

/// What a synthesis says of itself, not of the work; and what in the original held everything before it.
const GROWTH: [&str; 20] = [
    "stage",
    "status",
    "reason",
    "sources",
    "output_markdown",
    "output_path",
    "artifacts_count",
    "response_text",
    "raw",
    "raw_output",
    "stdout",
    "stderr",
    "prompt",
    "prompt_version",
    "previous_outputs",
    "cut",
    "agreement_score",
    "fields_missing",
    "spec",
    "missing",
];

fn without_growth(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    // A synthesis that an older program made is nothing but its text.
    let markdown = fields.get("output_markdown").and_then(Value::as_str).map(str::to_owned);
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let kept: Map<String, Value> = fields
        .into_iter()
        .filter(|(name, value)| !GROWTH.contains(&name.as_str()) && !is_empty(value))
        .collect();
    match markdown {
        Some(text) if !kept.contains_key("agreed") && !kept.contains_key("open") => {
            Value::Object([("text".to_owned(), Value::String(text))].into_iter().chain(kept).collect())
        }
        _ => Value::Object(kept),
    }
}

/// The value with texts of at most `text` bytes, lists and objects of at most `list` entries, and 16 levels.
fn shortened(value: &Value, text: usize, list: usize, depth: usize) -> Value {
    match value {
        Value::String(long) if long.len() > text => Value::String(beginning(long, text).into_owned()),
        Value::Array(_) | Value::Object(_) if depth > 16 => Value::String("…".to_owned()),
        Value::Array(entries) => {
            let left_out = entries.len().saturating_sub(list);
            let mut kept: Vec<Value> =
                entries.iter().take(list).map(|entry| shortened(entry, text, list, depth + 1)).collect();
            if left_out > 0 {
                kept.push(Value::String(format!("… and {left_out} more")));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => {
            let left_out = fields.len().saturating_sub(list);
            let mut kept: Map<String, Value> = fields
                .iter()
                .take(list)
                .map(|(name, value)| {
                    (beginning(name, text).into_owned(), shortened(value, text, list, depth + 1))
                })
                .collect();
            if left_out > 0 {
                kept.insert("…".to_owned(), Value::String(format!("and {left_out} more")));
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// The beginning of a text, with a mark where it is cut, in at most `most` bytes.
fn beginning(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    const MARK: &str = " […]";
    if text.len() <= most {
        return text.into();
    }
    let end = text.floor_char_boundary(most.saturating_sub(MARK.len()));
    let (kept, _) = text.split_at(end);
    format!("{kept}{MARK}").into()
}

#[cfg(test)]
mod tests;
