//! `conclave ports list`

use conclave_registry::ports::{self, Allocation, BLOCK};
use conclave_retry::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::table::{Column, Table, left, right};
use crate::failure::{Doing, Exit, Failure};
use crate::times;

const COLUMNS: &[Column] = &[left("ports"), right("last used"), left("project")];

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let output = &context.output;
    let blocks = if let Some(global) = context.machine()?.open_read_only()? {
        ports::list(&global).doing("list the blocks of ports")?
    } else {
        output.notice("no state here");
        output.notice("hint: conclave ports get");
        Vec::new()
    };
    if output.json {
        output.document(&blocks.iter().map(object).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let now = SystemClock.wall_ms();
    let rows: Vec<Vec<String>> = blocks.iter().map(|block| row(block, now)).collect();
    if !rows.is_empty() {
        output.print(Table::new(COLUMNS, output.columns).lines(&rows, true))?;
    }
    Ok(Exit::Done)
}

fn row(block: &Allocation, now: i64) -> Vec<String> {
    let last = u32::from(block.base) + u32::from(BLOCK) - 1;
    let missing = if block.exists { "" } else { " (missing)" };
    vec![
        format!("{}-{last}", block.base),
        times::ago(now, block.last_used_at_ms),
        format!("{}{missing}", block.project),
    ]
}

fn object(block: &Allocation) -> Value {
    json!({
        "project": block.project,
        "base": block.base,
        "pid": block.pid,
        "exists": block.exists,
        "registered_at": times::rfc3339(block.registered_at_ms),
        "last_used_at": times::rfc3339(block.last_used_at_ms),
    })
}
