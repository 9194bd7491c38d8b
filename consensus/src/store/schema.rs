//! The tables of this crate, and the legacy tables as the original creates them.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The tables of the original's old schema. An unmarked file that holds only these is taken over.
pub const LEGACY_TABLES: &[&str] = &["consensus_artifacts", "consensus_synthesis", "agent_executions"];

/// The steps of this crate's schema.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "consensus runs",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];
