//! `conclave runs answer`: the questions of a gate that wait for a person.

use std::fmt::Write as _;

use conclave_consensus::gates::{self, Answered, Decision, GateIssue, OpenIssue};
use conclave_consensus::runs::RunId;
use conclave_db::Db;
use serde_json::json;

use crate::attention::{answer_command, word_of};
use crate::cli::context::Context;
use crate::cli::output::{Output, Paint};
use crate::failure::{Doing, Exit, Failure};
use crate::find_run::find_one;
use crate::text::{counted, visible, visible_lines};
use crate::times;

/// Questions that a hint names.
const NAMED: usize = 8;

/// The open questions of a run.
pub(super) fn show(context: &Context, name: &str) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return super::empty_list(context) };
    let open = open_of(&db, find_one(&db, name)?)?;
    if context.output.json {
        context.output.document(&open)?;
    } else if open.is_empty() {
        context.output.print("no question waits for an answer\n")?;
    } else {
        context.output.print(lines(&context.output, &open))?;
    }
    Ok(Exit::Done)
}

fn open_of(db: &Db, run: RunId) -> Result<Vec<OpenIssue>, Failure> {
    let open = gates::open(db).doing("read the open questions")?;
    Ok(open.into_iter().filter(|issue| issue.run == run).collect())
}

/// Answers one.
pub(super) fn give(context: &Context, name: &str, issue: &str, text: &str) -> Result<Exit, Failure> {
    if !context.project.has_state() {
        return Err(
            Failure::not_found(format!("no run {name:?}: there is no state here")).hint("conclave init")
        );
    }
    let db = context.open()?;
    let run = find_one(&db, name)?;
    let issue = issue_id(&db, run, issue)?;
    let issue = issue.as_str();
    match gates::answer(&db, run, issue, text, &context.actor).doing("answer")? {
        Answered::Stored { left } => {
            if context.output.json {
                context
                    .output
                    .document(&json!({ "run": run, "issue": issue, "answer": text, "left": left }))?;
            } else {
                let left = match left {
                    0 => "no question of this gate is open any more".to_owned(),
                    left => format!("{} open", counted(left, "question is", "questions are")),
                };
                context.output.print(format_args!("{}: answered; {left}\n", visible(issue)))?;
            }
            Ok(Exit::Done)
        }
        Answered::Already { answer, by, at } => Err(Failure::new(
            Exit::StateSaysNo,
            "answered",
            format!("{issue:?} was answered by {by} at {}: {answer}", times::absolute(at)),
        )),
    }
}

/// The id behind a word: an id as it is, else `@` and the number of an issue in its gate.
fn issue_id(db: &Db, run: RunId, word: &str) -> Result<String, Failure> {
    let gate = gates::of_run(db, run).doing("read the questions")?;
    let Some(gate) = gate else {
        return Err(Failure::not_found(format!("run {run} asks nothing"))
            .hint("questions come from gates that are closed: clarify, checklist and analyze"));
    };
    let issues = gate.issues;
    if issues.iter().any(|known| known.issue.id == word) {
        return Ok(word.to_owned());
    }
    let number = word
        .strip_prefix('@')
        .and_then(|number| number.parse::<usize>().ok())
        .and_then(|number| number.checked_sub(1));
    match number.and_then(|place| issues.get(place)) {
        Some(known) => Ok(known.issue.id.clone()),
        None => {
            Err(Failure::not_found(format!("run {run} has no question {word:?}")).hint(open_ones(&issues)))
        }
    }
}

/// The questions of a gate that wait, for whoever named another one.
fn open_ones(issues: &[GateIssue]) -> String {
    let open: Vec<_> = (1..).zip(issues).filter(|(_, known)| known.answer.is_none()).collect();
    let named: Vec<_> =
        open.iter().take(NAMED).map(|(number, known)| word_of(&known.issue.id, *number)).collect();
    let more = match open.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match open.len() {
        0 => "none of its questions is open".to_owned(),
        1 => format!("the question that is open is {}", named.join(", ")),
        _ => format!("the questions that are open are {}{more}", named.join(", ")),
    }
}

/// Questions for people, with what the agents say.
pub(in crate::cli) fn lines(output: &Output, open: &[OpenIssue]) -> String {
    let mut text = String::new();
    for one in open {
        let issue = &one.issue;
        let _ = writeln!(
            text,
            "{}  {} of {}, run {}",
            output.coloured(&visible(&issue.id), Paint::Bold),
            visible(&one.gate),
            visible(&one.spec),
            one.run
        );
        for question in &issue.questions {
            let _ = writeln!(text, "  {}", visible_lines(question.trim()).replace('\n', "\n  "));
        }
        for position in &issue.answers {
            let _ = writeln!(text, "  - {} ({})", visible(&position.answer), position.agents.join(", "));
        }
        if let Decision::Ask { why } = &issue.decision {
            let _ = writeln!(text, "  asked because {}", visible(why));
        }
        let _ = writeln!(text, "  {}", answer_command(one));
    }
    text
}
