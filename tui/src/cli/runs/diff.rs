//! `conclave runs diff`: two answers, word by word.

use std::fmt::Write as _;

use conclave_consensus::runs::{self, RunDetail};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::output::{Output, Paint};
use crate::diff::{self, Change, Difference, Piece, Row, Side};
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;
use crate::text::visible;

/// Lines that are shown around what differs.
const AROUND: usize = 3;

pub(super) fn run(context: &Context, name: &str, agents: &[String]) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return super::nothing(context) };
    let id = find_one(&db, name)?;
    let run = runs::show(&db, id).doing("read the run")?;
    let run = run.ok_or_else(|| Failure::not_found(format!("no run {name:?}: it has just been deleted")))?;
    let (left, right) = who(&run, agents)?;
    let content = |agent: &str| -> Result<String, Failure> {
        let found = runs::output(&db, id, agent.as_bytes(), None, None).doing("read the output")?;
        let found = found.ok_or_else(|| missing(&run, agent))?;
        Ok(String::from_utf8_lossy(&found.content).into_owned())
    };
    let difference = diff::compare_answers(&content(&left)?, &content(&right)?);
    if context.output.json {
        context.output.document(&json!({
            "run": id,
            "left": left,
            "right": right,
            "equal": difference.is_empty(),
            "note": difference.precision.note(),
            "rows": difference.rows.iter().map(row).collect::<Vec<_>>(),
        }))?;
    } else {
        context.output.print(lines(&context.output, &left, &right, &difference))?;
    }
    Ok(Exit::Done)
}

/// The two agents: those that were named, else the first two that answered.
fn who(run: &RunDetail, named: &[String]) -> Result<(String, String), Failure> {
    if let [left, right] = named {
        return Ok((left.clone(), right.clone()));
    }
    let mut answered: Vec<&str> = Vec::new();
    for output in &run.outputs {
        if !answered.contains(&output.agent.as_str()) {
            answered.push(&output.agent);
        }
    }
    match answered.as_slice() {
        [left, right, others @ ..] => {
            let (left, right) = ((*left).to_owned(), (*right).to_owned());
            if !others.is_empty() {
                tracing::debug!(?others, "answers that are not compared");
            }
            Ok((left, right))
        }
        few => {
            let id = run.summary.id;
            let (who, hint) = match few.first() {
                None => ("nobody", format!("`conclave runs show {id}` says what became of its agents")),
                Some(_) => ("one agent only", format!("`conclave runs show {id}` has that answer")),
            };
            Err(Failure::not_found(format!("run {id} has answers of {who} to compare")).hint(hint))
        }
    }
}

fn missing(run: &RunDetail, agent: &str) -> Failure {
    let mut agents: Vec<&str> = run.outputs.iter().map(|output| output.agent.as_str()).collect();
    agents.sort_unstable();
    agents.dedup();
    Failure::not_found(format!("run {} has no output of {agent:?}", run.summary.id))
        .hint(format!("it has outputs of {}", agents.join(", ")))
}

fn row(row: &Row) -> Value {
    let side = |side: &Side| {
        let piece = |piece: &Piece| json!({ "text": piece.text, "differs": piece.differs });
        json!({ "number": side.number, "pieces": side.pieces.iter().map(piece).collect::<Vec<_>>() })
    };
    let change = match row.change {
        Change::Same => "same",
        Change::Changed => "changed",
        Change::Left => "left",
        Change::Right => "right",
    };
    json!({ "change": change, "left": row.left.as_ref().map(side), "right": row.right.as_ref().map(side) })
}

/// Lines of the left begin with `-`, of the right with `+`; the words that differ stand in `[-…-]` and `{+…+}`.
fn lines(output: &Output, left: &str, right: &str, difference: &Difference) -> String {
    let mut text = format!("--- {}\n+++ {}\n", visible(left), visible(right));
    if let Some(note) = difference.precision.note() {
        let _ = writeln!(text, "({note})");
    }
    if difference.is_empty() {
        text.push_str("no difference\n");
        return text;
    }
    let rows = &difference.rows;
    let differs = |at: usize| rows.get(at).is_some_and(|row| row.change != Change::Same);
    let mut left_out = false;
    let mut block: Vec<&Row> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let near = (at.saturating_sub(AROUND)..=at + AROUND).any(differs);
        if row.change == Change::Same {
            flush(output, &mut text, &mut block);
            if near {
                if std::mem::take(&mut left_out) {
                    text.push_str("…\n");
                }
                let line = row.left.as_ref().map(plain).unwrap_or_default();
                let _ = writeln!(text, "  {line}");
            }
            left_out |= !near;
        } else {
            if std::mem::take(&mut left_out) {
                text.push_str("…\n");
            }
            block.push(row);
        }
    }
    flush(output, &mut text, &mut block);
    text
}

/// Rows that differ, one after the other: all of the left, then all of the right.
fn flush(output: &Output, text: &mut String, block: &mut Vec<&Row>) {
    for side in block.iter().filter_map(|row| row.left.as_ref()) {
        let _ = writeln!(text, "{} {}", output.coloured("-", Paint::Red), marked(output, side, Paint::Red));
    }
    for side in block.iter().filter_map(|row| row.right.as_ref()) {
        let _ =
            writeln!(text, "{} {}", output.coloured("+", Paint::Green), marked(output, side, Paint::Green));
    }
    block.clear();
}

fn plain(side: &Side) -> String {
    side.pieces.iter().map(|piece| visible(&piece.text)).collect()
}

/// A line with its different words marked, where not the whole line is one.
fn marked(output: &Output, side: &Side, paint: Paint) -> String {
    let whole = side.pieces.iter().all(|piece| piece.differs);
    let (open, close) = if paint == Paint::Red { ("[-", "-]") } else { ("{+", "+}") };
    side.pieces
        .iter()
        .map(|piece| {
            let shown = visible(&piece.text);
            if !piece.differs {
                shown.into_owned()
            } else if whole {
                output.coloured(&shown, paint)
            } else {
                output.coloured(&format!("{open}{shown}{close}"), paint)
            }
        })
        .collect()
}
