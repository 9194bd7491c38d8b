//! The numbers of grants, and what holds for all names of a file.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::model::Fence;
use crate::name::LeaseName;

/// Where the numbers of a name are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The number of the next grant, within `boot_id`.
    pub(crate) next: Fence,
    /// Numbers below this one may be given without asking the disk again, within `boot_id`.
    pub(crate) reserved: Fence,
    pub(crate) boot_id: String,
}

/// The numbers of a name that was ever granted.
pub(crate) fn of_name(conn: &ReadConn<'_>, name: &LeaseName) -> Result<Option<Numbers>> {
    let sql = "SELECT next, reserved, boot_id FROM lease_fences WHERE name = ?1";
    Ok(conn.query_optional(sql, [name.as_str()], |row| {
        Ok(Numbers { next: row.get(0)?, reserved: row.get(1)?, boot_id: row.get(2)? })
    })?)
}

/// Gives one number away that is reserved.
pub(crate) fn take(tx: &WriteTx<'_>, name: &LeaseName) -> Result<()> {
    tx.execute("UPDATE lease_fences SET next = next + 1 WHERE name = ?1", [name.as_str()])?;
    Ok(())
}

/// Puts the numbers of a name where they are now: in a write that survives a power cut.
pub(crate) fn put(tx: &WriteTx<'_>, name: &LeaseName, numbers: &Numbers) -> Result<()> {
    let sql = "INSERT INTO lease_fences(name, next, reserved, boot_id) VALUES(?1, ?2, ?3, ?4)
               ON CONFLICT(name) DO UPDATE SET next = excluded.next, reserved = excluded.reserved,
                 boot_id = excluded.boot_id";
    tx.execute(sql, params![name.as_str(), numbers.next, numbers.reserved, numbers.boot_id])?;
    Ok(())
}

/// The latest wall clock that was written down, in milliseconds since 1970.
pub(crate) fn wall_high_ms(conn: &ReadConn<'_>) -> Result<i64> {
    Ok(conn.query_row("SELECT wall_high_ms FROM lease_clock WHERE id = 1", [], |row| row.get(0))?)
}

/// Writes a later wall clock down.
pub(crate) fn set_wall_high_ms(tx: &WriteTx<'_>, wall_ms: i64) -> Result<()> {
    let sql = "UPDATE lease_clock SET wall_high_ms = max(wall_high_ms, ?1) WHERE id = 1";
    tx.execute(sql, [wall_ms])?;
    Ok(())
}
