//! `conclave task audit`

use std::collections::BTreeMap;

use conclave_tasks::TaskErrorKind;
use conclave_tasks::read::{self, AuditRow};
use conclave_tasks::shape;
use serde_json::value::RawValue;

use super::nothing;
use crate::cli::context::Context;
use crate::cli::table::{Column, Table, left};
use crate::failure::{Doing, Exit, Failure};
use crate::text::{fit, visible};
use crate::times;

/// Columns of a value.
const VALUE: usize = 40;

/// Of conflicts, which may be of many tasks.
const CONFLICTS: &[Column] =
    &[left("when"), left("task"), left("key"), left("ours"), left("theirs"), left("taken")];

const COLUMNS: &[Column] = &[left("when"), left("who"), left("what"), left("status"), left("changes")];

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
    let (columns, cells): (_, Vec<Vec<String>>) = if conflicts {
        (CONFLICTS, rows.iter().flat_map(decided).map(Vec::from).collect())
    } else {
        (COLUMNS, rows.iter().map(cells).collect())
    };
    output.print(Table::new(columns, output.columns).lines(&cells, true))?;
    if let (true, Some(limit)) = (more, limit) {
        output.notice(format!("the newest {limit} are shown; --limit N shows more"));
    }
    Ok(Exit::Done)
}

fn cells(row: &AuditRow) -> Vec<String> {
    let status = match (&row.old_status, &row.new_status) {
        (Some(old), Some(new)) if old != new => format!("{old} to {new}"),
        (old, new) => new.as_ref().or(old.as_ref()).cloned().unwrap_or_default(),
    };
    if row.operation == "conflict" {
        let said = decided(row).into_iter().map(|line| {
            let [_, _, key, left, right, taken] = line;
            format!("{key}: ours {left}, theirs {right}: {taken}")
        });
        let changes = said.collect::<Vec<_>>().join(", ");
        return vec![times::absolute(row.at), row.who.clone(), row.operation.clone(), status, changes];
    }
    let changes = row.changes.as_deref().map(|changes| in_words(changes, &row.operation)).unwrap_or_default();
    vec![times::absolute(row.at), row.who.clone(), row.operation.clone(), status, changes]
}

/// `assignee: ana to bo, labels: ["a"]`: what the other columns do not say. Of a task that came in the title alone.
fn in_words(changes: &str, operation: &str) -> String {
    let Ok(keys) = serde_json::from_str::<BTreeMap<String, Sides>>(changes) else {
        return changes.to_owned();
    };
    let is_new = matches!(operation, "created" | "imported");
    let said = |key: &str| if is_new { key == "title" } else { !matches!(key, "status" | "updated_at") };
    let mut parts = Vec::new();
    for (key, sides) in keys.iter().filter(|(key, _)| said(key)) {
        let value = |side: &Option<Box<RawValue>>| {
            side.as_deref()
                .map_or_else(|| "nothing".to_owned(), |value| fit(&visible(value.get()), VALUE).into_owned())
        };
        parts.push(match &sides.old {
            None => format!("{key}: {}", value(&sides.new)),
            Some(_) => format!("{key}: {} to {}", value(&sides.old), value(&sides.new)),
        });
    }
    parts.join(", ")
}

/// One line for each key of a conflict.
fn decided(row: &AuditRow) -> Vec<[String; 6]> {
    let changes = row.changes.as_deref().unwrap_or_default();
    let keys = serde_json::from_str::<BTreeMap<String, Sided>>(changes).unwrap_or_default();
    let value = |side: &Option<Box<RawValue>>| {
        side.as_deref()
            .map_or_else(|| "absent".to_owned(), |value| fit(&visible(value.get()), VALUE).into_owned())
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

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn changes_are_said_in_words() {
        let changes = r#"{"status":{"old":"open","new":"closed"},"updated_at":{"old":"a","new":"b"},
            "assignee":{"old":"ana"},"labels":{"new":["a"]},"priority":{"old":2,"new":0}}"#;
        assert_eq!(
            in_words(changes, "updated"),
            r#"assignee: "ana" to nothing, labels: ["a"], priority: 2 to 0"#
        );
        assert_eq!(in_words(r#"{"id":{"new":"t-1"},"title":{"new":"T"}}"#, "created"), r#"title: "T""#);
        assert_eq!(in_words("[1]", "updated"), "[1]", "what is none of ours stays as it is");
    }
}
