//! The one row of sums and counts.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::cache::Stats;
use crate::error::Result;
use crate::limits::CacheLimits;
use crate::recency::{Batch, Counts};

/// The counters of all processes.
pub(crate) fn read(conn: &ReadConn<'_>, limits: CacheLimits) -> Result<Stats> {
    let sql = "SELECT entries, bytes, hits, misses, stale, errors, evictions FROM counters";
    let stats = conn.query_row(sql, [], |row| {
        Ok(Stats {
            entries: row.get(0)?,
            bytes: row.get(1)?,
            hits: row.get(2)?,
            misses: row.get(3)?,
            stale: row.get(4)?,
            errors: row.get(5)?,
            evictions: row.get(6)?,
            max_entries: limits.max_entries(),
            max_bytes: limits.max_bytes(),
        })
    });
    Ok(stats?)
}

/// Sets what is counted to zero; entries and bytes are no counts.
pub(crate) fn reset(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("UPDATE counters SET hits = 0, misses = 0, stale = 0, errors = 0, evictions = 0", [])?;
    Ok(())
}

/// Writes down what a process kept back.
pub(crate) fn add(tx: &WriteTx<'_>, batch: &Batch) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let Counts { hits, misses, stale, errors } = batch.counts;
    let mut seq = next_seq(tx, batch.read.len())?;
    // The last of them gets the highest.
    for hash in batch.read.iter().rev() {
        tx.execute("UPDATE entries SET seq = ?2 WHERE hash = ?1", params![&hash[..], seq])?;
        seq -= 1;
    }
    let sql = "UPDATE counters SET hits = hits + ?1, misses = misses + ?2, stale = stale + ?3, errors = errors + ?4";
    tx.execute(sql, params![hits, misses, stale, errors])?;
    Ok(())
}

/// Takes so many numbers that are higher than all before; gives the highest.
pub(crate) fn next_seq(tx: &WriteTx<'_>, many: usize) -> Result<i64> {
    let many = i64::try_from(many).unwrap_or(i64::MAX);
    Ok(tx.query_row("UPDATE counters SET seq = seq + ?1 RETURNING seq", [many], |row| row.get(0))?)
}

/// Entries and bytes by the counters.
pub(crate) fn sums(conn: &ReadConn<'_>) -> Result<Sums> {
    let sql = "SELECT entries, bytes FROM counters";
    Ok(conn.query_row(sql, [], |row| Ok(Sums { entries: row.get(0)?, bytes: row.get(1)? }))?)
}

/// Entries and bytes by the entries themselves: reads the index of all of them.
pub(crate) fn true_sums(conn: &ReadConn<'_>) -> Result<Sums> {
    let sql = "SELECT count(*), coalesce(sum(bytes), 0) FROM entries";
    Ok(conn.query_row(sql, [], |row| Ok(Sums { entries: row.get(0)?, bytes: row.get(1)? }))?)
}

/// Writes the sums, and so many evictions more.
pub(crate) fn set_sums(tx: &WriteTx<'_>, sums: Sums, evicted: u64) -> Result<()> {
    let sql = "UPDATE counters SET entries = ?1, bytes = ?2, evictions = evictions + ?3";
    tx.execute(sql, params![sums.entries, sums.bytes, evicted])?;
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
