//! The questions of a quality gate.

use std::fmt::Write as _;

use conclave_consensus::gates::{Decision, Gate, GateIssue};
use ratatui::text::Span;

use crate::text::{fit_with, pad, visible};
use crate::times;
use crate::ui::theme::Theme;

/// Widest id that is not cut.
const ID: usize = 16;

/// One line of the list.
pub(super) fn row(theme: Theme, issue: &GateIssue) -> Vec<Span<'static>> {
    let mark = theme.sign("…", "~");
    let (sign, word, style) = match &issue.answer {
        Some(answer) if answer.by == "agents" => (theme.sign("✓", "+"), "agents", theme.good()),
        Some(_) => (theme.sign("✓", "+"), "answered", theme.good()),
        None => ("?", "open", theme.warning()),
    };
    let question = issue.issue.questions.first().cloned().unwrap_or_default();
    let text = match &issue.answer {
        Some(answer) => format!("{}: {question}", answer.text),
        None => question,
    };
    vec![
        Span::raw(pad(&fit_with(&visible(&issue.issue.id), ID, mark), ID, false)),
        Span::styled(format!(" {} ", pad(&format!("{sign} {word}"), 10, false)), style),
        Span::raw(visible(&text).into_owned()),
    ]
}

/// What the gate came to, in a line.
pub(super) fn head(gate: &Gate) -> String {
    let open = gate.issues.iter().filter(|issue| issue.answer.is_none()).count() as u64;
    let open = match open {
        0 => String::new(),
        open => format!("{}; a answers: ", crate::text::counted(open, "open question", "open questions")),
    };
    format!("{open}{}", gate.reason)
}

/// One issue in full.
pub(super) fn text(issue: &GateIssue) -> String {
    let (answer, issue) = (&issue.answer, &issue.issue);
    let mut text = String::new();
    for question in &issue.questions {
        let _ = writeln!(text, "{question}");
    }
    text.push('\n');
    for choice in &issue.answers {
        let _ = writeln!(text, "  {}  {}", choice.agents.join(", "), choice.answer);
    }
    if !issue.abstained.is_empty() {
        let _ = writeln!(text, "  no answer: {}", issue.abstained.join(", "));
    }
    match answer {
        Some(answer) => {
            let at = times::absolute(answer.at);
            let _ = writeln!(text, "\nanswered by {} at {at}: {}", answer.by, answer.text);
        }
        None => {
            if let Decision::Ask { why } = &issue.decision {
                let _ = writeln!(text, "\nwaits for a person: {why}");
            }
        }
    }
    for context in &issue.context {
        let _ = writeln!(text, "\n{context}");
    }
    text
}
