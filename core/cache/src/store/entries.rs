//! The entries.

use conclave_db::sql::{Error as SqlError, Type, ValueRef, params};
use conclave_db::{DbError, ReadConn, WriteTx};

use super::counters::{self, Sums};
use crate::error::Result;
use crate::key::{CacheKey, first_of_kind};
use crate::limits::CacheLimits;
use crate::recency::{Batch, Looked};

/// Looks a key up; gives its value to `read`, in place, where it is there and whole.
pub(crate) fn look_up(conn: &ReadConn<'_>, key: &CacheKey, read: &mut dyn FnMut(&[u8])) -> Result<Looked> {
    let sql = "SELECT value, checksum FROM entries WHERE hash = ?1";
    let found = conn.query_optional(sql, [&key.hash[..]], |row| {
        let ValueRef::Blob(value) = row.get_ref(0)? else {
            return Err(SqlError::InvalidColumnType(0, "value".to_owned(), Type::Blob));
        };
        if checksum(key, value) != row.get::<_, i64>(1)? {
            return Ok(Looked::Damaged);
        }
        read(value);
        Ok(Looked::Hit)
    })?;
    if let Some(looked) = found {
        return Ok(looked);
    }
    let Some(subject) = &key.subject else { return Ok(Looked::Miss) };
    let sql = "SELECT EXISTS(SELECT 1 FROM entries WHERE subject = ?1)";
    let is_stale: bool = conn.query_row(sql, [&subject[..]], |row| row.get(0))?;
    Ok(if is_stale { Looked::Stale } else { Looked::Miss })
}

/// Puts a value in, as the one used last, and evicts those used least recently, as many as it takes to be within the
/// limits. The value alone is within them.
pub(crate) fn put(tx: &WriteTx<'_>, key: &CacheKey, value: &[u8], limits: CacheLimits) -> Result<Placed> {
    let bytes = value.len() as u64;
    // First: it makes the counters such that can be counted on.
    let seq = counters::next_seq(tx, 1)?;
    let sql = "SELECT bytes FROM entries WHERE hash = ?1";
    let old: Option<u64> = tx.query_optional(sql, [&key.hash[..]], |row| row.get(0))?;
    let mut sums = counters::sums_to_change(tx)?.without(u64::from(old.is_some()), old.unwrap_or(0));
    if let Some(subject) = &key.subject {
        // What an older maker made of this subject is never asked for again.
        let sql = "DELETE FROM entries WHERE subject = ?1 AND maker >= ?2 AND maker < ?3 RETURNING bytes";
        let older = params![&subject[..], first_of_kind(key.maker), key.maker];
        for bytes in tx.query_all(sql, older, |row| row.get::<_, u64>(0))? {
            sums = sums.without(1, bytes);
        }
    }
    let (sums, evicted) = make_room(tx, sums, Some((key, bytes)), limits)?;
    let sql = "INSERT INTO entries(hash, subject, maker, seq, bytes, checksum, value)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT(hash) DO UPDATE SET subject = excluded.subject, maker = excluded.maker,
                 seq = excluded.seq, bytes = excluded.bytes, checksum = excluded.checksum, value = excluded.value";
    let subject = key.subject.as_ref().map(|subject| &subject[..]);
    tx.execute(sql, params![&key.hash[..], subject, key.maker, seq, bytes, checksum(key, value), value])?;
    let sums = Sums { entries: sums.entries + 1, bytes: sums.bytes + bytes };
    counters::set_sums(tx, sums, evicted)?;
    Ok(Placed { evicted, is_pass_due: counters::is_time_for_a_pass(seq, 1) })
}

/// What came of putting a value in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// How many had to go for it.
    pub(crate) evicted: u64,
    /// It is time for a pass of maintenance.
    pub(crate) is_pass_due: bool,
}

/// Takes out what was used least recently until what comes has room; gives what is left and how many had to go.
fn make_room(
    tx: &WriteTx<'_>,
    mut sums: Sums,
    comes: Option<(&CacheKey, u64)>,
    limits: CacheLimits,
) -> Result<(Sums, u64)> {
    let (entries, bytes, own) = match comes {
        Some((key, bytes)) => (1, bytes, &key.hash[..]),
        None => (0, 0, &[][..]),
    };
    // The one that is replaced makes room itself.
    let sql =
        "DELETE FROM entries WHERE rowid = (SELECT rowid FROM entries WHERE hash <> ?1 ORDER BY seq LIMIT 1)
               RETURNING bytes";
    let mut evicted = 0;
    while !sums.has_room_for(entries, bytes, limits) {
        let Some(gone) = tx.query_optional(sql, [own], |row| row.get(0))? else {
            // The counters were wrong: there is nothing else.
            return Ok((Sums { entries: 0, bytes: 0 }, evicted));
        };
        sums = sums.without(1, gone);
        evicted += 1;
    }
    Ok((sums, evicted))
}

