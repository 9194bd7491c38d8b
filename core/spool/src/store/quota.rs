//! The state of the quota in force.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::quota::QuotaState;

/// What is stored of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) state: QuotaState,
    /// Since when, in milliseconds since 1970.
    pub(crate) since_ms: i64,
    /// When the log was told of pressure last; 0 where it never was.
    pub(crate) logged_ms: i64,
}

/// What is stored; `None` while there was no pressure yet.
pub(crate) fn read(conn: &ReadConn<'_>) -> Result<Option<Stored>> {
    let sql = "SELECT state, since_ms, logged_ms FROM spool_quota WHERE only = 1";
    let found = conn.query_optional(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    Ok(found.and_then(|(state, since_ms, logged_ms)| {
        Some(Stored { state: QuotaState::parse(&state)?, since_ms, logged_ms })
    }))
}

/// Stores it.
pub(crate) fn put(tx: &WriteTx<'_>, stored: Stored) -> Result<()> {
    let sql = "INSERT INTO spool_quota(only, state, since_ms, logged_ms) VALUES(1, ?1, ?2, ?3)
               ON CONFLICT(only) DO UPDATE SET state = excluded.state, since_ms = excluded.since_ms,
                 logged_ms = excluded.logged_ms";
    tx.execute(sql, params![stored.state.as_str(), stored.since_ms, stored.logged_ms])?;
    Ok(())
}
