//! Files in the formats of others and the programs that write them, for fixtures and demonstrations.

use std::path::Path;

use rusqlite::types::Value;
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

/// A plain SQLite client, as an older program is one: none of our pragmas, marks or turns.
#[derive(Debug)]
pub struct Client {
    conn: Connection,
}

impl Client {
    /// Opens an existing database file.
    pub fn open(path: &Path) -> Result<Self> {
        file::check_is_file(path)?;
        Ok(Self { conn: open(path)? })
    }

    /// Runs statements. A transaction that they begin stays open.
    pub fn run(&self, sql: &str) -> Result<()> {
        Ok(self.conn.execute_batch(sql)?)
    }

    /// All rows of a query. Text that is no UTF-8 is an error; cast it to a blob.
    pub fn rows(&self, sql: &str) -> Result<Vec<Vec<Value>>> {
        let mut statement = self.conn.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|index| row.get(index)).collect())?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        !self.conn.is_autocommit()
    }
}

#[expect(clippy::disallowed_methods, reason = "core/db opens SQLite")]
fn open(path: &Path) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(pool::uri(path), flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    Ok(conn)
}
