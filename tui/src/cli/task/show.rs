//! `conclave task show`: a page for each task.

use std::fmt::Write as _;

use conclave_db::Db;
use conclave_tasks::moment::Moment;
use conclave_tasks::read::{self, AttemptRow, Detail, Neighbour};
use conclave_tasks::{shape, words};

use super::{find_all, listing, nothing, now_ms};
use crate::cli::context::Context;
use crate::cli::output::{Output, Paint};
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{End, edge, is_unfinished, kept_back, named, tried};
use crate::text::{visible, visible_lines, wrapped};
use crate::times;

pub(super) fn run(context: &Context, given: &[String]) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    let ids = find_all(&db, given)?;
    let details: Vec<Detail> =
        ids.iter().map(|id| read::show(&db, id).doing("read the task")).collect::<Result<_, _>>()?;
    if context.output.json {
        context.output.document(&details.iter().map(shape::shown).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut pages = Vec::with_capacity(details.len());
    for detail in &details {
        pages.push(page(context, &db, detail)?);
    }
    context.output.print(pages.join("\n"))?;
    Ok(Exit::Done)
}

fn page(context: &Context, db: &Db, detail: &Detail) -> Result<String, Failure> {
    let output = &context.output;
    let row = &detail.row;
    let paper = Paper { columns: output.columns };
    let mut text = head(output, detail);
    text.push_str(&facts(paper, detail));
    text.push_str(&neighbours(paper, detail));
    for (label, key) in [
        ("description", "description"),
        ("design", "design"),
        ("acceptance", "acceptance_criteria"),
        ("notes", "notes"),
        ("result", "result"),
        ("error", "last_error"),
    ] {
        section(paper, &mut text, label, row.record.text(key).as_deref());
    }
    let shown = [row.record.text("result"), row.record.text("last_error")];
    text.push_str(&attempts(paper, &read::attempts(db, row.id()).doing("read the attempts")?, &shown));
    let comments = &row.record.projection().comments;
    if !comments.is_empty() {
        text.push_str("\ncomments\n");
    }
    for comment in comments {
        let when =
            comment.created_at.map_or_else(|| "at an unknown time".to_owned(), |at| times::absolute(at.ms()));
        let who = comment.author.as_deref().unwrap_or("unknown");
        let _ = writeln!(text, "  {}, {when}", visible(who));
        text.push_str(&paper.indented(comment.text.as_deref().unwrap_or_default(), "    "));
    }
    Ok(text)
}

/// What it is, and how it stands, in two lines.
fn head(output: &Output, detail: &Detail) -> String {
    let row = &detail.row;
    let said = row.record.projection();
    let mut parts = vec![
        listing::coloured_standing(output, row),
        listing::priority(row),
        visible(said.issue_type.as_deref().unwrap_or("type unknown")).into_owned(),
    ];
    if detail.ready {
        parts.push("ready".to_owned());
    }
    let id = output.coloured(&visible(row.id()), Paint::Bold);
    format!("{id}  {}\n{}\n\n", parts.join(output.sign(" · ", " - ")), visible(row.title()))
}

/// Label and value, one line each, of what is known.
fn facts(paper: Paper, detail: &Detail) -> String {
    let row = &detail.row;
    let record = &row.record;
    let said = record.projection();
    let now = now_ms();
    let time = |at: Option<Moment>| {
        at.map(|at| {
            let ago =
                if at.ms() <= now { format!(", {} ago", times::ago(now, at.ms())) } else { String::new() };
            format!("{}{ago}", times::absolute(at.ms()))
        })
    };
    let by = |time: Option<String>, who: Option<String>| match (time, who) {
        (Some(time), Some(who)) => Some(format!("{time}, by {who}")),
        (time, who) => time.or_else(|| who.map(|who| format!("by {who}"))),
    };
    let who = match (&row.assignee, &row.expired_claim_of) {
        (None, Some(whose)) => Some(format!("nobody; the claim of {whose} has expired")),
        (who, _) => who.clone(),
    };
    let labels = (!said.labels.is_empty()).then(|| said.labels.join(", "));
    let attempts = (said.attempt_count > 0).then(|| said.attempt_count.to_string());
    let estimate = record
        .value("estimated_minutes")
        .map(|minutes| format!("{} minutes", String::from_utf8_lossy(minutes)));
    let reason = said.close_reason.clone().filter(|reason| !reason.is_empty());
    let kept_back = Some(kept_back(row, now).join("; ")).filter(|why| !why.is_empty());
    let mut text = String::new();
    for (label, value) in [
        ("not ready", kept_back),
        ("who", who),
        ("labels", labels),
        ("created", by(time(said.created_at), record.text("created_by").filter(|who| !who.is_empty()))),
        ("updated", time(said.updated_at)),
        ("closed", time(said.closed_at)),
        ("reason", reason),
        ("deleted", by(time(said.deleted_at), record.text("deleted_by").filter(|who| !who.is_empty()))),
        ("due", time(said.due_at)),
        ("not before", time(said.defer_until)),
        ("claim ends", time(said.claim_expires_at)),
        ("estimate", estimate),
        ("attempts", attempts),
        ("elsewhere", said.external_ref.clone()),
    ] {
        if let Some(value) = value {
            text.push_str(&paper.line(&format!("{label:<11} {}", visible(&value)), "            "));
        }
    }
    text
}

/// What it waits for, belongs to and blocks, in words. What is over is said as past.
fn neighbours(paper: Paper, detail: &Detail) -> String {
    let is_finished = !is_unfinished(&detail.row);
    let mut text = String::new();
    let mut line = |neighbour: &Neighbour, from: End| {
        let target = neighbour.row.as_ref();
        let is_over = is_finished || target.is_some_and(|target| !is_unfinished(target));
        let said = match (neighbour.kind.as_str(), from) {
            (words::BLOCKS, End::Issue) if is_over => "waited for".to_owned(),
            (words::BLOCKS, End::Target) if is_over => "blocked".to_owned(),
            (kind, from) => edge(kind, from),
        };
        let named = named(&neighbour.id, neighbour.row.as_ref());
        text.push_str(&paper.line(&format!("  {said} {named}"), "    "));
    };
    detail.dependencies.iter().for_each(|neighbour| line(neighbour, End::Issue));
    detail.dependents.iter().for_each(|neighbour| line(neighbour, End::Target));
    if !text.is_empty() {
        text.insert_str(0, "\ndependencies\n");
    }
    if !detail.blockers.is_empty() && !is_finished {
        text.push_str("\nblocked\n");
        for blocker in &detail.blockers {
            text.push_str(&paper.line(&format!("  {}", visible(&blocker.why)), "    "));
        }
    }
    text
}

/// What was tried. A text that stands on the page already is not said again.
fn attempts(paper: Paper, attempts: &[AttemptRow], shown: &[Option<String>; 2]) -> String {
    let mut text = String::new();
    if !attempts.is_empty() {
        text.push_str("\nattempts, the newest first\n");
    }
    for one in attempts {
        let status = one.status.as_deref().unwrap_or("unknown");
        let dispatched = tried(one).map(|tried| format!("  {}", visible(&tried))).unwrap_or_default();
        let line = format!(
            "  {}  {}  {}  {}{dispatched}",
            one.attempt,
            times::absolute(one.at),
            visible(&one.who),
            visible(status),
        );
        text.push_str(&paper.line(&line, "    "));
        for (label, said, shown) in [("result", &one.result, &shown[0]), ("error", &one.error, &shown[1])] {
            if let Some(said) =
                said.as_deref().filter(|said| !said.is_empty() && shown.as_deref() != Some(said))
            {
                let _ = writeln!(text, "    {label}");
                text.push_str(&paper.indented(said, "      "));
            }
        }
    }
    text
}

fn section(paper: Paper, text: &mut String, label: &str, said: Option<&str>) {
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        let _ = writeln!(text, "\n{label}");
        text.push_str(&paper.indented(said, "  "));
    }
}

/// What the page is printed on: a terminal has an edge, a pipe has none.
#[derive(Clone, Copy)]
struct Paper {
    columns: Option<usize>,
}

impl Paper {
    fn line(self, line: &str, hanging: &str) -> String {
        wrapped(line, self.columns, hanging)
    }

    /// Every line of a text with this before it.
    fn indented(self, said: &str, indent: &str) -> String {
        let shown = visible_lines(said.trim_end_matches(['\n', '\r']));
        shown.lines().map(|line| self.line(format!("{indent}{line}").trim_end(), indent)).collect()
    }
}
