//! Which ports the rows of agents have, whichever table they stand in.

use std::ops::RangeInclusive;

use conclave_db::ReadConn;

use crate::error::Result;
use crate::ports::Outside;

/// The ports of this range that rows have.
pub(crate) fn ports(conn: &ReadConn<'_>, range: RangeInclusive<u16>) -> Result<Vec<u16>> {
    let sql = "SELECT port FROM agents WHERE port BETWEEN ?1 AND ?2";
    Ok(conn.query_all(sql, (range.start(), range.end()), |row| row.get(0))?)
}

/// The rows whose ports lie outside of the range.
pub(crate) fn outside(conn: &ReadConn<'_>, range: RangeInclusive<u16>) -> Result<Vec<Outside>> {
    let sql = "SELECT kind, id, port FROM agents WHERE port NOT BETWEEN ?1 AND ?2 ORDER BY port";
    Ok(conn.query_all(sql, (range.start(), range.end()), |row| {
        Ok(Outside { kind: row.get(0)?, id: row.get(1)?, port: row.get(2)? })
    })?)
}
