//! Files of others, read but never changed: the sources of an import.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::error::{ErrorKind, Result};
use crate::file::{self, beside};
use crate::integrity::{self, Depth};
use crate::open;
use crate::pool::Snapshot;
use crate::transaction::{Inside, ReadConn};

/// A database file of any kind, opened to be read only. While it is open nobody may open it with `std::fs`
/// in this process.
#[derive(Debug)]
pub struct Source {
    conn: Connection,
    path: PathBuf,
}

impl Source {
    /// Opens the file: as it lies where it has no write-ahead log (nothing is created beside it), with locks
    /// beside a writer where it has one. What is no database is refused untouched.
    pub fn open(path: &Path) -> Result<Self> {
        let (path, snapshot) = inspect(path)?;
        let conn = match open::connect_foreign(&path, snapshot) {
            Err(error) if snapshot == Snapshot::Live && cannot_put_beside(&error, &path) => {
                return Err(crate::DbError::file(
                    ErrorKind::ReadOnly,
                    &path,
                    "it has changes beside it that cannot be read here without write permission",
                ));
            }
            opened => opened?,
        };
        Ok(Self { conn, path })
    }

    /// The file, with its path resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with a file of others, in words; `None` where every page can be read and makes sense. Reads the
    /// whole file: meant for telling whose damage it was when something that read several files has failed.
    pub fn damage(path: &Path) -> Result<Option<String>> {
        let source = match Self::open(path) {
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotADatabase) => {
                return Ok(Some(error.to_string()));
            }
            opened => opened?,
        };
        let found = source.read(|conn| integrity::problems(conn.conn, Depth::Quick))?;
        Ok(found.into_iter().next())
    }

    /// Runs a closure on one snapshot of the file. Closures of a `Db` may run inside it.
    pub fn read<T, E: From<crate::DbError>>(
        &self,
        closure: impl FnOnce(&ReadConn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        Inside::refuse("reading another file")?;
        self.conn.execute_batch("BEGIN").map_err(crate::DbError::from)?;
        let outcome = closure(&ReadConn::new(&self.conn));
        let ended = self.conn.execute_batch("COMMIT").map_err(crate::DbError::from);
        let value = outcome?;
        ended?;
        Ok(value)
    }
}

/// Whether the file could be read if only something could be put beside it. SQLite says it in one way or the
/// other, as the shared memory is missing or the folder refuses it.
fn cannot_put_beside(error: &crate::DbError, path: &Path) -> bool {
    match error.kind() {
        ErrorKind::ReadOnly => true,
        ErrorKind::CannotOpen => !file::folder_is_writable(path),
        _ => false,
    }
}

/// Where the file lies, and how it is to be opened so that nothing changes.
pub(crate) fn inspect(path: &Path) -> Result<(PathBuf, Snapshot)> {
    file::check_is_file(path)?;
    let path =
        std::fs::canonicalize(path).map_err(|error| crate::DbError::io(path.display().to_string(), error))?;
    // A log or a hot journal means that the file alone is not the whole database.
    let alone = [beside(&path, "-wal"), beside(&path, "-journal")].iter().all(|other| file::size(other) == 0);
    Ok((path, if alone { Snapshot::Immutable } else { Snapshot::Live }))
}
