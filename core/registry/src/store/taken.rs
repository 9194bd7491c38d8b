//! Which ports the rows of agents have, whichever table they stand in.

use std::ops::RangeInclusive;

use conclave_db::ReadConn;

use crate::error::Result;

/// The ports of this range that rows have.
pub(crate) fn ports(conn: &ReadConn<'_>, range: RangeInclusive<u16>) -> Result<Vec<u16>> {
    let sql = "SELECT port FROM agents WHERE port BETWEEN ?1 AND ?2";
    Ok(conn.query_all(sql, (range.start(), range.end()), |row| row.get(0))?)
}