/// Takes an entry out; whether it was there.
pub(crate) fn delete(tx: &WriteTx<'_>, key: &CacheKey) -> Result<bool> {
    let sql = "DELETE FROM entries WHERE hash = ?1 RETURNING bytes";
    let Some(bytes) = tx.query_optional(sql, [&key.hash[..]], |row| row.get(0))? else { return Ok(false) };
    // The row of the counters may be made here, from what is left.
    match counters::sums(tx)? {
        Some(sums) => counters::set_sums(tx, sums.without(1, bytes), 0)?,
        None => counters::repair(tx)?,
    }
    Ok(true)
}

/// Takes all entries out; gives how many there were.
pub(crate) fn clear(tx: &WriteTx<'_>) -> Result<u64> {
    let entries = counters::true_sums(tx)?.entries;
    tx.execute("DELETE FROM entries", [])?;
    counters::set_sums(tx, Sums { entries: 0, bytes: 0 }, 0)?;
    Ok(entries)
}

/// Puts the counters right where they cannot be, takes out what older makers made and what is above the limits, and counts
/// what is left; gives how many had to go.
/// What was kept back is written first: what was just read is not what has to go.
pub(crate) fn tidy(tx: &WriteTx<'_>, limits: CacheLimits, kept_back: &Batch) -> Result<u64> {
    // Columns that are missing are found here, and not by whoever looks something up next.
    let sql = "SELECT hash, subject, maker, seq, bytes, checksum, value FROM entries LIMIT 0";
    tx.query_optional(sql, [], |_| Ok(()))?;
    if !counters::is_in_order(tx)? {
        counters::repair(tx)?;
    }
    counters::add(tx, kept_back)?;
    let newest = "SELECT max(maker) FROM entries WHERE maker > 0 GROUP BY maker >> 16";
    let mut old = 0;
    for newest in tx.query_all(newest, [], |row| row.get::<_, u32>(0))? {
        let sql = "DELETE FROM entries WHERE maker >= ?1 AND maker < ?2";
        old += tx.execute(sql, [first_of_kind(newest), newest])? as u64;
    }
    let (sums, evicted) = make_room(tx, counters::true_sums(tx)?, None, limits)?;
    counters::set_sums(tx, sums, evicted)?;
    Ok(old + evicted)
}

/// The entries whose value is not what was put, by their rowid.
pub(crate) fn damaged(conn: &ReadConn<'_>) -> Result<Vec<i64>> {
    let mut damaged = Vec::new();
    conn.for_each("SELECT hash, checksum, value, rowid FROM entries", [], |row| {
        let whole = match (row.get_ref(0), row.get::<_, i64>(1), row.get_ref(2)) {
            (Ok(ValueRef::Blob(hash)), Ok(checksum), Ok(ValueRef::Blob(value))) => {
                <&[u8; 32]>::try_from(hash).is_ok_and(|hash| checksum_of(hash, value) == checksum)
            }
            _ => false,
        };
        if !whole {
            damaged.push(row.get(3).map_err(DbError::from)?);
        }
        Ok::<_, crate::CacheError>(())
    })?;
    Ok(damaged)
}

/// Takes out entries by their rowid and leaves the counters to [`tidy`]; gives how many were there.
pub(crate) fn remove(tx: &WriteTx<'_>, rowids: &[i64]) -> Result<u64> {
    let mut removed = 0;
    for rowid in rowids {
        removed += tx.execute("DELETE FROM entries WHERE rowid = ?1", [rowid])? as u64;
    }
    Ok(removed)
}

/// Also of the key: the value of another entry is as damaged as one of other bytes.
fn checksum(key: &CacheKey, value: &[u8]) -> i64 {
    checksum_of(&key.hash, value)
}

fn checksum_of(hash: &[u8; 32], value: &[u8]) -> i64 {
    let sum = blake3::keyed_hash(hash, value);
    sum.as_bytes().first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
}
