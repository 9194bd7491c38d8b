//! `conclave task dep add` and `conclave task dep rm`: both ends are said in words, since a mere arrow is read either
//! way.

use std::fmt::Write as _;

use conclave_tasks::TaskErrorKind;
use conclave_tasks::work::{self, Depended};
use conclave_tasks::{read, words};
use serde_json::json;

use super::{existing, find};
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{End, edge, named};
use crate::text::visible;

/// The most letters by which a mistyped type differs from the one that was meant.
const TYPO: usize = 2;

pub(super) fn add(context: &Context, issue: &str, on: &str, kind: &str) -> Result<Exit, Failure> {
    let db = existing(context, issue)?;
    let (issue, on) = (find(&db, issue)?, find(&db, on)?);
    let done = work::depend(&db, &context.actor, &issue, &on, kind).doing("add the dependency")?;
    Context::tidy_up(&db);
    doubt(context, kind);
    if context.output.json {
        let status = if done.changed { "added" } else { "unchanged" };
        return document(context, &done, status, kind);
    }
    let before = if done.changed { "" } else { " (as before)" };
    let to = named(&done.depends_on, done.target.as_ref());
    context.output.print(format_args!(
        "{} {} {to}{before}\n",
        visible(done.issue.id()),
        edge(kind, End::Issue)
    ))?;
    Ok(Exit::Done)
}

pub(super) fn rm(context: &Context, issue: &str, on: &str, kind: Option<&str>) -> Result<Exit, Failure> {
    let db = existing(context, issue)?;
    let issue = find(&db, issue)?;
    // The other end need not exist: then it is the id as the record has it.
    let on = match read::find(&db, on) {
        Err(error) if error.kind() == TaskErrorKind::NotFound => on.to_owned(),
        found => found.doing("find the task")?,
    };
    let done = work::undepend(&db, &context.actor, &issue, &on, kind).doing("remove the dependency")?;
    Context::tidy_up(&db);
    if context.output.json {
        let kinds = done.kinds.join(",");
        return document(context, &done, "removed", kind.unwrap_or(&kinds));
    }
    let mut text = String::new();
    for kind in &done.kinds {
        let to = named(&done.depends_on, done.target.as_ref());
        let _ = writeln!(text, "no more: {} {} {to}", visible(done.issue.id()), edge(kind, End::Issue));
    }
    context.output.print(text)?;
    Ok(Exit::Done)
}

/// Says that a type of one's own blocks nobody: it may be a slip of the fingers.
pub(super) fn doubt(context: &Context, kind: &str) {
    if words::DEPENDENCY_TYPES.contains(&kind) {
        return;
    }
    let meant = meant(kind).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let kind = visible(kind);
    context.output.notice(format!("`{kind}` is a type of your own, and blocks nobody{meant}"));
}

/// The well-known type that is nearest to this one, if it is near.
fn meant(kind: &str) -> Option<&'static str> {
    let spelled = kind.to_ascii_lowercase().replace(['_', ' '], "-");
    let near = words::DEPENDENCY_TYPES.into_iter().map(|known| (letters_apart(&spelled, known), known));
    near.min().filter(|(apart, _)| *apart <= TYPO).map(|(_, known)| known)
}

/// How many letters must be put in, taken out or changed to make one word of the other. The words are short.
fn letters_apart(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, same) in other.iter().map(|each| *each == letter).enumerate() {
            let changed = above[column] + usize::from(!same);
            line.push(changed.min(above[column + 1] + 1).min(line[column] + 1));
        }
        above = line;
    }
    above[other.len()]
}

fn document(context: &Context, done: &Depended, status: &str, kind: &str) -> Result<Exit, Failure> {
    context.output.document(&json!({
        "status": status,
        "issue_id": done.issue.id(),
        "depends_on_id": done.depends_on,
        "type": kind,
        "types": done.kinds,
    }))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_near_miss_is_seen() {
        for (kind, wanted) in [
            ("block", Some("blocks")),
            ("Blocks", Some("blocks")),
            ("parent_child", Some("parent-child")),
            ("realted", Some("related")),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(meant(kind), wanted, "{kind}");
        }
    }
}
