//! The one row of sums and counts.

use conclave_db::sql::{Error as SqlError, Row, params};
use conclave_db::{ReadConn, WriteTx};

use crate::cache::Stats;
use crate::error::{CacheError, Result};
use crate::limits::CacheLimits;
use crate::recency::{Batch, Counts};

/// The highest number of a use. Far from the end of what a column holds, so that adding to it never leaves the column.
const MOST_SEQ: i64 = 1 << 62;
/// After so many uses, of all processes together, it is time for a pass of maintenance.
const USES_BETWEEN_PASSES: i64 = 4096;

/// The counters of all processes. What cannot be counted, such as a number below zero, is 0.
pub(crate) fn read(conn: &ReadConn<'_>, limits: CacheLimits) -> Result<Stats> {
    let sql = "SELECT entries, bytes, hits, misses, stale, errors, evictions FROM counters";
    let (max_entries, max_bytes) = (limits.max_entries(), limits.max_bytes());
    let stats = conn.query_optional(sql, [], |row| {
        Ok(Stats {
            entries: number(row, 0)?,
            bytes: number(row, 1)?,
            hits: number(row, 2)?,
            misses: number(row, 3)?,
            stale: number(row, 4)?,
            errors: number(row, 5)?,
            evictions: number(row, 6)?,
            max_entries,
            max_bytes,
        })
    })?;
    if let Some(stats) = stats {
        return Ok(stats);
    }
    // Somebody took the row out; the next write makes it again.
    let Sums { entries, bytes } = true_sums(conn)?;
    Ok(Stats { entries, bytes, max_entries, max_bytes, ..Stats::default() })
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, SqlError> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// Sets what is counted to zero; entries and bytes are no counts.
pub(crate) fn reset(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("UPDATE counters SET hits = 0, misses = 0, stale = 0, errors = 0, evictions = 0", [])?;
    Ok(())
}

/// Writes down what a process kept back; whether it is time for a pass of maintenance.
pub(crate) fn add(tx: &WriteTx<'_>, batch: &Batch) -> Result<bool> {
    if batch.is_empty() {
        return Ok(false);
    }
    let Counts { hits, misses, stale, errors } = batch.counts;
    let highest = next_seq(tx, batch.read.len())?;
    let mut seq = highest;
    // The last of them gets the highest.
    for hash in batch.read.iter().rev() {
        tx.execute("UPDATE entries SET seq = ?2 WHERE hash = ?1", params![&hash[..], seq])?;
        seq -= 1;
    }
    let sql = "UPDATE counters SET hits = min(hits, ?5) + ?1, misses = min(misses, ?5) + ?2,
                 stale = min(stale, ?5) + ?3, errors = min(errors, ?5) + ?4";
    tx.execute(sql, params![hits, misses, stale, errors, MOST_SEQ])?;
    Ok(is_time_for_a_pass(highest, batch.read.len()))
}

/// Takes so many numbers that are higher than all before; gives the highest.
pub(crate) fn next_seq(tx: &WriteTx<'_>, many: usize) -> Result<i64> {
    let sql = "UPDATE counters SET seq = seq + ?1 WHERE seq BETWEEN 0 AND ?2 RETURNING seq";
    let take = || tx.query_optional(sql, params![in_column(many), MOST_SEQ], |row| row.get(0));
    if let Some(seq) = take()? {
        return Ok(seq);
    }
    repair(tx)?;
    take()?
        .ok_or_else(|| CacheError::Invalid("the counters of the cache do not stay what they are".to_owned()))
}

/// Whether taking so many numbers, up to the highest, went past one at which a pass is due.
pub(crate) fn is_time_for_a_pass(highest: i64, many: usize) -> bool {
    highest / USES_BETWEEN_PASSES != highest.saturating_sub(in_column(many)) / USES_BETWEEN_PASSES
}

fn in_column(many: usize) -> i64 {
    i64::try_from(many).unwrap_or(MOST_SEQ).min(MOST_SEQ)
}

/// Whether the one row is there, no number in it is below zero, and the next use gets a number above all others.
pub(crate) fn is_in_order(conn: &ReadConn<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM counters
                 WHERE min(entries, bytes, hits, misses, stale, errors, evictions) >= 0
                   AND seq BETWEEN coalesce((SELECT max(seq) FROM entries), 0) AND ?1)";
    Ok(conn.query_row(sql, [MOST_SEQ], |row| row.get(0))?)
}

/// Makes the row where it is missing, and all numbers in it such that can be: uses are numbered anew in their order.
pub(crate) fn repair(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("INSERT OR IGNORE INTO counters DEFAULT VALUES", [])?;
    let sql = "UPDATE entries SET seq = places.place
               FROM (SELECT rowid AS id, row_number() OVER (ORDER BY seq) AS place FROM entries) AS places
               WHERE entries.rowid = places.id";
    tx.execute(sql, [])?;
    let sql = "UPDATE counters SET seq = (SELECT count(*) FROM entries), hits = max(hits, 0), misses = max(misses, 0),
                 stale = max(stale, 0), errors = max(errors, 0), evictions = max(evictions, 0)";
    tx.execute(sql, [])?;
    set_sums(tx, true_sums(tx)?, 0)
}

/// Entries and bytes by the counters; none where the row is missing.
pub(crate) fn sums(conn: &ReadConn<'_>) -> Result<Option<Sums>> {
    let sql = "SELECT entries, bytes FROM counters";
    Ok(conn.query_optional(sql, [], |row| Ok(Sums { entries: number(row, 0)?, bytes: number(row, 1)? }))?)
}

/// The same for who goes on to change them.
pub(crate) fn sums_to_change(tx: &WriteTx<'_>) -> Result<Sums> {
    if let Some(sums) = sums(tx)? {
        return Ok(sums);
    }
    repair(tx)?;
    true_sums(tx)
}

/// Entries and bytes by the entries themselves: reads the index of all of them.
pub(crate) fn true_sums(conn: &ReadConn<'_>) -> Result<Sums> {
    let sql = "SELECT count(*), coalesce(sum(bytes), 0) FROM entries";
    Ok(conn.query_row(sql, [], |row| Ok(Sums { entries: row.get(0)?, bytes: row.get(1)? }))?)
}

/// Writes the sums, and so many evictions more.
pub(crate) fn set_sums(tx: &WriteTx<'_>, sums: Sums, evicted: u64) -> Result<()> {
    let sql = "UPDATE counters SET entries = ?1, bytes = ?2, evictions = min(evictions, ?4) + ?3";
    tx.execute(sql, params![sums.entries, sums.bytes, evicted, MOST_SEQ])?;
    Ok(())
}

/// How much is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Sums {
    /// Without some entries of so many bytes together.
    pub(crate) const fn without(self, entries: u64, bytes: u64) -> Self {
        Self { entries: self.entries.saturating_sub(entries), bytes: self.bytes.saturating_sub(bytes) }
    }

    /// Whether there is room for one entry more of so many bytes.
    pub(crate) const fn has_room_for(self, entries: u64, bytes: u64, limits: CacheLimits) -> bool {
        self.entries.saturating_add(entries) <= limits.max_entries()
            && self.bytes.saturating_add(bytes) <= limits.max_bytes()
    }
}
