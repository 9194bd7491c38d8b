//! Taking over `state.json` and `ports.json` of the original.

use std::path::{Path, PathBuf};

use conclave_db::Db;

use crate::error::Result;

/// Which of the two a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `state.json`: agents of a project.
    State,
    /// `ports.json`: blocks of the machine.
    Ports,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The file.
    pub source: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// Rows that were made.
    pub rows: u64,
    /// Whether it was there already, and nothing was done.
    pub already_present: bool,
    /// Where the file is kept now; `None` where it still stands.
    pub kept_as: Option<PathBuf>,
    /// What should be known: keys that were not understood, ports outside of the block.
    pub warnings: Vec<String>,
}

/// Tells by its content which of the two a file is; `None` for neither (such as a database).
pub fn kind_of(_file: &Path) -> Result<Option<Kind>> {
    todo!("P")
}

/// Imports a `state.json` into the project's state: rows and marker in one transaction, then the file is copied to a
/// free `.bak` name, synced and removed. Killed at any step, the next call ends exactly right.
pub fn import_state(_state: &Db, _file: &Path) -> Result<Report> {
    todo!("P")
}

/// The same of a `ports.json` into the machine-wide file.
pub fn import_ports(_global: &Db, _file: &Path) -> Result<Report> {
    todo!("P")
}
