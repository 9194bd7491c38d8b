//! The tables of the model client in `global.db`.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The steps of this crate's part of the machine-wide file.
pub const GLOBAL_MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION + 2,
    name: "model hosts",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];
