//! `conclave task audit`

use std::collections::{BTreeMap, BTreeSet};

use conclave_tasks::read::{self, AuditRow};
use conclave_tasks::{TaskErrorKind, shape, words};
use serde_json::Value;
use serde_json::value::RawValue;

use super::nothing;
use crate::cli::context::Context;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table, left};
use crate::failure::{Doing, Exit, Failure};
use crate::task_words::{End, edge};
use crate::text::{fit, visible, wrapped};
use crate::times;

/// Columns of a value: several lines of a terminal.
const VALUE: usize = 400;

/// Of conflicts, which may be of many tasks.
const CONFLICTS: &[Column] =
    &[left("when"), left("task"), left("key"), left("ours"), left("theirs"), left("taken")];

/// Columns of a value beside others.
const BESIDE: usize = 40;

const COLUMNS: &[Column] = &[left("when"), left("who"), left("what"), left("status")];

pub(super) fn run(
    context: &Context,
    given: Option<&str>,
    conflicts: bool,
    limit: Option<usize>,
) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    // A task that is gone has its history still, under its full name.
    let id = given.map(|given| match read::find(&db, given) {
        Err(error) if error.kind() == TaskErrorKind::NotFound => Ok(given.to_owned()),
        found => found.doing("find the task"),
    });
    let id = id.transpose()?;
    let output = &context.output;
    let limit = limit.or(output.usual_limit());
    let one_more = limit.map(|limit| (limit as u64).saturating_add(1));
    let rows = match &id {
        Some(id) if !conflicts => read::audit(&db, id, one_more),
        _ => read::conflicts(&db, id.as_deref(), one_more),
    };
    let mut rows = rows.doing("read the audit log")?;
    let more = limit.is_some_and(|limit| rows.len() > limit);
    rows.truncate(limit.unwrap_or(usize::MAX));
    if output.json {
        output.document(&rows.iter().map(shape::audited).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    if conflicts && rows.is_empty() {
        output.notice("no conflicts");
        return Ok(Exit::Done);
    }
    output.print(if conflicts { conflicts_table(output, &rows) } else { table(output, &rows) })?;
    if let (true, Some(limit)) = (more, limit) {
        output.notice(format!("the newest {limit} are shown; --limit N shows more"));
    }
    Ok(Exit::Done)
}

fn conflicts_table(output: &Output, rows: &[AuditRow]) -> String {
    let cells: Vec<Vec<String>> = rows.iter().flat_map(|row| decided(row, BESIDE)).map(Vec::from).collect();
    Table::new(CONFLICTS, output.columns).lines(&cells, true)
}

/// One line for each change, and below it what has changed.
fn table(output: &Output, rows: &[AuditRow]) -> String {
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let lines = Table::new(COLUMNS, output.columns).lines(&cells, true);
    let mut text = String::new();
    for (line, row) in lines.lines().zip(std::iter::once(None).chain(rows.iter().map(Some))) {
        text.push_str(line);
        text.push('\n');
        for change in row.map(|row| below(output, row)).unwrap_or_default() {
            text.push_str(&wrapped(&format!("    {change}"), output.columns, "      "));
        }
    }
    text
}

/// What has changed, one text for each key.
fn below(output: &Output, row: &AuditRow) -> Vec<String> {
    match row.changes.as_deref() {
        None => Vec::new(),
        Some(_) if row.operation == "conflict" => decided(row, VALUE)
            .into_iter()
            .map(|[_, _, key, left, right, taken]| format!("{key}: ours {left}, theirs {right}: {taken}"))
            .collect(),
        Some(changes) => in_words(output, changes, &row.operation),
    }
}

fn cells(row: &AuditRow) -> Vec<String> {
    let status = match (&row.old_status, &row.new_status) {
        (Some(old), Some(new)) if old != new => format!("{old} to {new}"),
        (old, new) => new.as_ref().or(old.as_ref()).cloned().unwrap_or_default(),
    };
    vec![times::absolute(row.at), row.who.clone(), row.operation.clone(), status]
}

/// `assignee: ana to bo`, `labels: +a -b`: what the columns do not say, one text for each key. Of a task that came in
/// the title alone.
fn in_words(output: &Output, changes: &str, operation: &str) -> Vec<String> {
    let Ok(keys) = serde_json::from_str::<BTreeMap<String, Sides>>(changes) else {
        return vec![visible(changes).into_owned()];
    };
    let is_new = matches!(operation, "created" | "imported");
    let said = |key: &str| if is_new { key == "title" } else { !matches!(key, "status" | "updated_at") };
    let told = keys.iter().filter(|(key, _)| said(key));
    told.map(|(key, sides)| format!("{}: {}", visible(key), sides.in_words(output, key))).collect()
}

/// One line for each key of a conflict, its values cut at so many columns.
fn decided(row: &AuditRow, columns: usize) -> Vec<[String; 6]> {
    let changes = row.changes.as_deref().unwrap_or_default();
    let keys = serde_json::from_str::<BTreeMap<String, Sided>>(changes).unwrap_or_default();
    let value = |side: &Option<Box<RawValue>>| {
        side.as_deref()
            .map_or_else(|| "absent".to_owned(), |value| fit(&visible(value.get()), columns).into_owned())
    };
    let lines = keys.iter().map(|(key, sides)| {
        let key = if key.is_empty() { "the whole task" } else { key };
        let (left, right) = (value(&sides.left), value(&sides.right));
        [times::absolute(row.at), row.task_id.clone(), key.to_owned(), left, right, sides.decided.clone()]
    });
    lines.collect()
}

/// What became of a key that both sides had changed.
#[derive(serde::Deserialize)]
struct Sided {
    left: Option<Box<RawValue>>,
    right: Option<Box<RawValue>>,
    decided: String,
}

/// The values of a key before and after.
#[derive(serde::Deserialize)]
struct Sides {
    old: Option<Box<RawValue>>,
    new: Option<Box<RawValue>>,
}

impl Sides {
    fn in_words(&self, output: &Output, key: &str) -> String {
        let list = |side: &Option<Box<RawValue>>| match side.as_deref() {
            None => Some(Vec::new()),
            Some(side) => serde_json::from_str::<Vec<&RawValue>>(side.get())
                .ok()
                .map(|list| list.into_iter().map(|one| one.get().to_owned()).collect::<Vec<_>>()),
        };
        if let (Some(old), Some(new)) = (list(&self.old), list(&self.new))
            && self.old.is_some() | self.new.is_some()
        {
            return difference(output, key, &old, &new);
        }
        let value = |side: &Option<Box<RawValue>>| {
            side.as_deref().map_or_else(|| "nothing".to_owned(), |value| shown(value.get()))
        };
        match &self.old {
            None => value(&self.new),
            Some(_) => format!("{} to {}", value(&self.old), value(&self.new)),
        }
    }
}

/// What of a list is new, and what is gone.
fn difference(output: &Output, key: &str, old: &[String], new: &[String]) -> String {
    let before: BTreeSet<&String> = old.iter().collect();
    let after: BTreeSet<&String> = new.iter().collect();
    let added = new.iter().filter(|one| !before.contains(one)).map(|one| format!("+{}", element(key, one)));
    let minus = output.sign("−", "-");
    let gone =
        old.iter().filter(|one| !after.contains(one)).map(|one| format!("{minus}{}", element(key, one)));
    let parts: Vec<String> = added.chain(gone).collect();
    if parts.is_empty() { "in another order".to_owned() } else { parts.join(", ") }
}

/// One element of a list, in words where it is an edge or a comment.
fn element(key: &str, json: &str) -> String {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let said = match key {
        "labels" => value.as_str().map(str::to_owned),
        "dependencies" => text(&value, "depends_on_id").map(|target| {
            let kind = text(&value, "type").unwrap_or_else(|| words::BLOCKS.to_owned());
            format!("{} {target}", edge(&kind, End::Issue))
        }),
        "comments" => text(&value, "text").map(|said| {
            let author = text(&value, "author").map(|author| format!(" by {author}")).unwrap_or_default();
            format!("comment{author}: {said}")
        }),
        _ => None,
    };
    said.map_or_else(|| shown(json), |said| fit(&visible(&said), VALUE).into_owned())
}

/// A value of a record: a long one is cut, `--json` has the whole.
fn shown(json: &str) -> String {
    fit(&visible(json), VALUE).into_owned()
}

#[cfg(test)]
mod tests {
    use super::in_words;
    use crate::cli::output::Output;

    #[test]
    fn changes_are_said_in_words() {
        let said = |changes: &str, operation: &str| in_words(&Output::plain(false), changes, operation);
        let changes = r#"{"status":{"old":"open","new":"closed"},"updated_at":{"old":"a","new":"b"},
            "assignee":{"old":"ana"},"labels":{"new":["a"]},"priority":{"old":2,"new":0}}"#;
        assert_eq!(
            said(changes, "updated"),
            [r#"assignee: "ana" to nothing"#, "labels: +a", "priority: 2 to 0"]
        );
        assert_eq!(said(r#"{"id":{"new":"t-1"},"title":{"new":"T"}}"#, "created"), [r#"title: "T""#]);
        assert_eq!(said("[1]", "updated"), ["[1]"], "what is none of ours stays as it is");
    }

    #[test]
    fn of_lists_only_the_difference_is_said() {
        let said = |changes: &str| in_words(&Output::plain(false), changes, "updated").concat();
        for (changes, wanted) in [
            (r#"{"labels":{"old":["a","b"],"new":["b","c"]}}"#, "labels: +c, -a"),
            (r#"{"labels":{"old":["a","b"],"new":["b","a"]}}"#, "labels: in another order"),
            (r#"{"labels":{"old":["a"]}}"#, "labels: -a"),
            (
                r#"{"dependencies":{"old":[{"issue_id":"t","depends_on_id":"x"}],
                   "new":[{"issue_id":"t","depends_on_id":"x"},{"depends_on_id":"y","type":"parent-child"}]}}"#,
                "dependencies: +is a child of y",
            ),
            (
                r#"{"comments":{"new":[{"author":"ada","text":"so\nit is"}]}}"#,
                "comments: +comment by ada: so\u{240a}it is",
            ),
            (r#"{"zzz":{"old":[{"a":1}],"new":[{"a":2},3]}}"#, r#"zzz: +{"a":2}, +3, -{"a":1}"#),
        ] {
            assert_eq!(said(changes), wanted);
        }
    }
}
