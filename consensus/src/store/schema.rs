//! The tables of this crate, and the legacy tables as the original creates them.

use conclave_db::{DbError, FIRST_VERSION, Migration, Step, WriteTx};

use super::{capture, control};
use crate::error::ConsensusError;

/// The tables of the original's old schema. An unmarked file that holds only these is taken over.
pub const LEGACY_TABLES: &[&str] = &["consensus_artifacts", "consensus_synthesis", "agent_executions"];

/// The steps of this crate's schema.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "consensus runs",
    up: Step::SqlThen {
        sql: include_str!("schema.sql"),
        // The triggers' text is no part of the step: a program that knows a better one makes them anew.
        revision: "capture of legacy tables that are there",
        run: watch_legacy_tables,
    },
    down: None,
    rewrites: false,
}];

/// From the moment in which the new tables are there, nothing that an older program writes escapes them.
fn watch_legacy_tables(tx: &WriteTx<'_>) -> Result<(), DbError> {
    let install = || {
        if control::legacy_tables(tx)?.is_empty() {
            return Ok(());
        }
        capture::install(tx)
    };
    install().map_err(|error: ConsensusError| match error {
        ConsensusError::Storage(error) => error,
        other => DbError::Invalid(other.to_string()),
    })
}
