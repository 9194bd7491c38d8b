//! Who does something with a database file as a whole has it for itself, from the command line and from the UI.
//!
//! Reset, restore, vacuum and convert take this guard. Making a file and bringing it to the current schema need none: there
//! `conclave_db` itself lets one do it after the other, by SQLite's own locks.

use std::path::Path;

use conclave_db::paths;
use conclave_leases::FileGuard;

use crate::failure::{Doing as _, Failure};

/// Keeps all others out until it is dropped. The folder is there.
pub(crate) fn guard(database: &Path, operation: &str) -> Result<FileGuard, Failure> {
    // Whatever leads to the file: what is guarded is the file.
    let path = paths::canonical_prefix(database).doing("find the file")?;
    Ok(FileGuard::acquire(&path, operation, FileGuard::TIMEOUT)?)
}
