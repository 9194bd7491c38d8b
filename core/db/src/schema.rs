//! What a database file of ours is: its marks, its tables, and the append-only list of its versions.

use crate::error::{DbError, Result};
use crate::transaction::WriteTx;

/// `application_id` of every file of ours: "CNCL" (<https://sqlite.org/pragma.html#pragma_application_id>).
pub const APPLICATION_ID: i32 = 0x434E_434C;

/// Our `user_version` numbers start here: later releases of the original drop the legacy tables of a file
/// below 2 and refuse one above, so a number that they refuse keeps them away.
pub const FIRST_VERSION: i32 = 100;

/// What a step does.
#[derive(Clone, Copy)]
pub enum Step {
    /// Statements, run as they are. Their text is part of the checksum.
    Sql(&'static str),
    /// Statements, then code for what depends on the file at hand, in one transaction.
    SqlThen {
        /// The statements. Their text is part of the checksum.
        sql: &'static str,
        /// Stands for the code in the checksum.
        revision: &'static str,
        /// Runs after the statements.
        run: fn(&WriteTx<'_>) -> Result<()>,
    },
    /// Code. `revision` stands for its text in the checksum: change it with the code.
    Code {
        /// Stands for the code in the checksum.
        revision: &'static str,
        /// Runs inside the step's transaction.
        run: fn(&WriteTx<'_>) -> Result<()>,
    },
}

/// One version of the schema. Never changed once released, only followed by another.
#[derive(Clone, Copy)]
pub struct Migration {
    /// The `user_version` after this step.
    pub version: i32,
    /// What it brings, in a few words.
    pub name: &'static str,
    /// What it does.
    pub up: Step,
    /// The way back, where it loses nothing.
    pub down: Option<Step>,
    /// Whether it rewrites a table that holds data: a verified backup is made first.
    pub rewrites: bool,
}

/// The schema of one kind of file.
#[derive(Clone)]
pub struct Schema {
    migrations: Vec<Migration>,
    legacy_tables: &'static [&'static str],
}

impl Schema {
    /// Puts the lists of several crates together. Versions must be unique and without gaps from
    /// [`FIRST_VERSION`]; `legacy_tables` are tables of unmarked files that are taken over.
    pub fn assemble(parts: &[&[Migration]], legacy_tables: &'static [&'static str]) -> Result<Self> {
        let mut migrations: Vec<Migration> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        migrations.sort_by_key(|migration| migration.version);
        for (wanted, migration) in (FIRST_VERSION..).zip(&migrations) {
            if migration.version != wanted {
                return Err(DbError::Invalid(format!(
                    "schema versions have a gap or a double at {wanted}: found {}",
                    migration.version
                )));
            }
        }
        Ok(Self { migrations, legacy_tables })
    }

    /// The newest version, 0 for a schema without steps.
    pub fn version(&self) -> i32 {
        self.migrations.last().map_or(0, |migration| migration.version)
    }

    /// All steps, oldest first.
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// Whether an unmarked file may hold this table and still be taken over.
    pub fn takes_over(&self, table: &str) -> bool {
        table.starts_with("sqlite_") || self.legacy_tables.iter().any(|name| name.eq_ignore_ascii_case(table))
    }
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Schema").field("version", &self.version()).finish_non_exhaustive()
    }
}
