//! The numbers of a whole file, for when another one takes its place.

use std::collections::BTreeMap;

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::model::Fence;

/// What a file says of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AllNumbers {
    /// For each name the first number that was certainly never given.
    pub(crate) names: BTreeMap<String, Fence>,
    /// The number that a name begins with that has none.
    pub(crate) first_fence: Fence,
    /// The latest wall clock that was written down.
    pub(crate) wall_high_ms: i64,
}

/// Nothing was ever given.
impl Default for AllNumbers {
    fn default() -> Self {
        Self { names: BTreeMap::new(), first_fence: 1, wall_high_ms: 0 }
    }
}

impl AllNumbers {
    /// The first number of a name that was certainly never given.
    pub(crate) fn of(&self, name: &str) -> Fence {
        self.names.get(name).copied().unwrap_or(self.first_fence)
    }

    /// Whether nothing was ever given: a file without these numbers is as good.
    pub(crate) fn is_fresh(&self) -> bool {
        self.names.is_empty() && self.first_fence == 1
    }
}

/// What a file has of the tables of leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tables {
    /// None: nothing was ever given in it.
    None,
    /// Some of them: what was given is not known.
    Some,
    All,
}

/// Reads them, in the boot of this name; `None` where the file lacks such tables. In another boot than that of a row
/// some of what was reserved may have been given: the first one behind it was not.
pub(crate) fn read(conn: &ReadConn<'_>, boot_id: &str) -> Result<Option<AllNumbers>> {
    if tables(conn)? != Tables::All {
        return Ok(None);
    }
    let sql = "SELECT name, iif(boot_id = ?1, next, reserved) FROM lease_fences";
    let names = conn.query_all(sql, [boot_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "SELECT first_fence, wall_high_ms FROM lease_clock WHERE id = 1";
    let (first_fence, wall_high_ms) =
        conn.query_optional(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?.unwrap_or((1, 0));
    Ok(Some(AllNumbers { names: names.into_iter().collect(), first_fence, wall_high_ms }))
}

/// Puts them into a file, each as a number that nothing is reserved behind.
pub(crate) fn put(tx: &WriteTx<'_>, numbers: &AllNumbers) -> Result<()> {
    let sql = "INSERT INTO lease_fences(name, next, reserved, boot_id) VALUES(?1, ?2, ?2, '')
               ON CONFLICT(name) DO UPDATE SET next = excluded.next, reserved = excluded.reserved,
                 boot_id = excluded.boot_id";
    for (name, next) in &numbers.names {
        tx.execute(sql, params![name, next])?;
    }
    let sql = "INSERT INTO lease_clock(id, wall_high_ms, first_fence) VALUES(1, ?1, ?2)
               ON CONFLICT(id) DO UPDATE SET wall_high_ms = excluded.wall_high_ms, first_fence = excluded.first_fence";
    tx.execute(sql, params![numbers.wall_high_ms, numbers.first_fence])?;
    Ok(())
}

/// Whether anybody holds or waits in this file.
pub(crate) fn is_used(conn: &ReadConn<'_>) -> Result<bool> {
    let sql = "SELECT EXISTS(SELECT 1 FROM lease_holders) OR EXISTS(SELECT 1 FROM lease_waiters)";
    Ok(tables(conn)? == Tables::All && conn.query_row(sql, [], |row| row.get(0))?)
}

/// Ends all grants and all waits.
pub(crate) fn end_all(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute_batch("DELETE FROM lease_holders; DELETE FROM lease_waits; DELETE FROM lease_waiters")?;
    Ok(())
}

/// Which of the tables are there.
pub(crate) fn tables(conn: &ReadConn<'_>) -> Result<Tables> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'
               AND name IN ('lease_fences', 'lease_holders', 'lease_waits', 'lease_waiters', 'lease_clock')";
    Ok(match conn.query_row(sql, [], |row| row.get::<_, i64>(0))? {
        0 => Tables::None,
        5 => Tables::All,
        _ => Tables::Some,
    })
}
