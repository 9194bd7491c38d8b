//! `conclave db …`: looking after a database file. Each word has its file.

pub(crate) mod args;
mod backup;
mod check;
mod checkpoint;
mod dump;
mod json;
mod living;
mod query;
mod reset;
mod restore;
mod schema_version;
mod stats;
mod stream;
mod target;
mod vacuum;

use serde_json::json;

use self::args::{DbCommand, DbLine};
use self::target::Target;
use super::context::Context;
use crate::failure::{Exit, Failure};

/// Indexes for searching, which SQLite calls tables: they hold nothing that is not in the tables that they index.
const INDEXES: &[&str] = &["task_search"];

pub(super) fn run(context: &Context, line: DbLine) -> Result<Exit, Failure> {
    let target = &Target::new(context, line.global)?;
    match line.command {
        DbCommand::SchemaVersion => schema_version::run(target),
        DbCommand::Dump => dump::run(target),
        DbCommand::Query { sql, timeout } => query::run(target, &sql, timeout),
        DbCommand::Stats => stats::run(target),
        DbCommand::Check => check::run(target),
        DbCommand::Restore { from, force } => restore::run(target, from, force),
        DbCommand::Reset { force } => reset::run(target, force),
        // A copy of nothing is no copy that anyone could rely on.
        DbCommand::Backup { .. } if !target.has_state() => Err(target::no_state()),
        DbCommand::Backup { to, keep } => backup::run(target, to, keep),
        // What looks after a file makes none.
        _ if !target.has_state() => {
            context.output.no_state();
            if context.output.json {
                context.output.document(&json!({}))?;
            }
            Ok(Exit::Done)
        }
        DbCommand::Vacuum { full } => vacuum::run(target, full),
        DbCommand::Checkpoint { truncate } => checkpoint::run(target, truncate),
        DbCommand::Convert => vacuum::convert(target),
    }
}
