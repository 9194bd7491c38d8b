//! Creating files in the formats of others, for fixtures and demonstrations.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::{DbError, Result};
use crate::file;
use crate::pool;

/// Creates the database file `path` (0600, its folder 0700), which must not exist yet, and runs `sql` in it, as
/// a plain SQLite client would: none of our pragmas, marks or log. Synced when this returns.
pub fn create(path: &Path, sql: &str) -> Result<()> {
    if !file::create(path)? {
        let exists = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(DbError::io(format!("create {}", path.display()), exists));
    }
    let conn = open(path)?;
    conn.execute_batch(sql)?;
    Ok(())
}

/// Runs `sql` in the existing database file `path` as a plain SQLite client would: what an older program does.
pub fn run(path: &Path, sql: &str) -> Result<()> {
    file::check_is_file(path)?;
    open(path)?.execute_batch(sql)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "core/db opens SQLite")]
fn open(path: &Path) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(pool::uri(path), flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(conn)
}
