//! Rows that change while both sides are compared: who writes notes them, who compares looks at them again.
//!
//! Any number of comparisons may be under way. They share the notes, each from the id on at which it began; the
//! first to end empties them, and the others, who may have lost some, begin again. A comparison whose process
//! died leaves its mark, and notes go on up to the bound; the next one begins at the last of them.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::verify::Key;
use crate::error::Result;

/// The most notes: a comparison during which more rows change must begin again.
pub(crate) const MOST: i64 = 100_000;

/// The condition that a changed row is to be noted. Ids count from 1, so the last one tells how many there are.
pub(crate) const IS_WANTED: &str = "(SELECT comparing FROM migration_state WHERE id = 1) = 1 \
     AND ifnull((SELECT max(id) FROM capture_changed), 0) < 100000";

/// A comparison that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparison {
    epoch: i64,
    /// The last note that was looked at.
    pub(crate) seen: i64,
}

/// A row that changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Changed {
    pub(crate) table: String,
    pub(crate) key: Key,
}

/// Begins a comparison: from its commit on, changed rows are noted.
pub(crate) fn begin(tx: &WriteTx<'_>) -> Result<Comparison> {
    let (comparing, epoch) = state(tx)?;
    let last = last(tx)?;
    if comparing && last < MOST {
        return Ok(Comparison { epoch, seen: last });
    }
    tx.execute("DELETE FROM capture_changed", [])?;
    tx.execute("UPDATE migration_state SET comparing = 1, comparison = ?1 WHERE id = 1", [epoch + 1])?;
    Ok(Comparison { epoch: epoch + 1, seen: 0 })
}

impl Comparison {
    /// Whether every row that changed since it began is noted.
    pub(crate) fn is_whole(&self, conn: &ReadConn<'_>) -> Result<bool> {
        Ok(state(conn)? == (true, self.epoch) && last(conn)? < MOST)
    }

    /// How many notes were not looked at yet.
    pub(crate) fn left(&self, conn: &ReadConn<'_>) -> Result<u64> {
        Ok(u64::try_from(last(conn)? - self.seen).unwrap_or(0))
    }

    /// The next notes, at most `limit`, each row once; and where they end.
    pub(crate) fn next(&self, conn: &ReadConn<'_>, limit: u32) -> Result<(Vec<Changed>, i64)> {
        let mut end = self.seen;
        let query =
            "SELECT id, legacy_table, legacy_key FROM capture_changed WHERE id > ?1 ORDER BY id LIMIT ?2";
        let mut rows = conn.query_all(query, params![self.seen, limit], |row| {
            end = row.get(0)?;
            let key = Key::of(row.get_ref(2)?);
            key.map(|key| Ok(Changed { table: row.get(1)?, key })).transpose()
        })?;
        let mut known = std::collections::HashSet::new();
        rows.retain(|row| row.as_ref().is_some_and(|row| known.insert(row.clone())));
        Ok((rows.into_iter().flatten().collect(), end))
    }

    /// Ends it: nothing is noted any more.
    pub(crate) fn end(&self, tx: &WriteTx<'_>) -> Result<()> {
        if state(tx)? == (true, self.epoch) {
            tx.execute("DELETE FROM capture_changed", [])?;
            tx.execute("UPDATE migration_state SET comparing = 0 WHERE id = 1", [])?;
        }
        Ok(())
    }
}

fn state(conn: &ReadConn<'_>) -> Result<(bool, i64)> {
    let query = "SELECT comparing, comparison FROM migration_state WHERE id = 1";
    Ok(conn.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn last(conn: &ReadConn<'_>) -> Result<i64> {
    Ok(conn.query_row("SELECT ifnull(max(id), 0) FROM capture_changed", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_condition_names_the_bound() {
        assert!(super::IS_WANTED.ends_with(&format!("< {}", super::MOST)));
    }
}
