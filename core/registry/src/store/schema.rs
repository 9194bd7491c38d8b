//! The tables of this crate, in the project's state and in the machine-wide file.

use conclave_db::{FIRST_VERSION, Migration, Step};

/// The steps of this crate's part of a project's state.
pub const STATE_MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION + 3,
    name: "registry",
    up: Step::Sql(include_str!("state.sql")),
    down: None,
    rewrites: false,
}];

/// The steps of this crate's part of the machine-wide file.
pub const GLOBAL_MIGRATIONS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "ports",
    up: Step::Sql(include_str!("global.sql")),
    down: None,
    rewrites: false,
}];
