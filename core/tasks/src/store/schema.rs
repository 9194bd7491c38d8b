//! The tables of this crate.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The steps of this crate's schema.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION + 2,
    name: "tasks",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];
