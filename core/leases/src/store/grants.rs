//! The rows of grants.

use conclave_db::process::ProcessIdentity;
use conclave_db::sql::{Error, FromSqlError, Row, params};
use conclave_db::{ReadConn, WriteTx};

use crate::error::Result;
use crate::model::{Fence, Mode};
use crate::name::{HolderId, LeaseName};
use crate::token::TokenHash;

/// A grant as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) name: LeaseName,
    pub(crate) fence: Fence,
    pub(crate) mode: Mode,
    pub(crate) holder: HolderId,
    pub(crate) hash: TokenHash,
    pub(crate) acquired_utc_ms: i64,
    pub(crate) life: Life,
    /// Who acquired it.
    pub(crate) process: ProcessIdentity,
    /// The process that it ends with.
    pub(crate) bound: Option<ProcessIdentity>,
    /// It is over in another boot, whatever the clocks say.
    pub(crate) ends_with_boot: bool,
}

/// How long a grant lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    /// The boot by whose clock it ends.
    pub(crate) boot_id: String,
    /// When it ends by that clock.
    pub(crate) expires_boot_ms: i64,
    /// When it ends by the wall clock, for people and for other boots.
    pub(crate) expires_utc_ms: i64,
    /// How long it lived when this was written.
    pub(crate) ttl_ms: i64,
}

/// The columns of [`stored`], in its order.
pub(super) const COLUMNS: &str = "h.fence, h.mode, h.holder_id, h.token_hash, h.acquired_utc_ms, h.expires_utc_ms, \
     h.boot_id, h.expires_boot_ms, h.ttl_ms, h.pid_namespace, h.pid, h.start_time, h.bound_pid_namespace, \
     h.bound_pid, h.bound_start_time, h.ends_with_boot, h.process_boot_id";

/// Reads a grant whose columns begin at `at`.
pub(super) fn stored(row: &Row<'_>, at: usize, name: LeaseName) -> Result<Stored, Error> {
    let boot_id: String = row.get(at + 6)?;
    let process_boot_id: String = row.get(at + 16)?;
    let process = ProcessIdentity {
        boot_id: process_boot_id.clone(),
        pid_namespace: row.get(at + 9)?,
        pid: row.get(at + 10)?,
        start_time: row.get(at + 11)?,
    };
    let bound = match row.get::<_, Option<u32>>(at + 13)? {
        Some(pid) => Some(ProcessIdentity {
            boot_id: process_boot_id,
            pid_namespace: row.get(at + 12)?,
            pid,
            start_time: row.get(at + 14)?,
        }),
        None => None,
    };
    Ok(Stored {
        name,
        fence: row.get(at)?,
        mode: mode(row, at + 1)?,
        holder: HolderId::stored(row.get(at + 2)?),
        hash: row.get(at + 3)?,
        acquired_utc_ms: row.get(at + 4)?,
        life: Life {
            boot_id,
            expires_utc_ms: row.get(at + 5)?,
            expires_boot_ms: row.get(at + 7)?,
            ttl_ms: row.get(at + 8)?,
        },
        process,
        bound,
        ends_with_boot: row.get(at + 15)?,
    })
}

/// Reads a mode.
pub(super) fn mode(row: &Row<'_>, at: usize) -> Result<Mode, Error> {
    match row.get_ref(at)?.as_str()? {
        "exclusive" => Ok(Mode::Exclusive),
        "shared" => Ok(Mode::Shared),
        _ => Err(FromSqlError::InvalidType.into()),
    }
}

/// The grants of a name, the oldest first, expired ones too.
pub(crate) fn of_name(conn: &ReadConn<'_>, name: &LeaseName) -> Result<Vec<Stored>> {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!("SELECT {COLUMNS} FROM lease_holders AS h WHERE h.name = ?1 ORDER BY h.fence")
    });
    Ok(conn.query_all(&SQL, [name.as_str()], |row| stored(row, 0, name.clone()))?)
}

/// The grants of a token, by name. An index is not looked up in constant time; what that could tell is of the hash, which
/// says nothing of a token that came from the random source of the system.
pub(crate) fn of_token(conn: &ReadConn<'_>, hash: &TokenHash) -> Result<Vec<Stored>> {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!(
            "SELECT {COLUMNS}, h.name FROM lease_holders AS h WHERE h.token_hash = ?1 ORDER BY h.name, h.fence"
        )
    });
    Ok(conn.query_all(&SQL, [hash], |row| stored(row, 0, LeaseName::stored(row.get(17)?)))?)
}

/// All grants, by name.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Stored>> {
    static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        format!("SELECT {COLUMNS}, h.name FROM lease_holders AS h ORDER BY h.name, h.fence")
    });
    Ok(conn.query_all(&SQL, [], |row| stored(row, 0, LeaseName::stored(row.get(17)?)))?)
}

/// Stores a grant.
pub(crate) fn insert(tx: &WriteTx<'_>, grant: &Stored) -> Result<()> {
    let sql = "INSERT INTO lease_holders(name, fence, mode, holder_id, token_hash, acquired_utc_ms, expires_utc_ms,
                 boot_id, expires_boot_ms, ttl_ms, pid_namespace, pid, start_time, bound_pid_namespace, bound_pid,
                 bound_start_time, ends_with_boot, process_boot_id)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    let (life, process, bound) = (&grant.life, &grant.process, grant.bound.as_ref());
    tx.execute(
        sql,
        params![
            grant.name.as_str(),
            grant.fence,
            grant.mode.as_str(),
            grant.holder.as_str(),
            grant.hash,
            grant.acquired_utc_ms,
            life.expires_utc_ms,
            life.boot_id,
            life.expires_boot_ms,
            life.ttl_ms,
            process.pid_namespace,
            process.pid,
            process.start_time,
            bound.map(|process| process.pid_namespace),
            bound.map(|process| process.pid),
            bound.map(|process| process.start_time),
            grant.ends_with_boot,
            process.boot_id,
        ],
    )?;
    Ok(())
}

/// Lets a grant live by other clocks, or for longer.
pub(crate) fn set_life(tx: &WriteTx<'_>, name: &LeaseName, fence: Fence, life: &Life) -> Result<()> {
    let sql = "UPDATE lease_holders SET expires_utc_ms = ?3, boot_id = ?4, expires_boot_ms = ?5, ttl_ms = ?6
               WHERE name = ?1 AND fence = ?2";
    let Life { boot_id, expires_boot_ms, expires_utc_ms, ttl_ms } = life;
    tx.execute(sql, params![name.as_str(), fence, expires_utc_ms, boot_id, expires_boot_ms, ttl_ms])?;
    Ok(())
}

/// Ends a grant.
pub(crate) fn delete(tx: &WriteTx<'_>, name: &LeaseName, fence: Fence) -> Result<()> {
    tx.execute("DELETE FROM lease_holders WHERE name = ?1 AND fence = ?2", params![name.as_str(), fence])?;
    Ok(())
}

/// Removes the grants that ended at least `margin_ms` ago by the boot clock, which nobody sets: those of this boot by
/// their end, those of others when this boot is that much older than they could become.
pub(crate) fn purge(tx: &WriteTx<'_>, boot_id: &str, boot_ms: i64, margin_ms: i64) -> Result<usize> {
    let sql = "DELETE FROM lease_holders
               WHERE CASE boot_id WHEN ?1 THEN expires_boot_ms ELSE ttl_ms END <= ?2 - ?3";
    Ok(tx.execute(sql, params![boot_id, boot_ms, margin_ms])?)
}
