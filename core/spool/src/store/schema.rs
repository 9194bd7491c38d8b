//! The tables of this crate.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The steps of `state.db`.
pub const STATE_MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION + 6,
    name: "spool",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];
