//! The pragmas of DESIGN section 3: set on each connection, and read back, since SQLite ignores in silence
//! what it cannot do (<https://sqlite.org/pragma.html>).

use rusqlite::Connection;

use crate::error::{DbError, Result};
use crate::options::{DbOptions, Durability};

/// How many prepared statements a connection keeps; SQL stands in few `store` modules.
const STATEMENTS: usize = 128;

/// Readers and the writer differ in what they may do and in what they pay for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

/// Sets and checks what belongs to the connection.
pub(crate) fn apply(conn: &Connection, options: &DbOptions, role: Role) -> Result<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.busy_timeout(options.busy_timeout)?;
    let busy_ms = i64::try_from(options.busy_timeout.as_millis()).unwrap_or(i64::MAX);
    // A commit in a rollback journal is the deletion of the journal, and only EXTRA syncs that: at FULL a power
    // cut may bring the journal back, which undoes what was acknowledged
    // (https://sqlite.org/pragma.html#pragma_synchronous).
    let synchronous = match role {
        Role::Writer if journal_mode(conn)? != "wal" => 3,
        _ => 2,
    };
    conn.execute_batch(&format!(
        "PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON; PRAGMA cache_size=-32000; \
         PRAGMA temp_store=MEMORY; PRAGMA mmap_size={}; PRAGMA synchronous={synchronous};",
        options.mmap_bytes
    ))?;
    let mut wanted: Vec<(&'static str, i64)> = vec![
        ("foreign_keys", 1),
        ("recursive_triggers", 1),
        ("cache_size", -32_000),
        ("temp_store", 2),
        ("mmap_size", options.mmap_bytes),
        ("synchronous", synchronous),
        ("busy_timeout", busy_ms),
    ];
    match role {
        Role::Reader => {
            conn.execute_batch("PRAGMA query_only=ON;")?;
            wanted.push(("query_only", 1));
        }
        Role::Writer => {
            // Checkpoints are run by the writer after it has answered, see `checkpoint`.
            conn.execute_batch("PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;")?;
            wanted.extend([("wal_autocheckpoint", 0), ("journal_size_limit", 67_108_864)]);
        }
    }
    for (name, value) in wanted {
        let found: i64 = conn.pragma_query_value(None, name, |row| row.get(0))?;
        if found != value {
            return Err(DbError::Pragma { name, found: found.to_string(), wanted: value.to_string() });
        }
    }
    Ok(())
}

/// Before a file of others is read: what its views, triggers and computed columns call are at most functions that
/// can do nothing but compute (<https://sqlite.org/pragma.html#pragma_trusted_schema>). Statements of this program
/// and its temporary views may call all.
pub(crate) fn distrust_schema(conn: &Connection) -> Result<()> {
    conn.execute_batch("PRAGMA trusted_schema=OFF")?;
    match integer(conn, "trusted_schema")? {
        0 => Ok(()),
        found => {
            Err(DbError::Pragma { name: "trusted_schema", found: found.to_string(), wanted: "0".to_owned() })
        }
    }
}

/// Sets how durable the next commit to a write-ahead log is. Has no effect inside a transaction, so it comes before BEGIN.
pub(crate) fn set_durability(conn: &Connection, durability: Durability) -> Result<()> {
    conn.execute_batch(match durability {
        Durability::Power => "PRAGMA synchronous=FULL",
        Durability::Process => "PRAGMA synchronous=NORMAL",
    })?;
    Ok(())
}

/// The file's journal mode, in lower case.
pub(crate) fn journal_mode(conn: &Connection) -> Result<String> {
    Ok(conn.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?.to_lowercase())
}

/// An integer pragma of the main database.
pub(crate) fn integer(conn: &Connection, name: &str) -> Result<i64> {
    Ok(conn.pragma_query_value(None, name, |row| row.get(0))?)
}
