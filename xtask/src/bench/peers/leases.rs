//! A plain table of leases, as one writes it in an afternoon: a prepared upsert and a prepared deletion, each a
//! transaction that survives a power cut. No token, no queue, no clock but the caller's, and fences of one table.

use std::path::Path;

use rusqlite::Connection;

use super::pool::CONNECTION;
use crate::outcome::Outcome;

pub(crate) const NAME: &str = "rusqlite: two BEGIN IMMEDIATE at FULL, upsert and deletion";

const TABLES: &str = "PRAGMA journal_mode=WAL;
    CREATE TABLE fence(name TEXT PRIMARY KEY NOT NULL, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE held(name TEXT PRIMARY KEY NOT NULL, holder TEXT NOT NULL, fence INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

/// A connection to such a file.
#[derive(Debug)]
pub(crate) struct Plain(Connection);

impl Plain {
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch(CONNECTION)?;
        conn.execute_batch(TABLES)?;
        Ok(Self(conn))
    }

    /// Takes the name unless somebody has it; gives the number of the grant. Durable when it returns.
    pub(crate) fn acquire(&self, name: &str, holder: &str, now_ms: i64) -> Outcome<Option<i64>> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let fence: i64 = self
            .0
            .prepare_cached(
                "INSERT INTO fence VALUES(?1, 2) ON CONFLICT DO UPDATE SET next = next + 1 RETURNING next - 1",
            )?
            .query_row((name,), |row| row.get(0))?;
        let taken = self
            .0
            .prepare_cached(
                "INSERT INTO held VALUES(?1, ?2, ?3, ?4 + 300000) ON CONFLICT DO UPDATE
                   SET holder = excluded.holder, fence = excluded.fence, expires_ms = excluded.expires_ms
                   WHERE held.expires_ms <= ?4",
            )?
            .execute((name, holder, fence, now_ms))?;
        self.0.execute_batch(if taken == 1 { "COMMIT" } else { "ROLLBACK" })?;
        Ok((taken == 1).then_some(fence))
    }

    /// Gives it back. Durable when it returns.
    pub(crate) fn release(&self, name: &str, fence: i64) -> Outcome<bool> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let gone = self
            .0
            .prepare_cached("DELETE FROM held WHERE name = ?1 AND fence = ?2")?
            .execute((name, fence))?;
        self.0.execute_batch("COMMIT")?;
        Ok(gone == 1)
    }
}

#[cfg(test)]
mod tests;
