//! The tables of this crate.

use conclave_db::{FIRST_VERSION, Migration, Step, WriteTx};

use super::{parts, raw};
use crate::error::TaskError;

/// The steps of this crate's schema.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: FIRST_VERSION + 2,
        name: "tasks",
        up: Step::Sql(include_str!("schema.sql")),
        down: None,
        rewrites: false,
    },
    Migration {
        version: FIRST_VERSION + 5,
        name: "words of tasks that every SQLite can read",
        up: Step::SqlThen {
            sql: include_str!("search.sql"),
            revision: "the words of each task as parts.rs has them",
            run: index_all,
        },
        down: None,
        rewrites: false,
    },
    Migration {
        version: FIRST_VERSION + 7,
        name: "attempts of the dispatcher",
        up: Step::Sql(include_str!("attempts.sql")),
        down: None,
        rewrites: false,
    },
];

/// Puts the words of all tasks into the index. A record that is damaged has none: the doctor tells of it, and nobody
/// is kept from the rest.
fn index_all(tx: &WriteTx<'_>) -> conclave_db::Result<()> {
    let mut after = i64::MIN;
    loop {
        let page = raw::after(tx, after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        for task in page {
            match task.read() {
                Ok(stored) => parts::add_words(tx, stored.number, &stored.record).map_err(storage)?,
                Err(error) => tracing::warn!(%error, "no words of this task"),
            }
        }
    }
}

fn storage(error: TaskError) -> conclave_db::DbError {
    match error {
        TaskError::Storage(error) => error,
        other => conclave_db::DbError::Invalid(other.to_string()),
    }
}
