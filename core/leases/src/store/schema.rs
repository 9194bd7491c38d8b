//! The tables of this crate.

use conclave_db::{Migration, Step};

/// The step that makes the tables of leases, as this version of a file's schema: the project's state and the
/// machine-wide file both hold leases, and count their versions for themselves.
pub const fn migration(version: i32) -> Migration {
    Migration {
        version,
        name: "leases",
        up: Step::Sql(include_str!("schema.sql")),
        down: None,
        rewrites: false,
    }
}
