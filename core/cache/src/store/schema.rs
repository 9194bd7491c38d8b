//! The tables of `cache.db`.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The steps of `cache.db`, which is a file of its own.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "cache",
    up: Step::Sql(include_str!("schema.sql")),
    down: None,
    rewrites: false,
}];
