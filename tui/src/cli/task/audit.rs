//! `conclave task audit`

use conclave_tasks::TaskErrorKind;
use conclave_tasks::read::{self, AuditRow};
use conclave_tasks::shape;

use super::nothing;
use crate::cli::context::Context;
use crate::cli::table::{Column, Table, left};
use crate::failure::{Doing, Exit, Failure};
use crate::times;

const COLUMNS: &[Column] = &[left("when"), left("who"), left("what"), left("status"), left("changes")];

pub(super) fn run(context: &Context, given: &str, limit: Option<usize>) -> Result<Exit, Failure> {
    let Some(db) = context.open_read_only()? else { return nothing(context) };
    // A task that is gone has its history still, under its full name.
    let id = match read::find(&db, given) {
        Err(error) if error.kind() == TaskErrorKind::NotFound => given.to_owned(),
        found => found.doing("find the task")?,
    };
    let output = &context.output;
    let limit = limit.or(output.usual_limit());
    let one_more = limit.map(|limit| (limit as u64).saturating_add(1));
    let mut rows = read::audit(&db, &id, one_more).doing("read the audit log")?;
    let more = limit.is_some_and(|limit| rows.len() > limit);
    rows.truncate(limit.unwrap_or(usize::MAX));
    if output.json {
        output.document(&rows.iter().map(shape::audited).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    output.print(Table::new(COLUMNS, output.columns).lines(&cells, true))?;
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
    vec![
        times::absolute(row.at),
        row.who.clone(),
        row.operation.clone(),
        status,
        row.changes.clone().unwrap_or_default(),
    ]
}
