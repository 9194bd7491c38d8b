//! What the capture triggers have counted of older programs' writes.

use conclave_db::ReadConn;

use crate::error::Result;
use crate::migrate::soak::LateWrites;

/// Writes of older programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    pub(crate) all: u64,
    /// In phase 4 and later.
    pub(crate) late: u64,
    pub(crate) last_at: Option<i64>,
    pub(crate) sqlite_version: Option<String>,
}

impl Writes {
    pub(crate) const fn late_writes(&self) -> LateWrites {
        LateWrites { count: self.late, last_at: self.last_at }
    }
}

pub(crate) fn writes(conn: &ReadConn<'_>) -> Result<Writes> {
    // What somebody has damaged is no reason to stop: it counts as nothing.
    let query =
        "SELECT max(0, writes), max(0, late_writes), last_at, sqlite_version FROM capture_seen WHERE id = 1";
    let found = conn.query_optional(query, [], |row| {
        Ok(Writes { all: row.get(0)?, late: row.get(1)?, last_at: row.get(2)?, sqlite_version: row.get(3)? })
    })?;
    Ok(found.unwrap_or_default())
}
