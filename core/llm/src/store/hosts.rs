//! Hosts, their models, blocks of keys.

use std::sync::LazyLock;

use conclave_db::sql::{Error, FromSqlError, Row, params};
use conclave_db::{ReadConn, Result, WriteTx};
use conclave_retry::BreakerState;

use crate::breaker::{Breaker, Until};
use crate::ledger::{Block, HostRow, PairRow};
use crate::store::{read, stored};

/// The columns of [`breaker`], in its order.
const BREAKER: &str = "state, generation, failures, opens, last_failure_at, last_class, last_error, open_boot, \
     open_wall, open_for, boot_id, probe_row";
/// How many they are.
const BREAKERS: usize = 12;

static HOST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {BREAKER}, endpoint, dialect, last_name, evidence_at, ewma_first_ms, ewma_at, retry_tokens, retry_at,
           slots FROM llm_host"
    )
});
static PAIR: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {BREAKER}, endpoint, model, context, absent_until FROM llm_pair"));
const BLOCK: &str = "SELECT endpoint, key_hash, until_boot, until_wall, boot_id, reason, n FROM llm_block";

pub(super) fn host(conn: &ReadConn<'_>, endpoint: &str) -> Result<Option<HostRow>> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{} WHERE endpoint = ?1", *HOST));
    conn.query_optional(&SQL, [endpoint], host_row)
}

pub(super) fn all_hosts(conn: &ReadConn<'_>) -> Result<Vec<HostRow>> {
    conn.query_all(&HOST, [], host_row)
}

pub(super) fn pair(conn: &ReadConn<'_>, endpoint: &str, model: &str) -> Result<Option<PairRow>> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{} WHERE endpoint = ?1 AND model = ?2", *PAIR));
    conn.query_optional(&SQL, [endpoint, model], pair_row)
}

pub(super) fn all_pairs(conn: &ReadConn<'_>) -> Result<Vec<PairRow>> {
    conn.query_all(&PAIR, [], pair_row)
}

pub(super) fn block(conn: &ReadConn<'_>, endpoint: &str, key_hash: &str) -> Result<Option<Block>> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{BLOCK} WHERE endpoint = ?1 AND key_hash = ?2"));
    conn.query_optional(&SQL, [endpoint, key_hash], block_row)
}

/// The block of a host that lasts longest, whatever the key.
pub(crate) fn newest_block(conn: &ReadConn<'_>, endpoint: &str) -> Result<Option<Block>> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("{BLOCK} WHERE endpoint = ?1 ORDER BY until_wall DESC, key_hash LIMIT 1"));
    conn.query_optional(&SQL, [endpoint], block_row)
}

pub(super) fn all_blocks(conn: &ReadConn<'_>) -> Result<Vec<Block>> {
    conn.query_all(BLOCK, [], block_row)
}

pub(super) fn salt(conn: &ReadConn<'_>) -> Result<Option<Vec<u8>>> {
    conn.query_optional("SELECT salt FROM llm_salt", [], |row| row.get(0))
}

pub(super) fn put_host(tx: &WriteTx<'_>, row: &HostRow) -> Result<()> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT OR REPLACE INTO llm_host({BREAKER}, endpoint, dialect, last_name, evidence_at, ewma_first_ms,
               ewma_at, retry_tokens, retry_at, slots)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)"
        )
    });
    let breaker = &row.breaker;
    let open = breaker.open.as_ref();
    tx.execute(
        &SQL,
        params![
            breaker.state.as_str(),
            breaker.generation,
            breaker.failures,
            breaker.opens,
            breaker.last_failure_at,
            breaker.last_class,
            breaker.last_error,
            open.map(|(until, _)| until.boot_ms),
            open.map(|(until, _)| until.wall_ms),
            open.map(|(_, whole)| whole),
            open.map(|(until, _)| &until.boot_id),
            breaker.probe_row,
            row.endpoint,
            row.dialect,
            row.last_name,
            row.evidence_at,
            row.ewma_first_ms,
            row.ewma_at,
            row.retry_tokens,
            row.retry_at,
            row.slots,
        ],
    )?;
    Ok(())
}

pub(super) fn put_pair(tx: &WriteTx<'_>, row: &PairRow) -> Result<()> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT OR REPLACE INTO llm_pair({BREAKER}, endpoint, model, context, absent_until)
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        )
    });
    let breaker = &row.breaker;
    let open = breaker.open.as_ref();
    tx.execute(
        &SQL,
        params![
            breaker.state.as_str(),
            breaker.generation,
            breaker.failures,
            breaker.opens,
            breaker.last_failure_at,
            breaker.last_class,
            breaker.last_error,
            open.map(|(until, _)| until.boot_ms),
            open.map(|(until, _)| until.wall_ms),
            open.map(|(_, whole)| whole),
            open.map(|(until, _)| &until.boot_id),
            breaker.probe_row,
            row.endpoint,
            row.model,
            row.context.map(stored),
            row.absent_until,
        ],
    )?;
    Ok(())
}

pub(super) fn put_block(tx: &WriteTx<'_>, row: &Block) -> Result<()> {
    let sql =
        "INSERT OR REPLACE INTO llm_block(endpoint, key_hash, until_boot, until_wall, boot_id, reason, n)
               VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let until = &row.until;
    tx.execute(
        sql,
        params![row.endpoint, row.key_hash, until.boot_ms, until.wall_ms, until.boot_id, row.reason, row.n],
    )?;
    Ok(())
}

pub(super) fn remove_block(tx: &WriteTx<'_>, endpoint: &str, key_hash: &str) -> Result<()> {
    tx.execute("DELETE FROM llm_block WHERE endpoint = ?1 AND key_hash = ?2", [endpoint, key_hash])?;
    Ok(())
}

/// Forgets all blocks of a host.
pub(crate) fn forget_blocks(tx: &WriteTx<'_>, endpoint: &str) -> Result<()> {
    tx.execute("DELETE FROM llm_block WHERE endpoint = ?1", [endpoint])?;
    Ok(())
}

/// Forgets which models a host has not.
pub(crate) fn forget_absent(tx: &WriteTx<'_>, endpoint: &str) -> Result<()> {
    tx.execute("UPDATE llm_pair SET absent_until = NULL WHERE endpoint = ?1", [endpoint])?;
    Ok(())
}

/// Closes the breakers of all models of a host, with their counts at zero.
pub(crate) fn close_pairs(tx: &WriteTx<'_>, endpoint: &str) -> Result<()> {
    let sql = "UPDATE llm_pair SET state = 'closed', generation = generation + 1, failures = 0, opens = 0,
                 open_boot = NULL, open_wall = NULL, open_for = NULL, boot_id = NULL, probe_row = NULL,
                 last_failure_at = NULL, last_class = NULL, last_error = NULL
               WHERE endpoint = ?1 AND (state <> 'closed' OR failures > 0 OR opens > 0)";
    tx.execute(sql, [endpoint])?;
    Ok(())
}

pub(super) fn put_salt(tx: &WriteTx<'_>, salt: &[u8]) -> Result<()> {
    tx.execute("INSERT OR IGNORE INTO llm_salt(one, salt) VALUES(1, ?1)", [salt])?;
    Ok(())
}

fn host_row(row: &Row<'_>) -> Result<HostRow, Error> {
    let at = BREAKERS;
    Ok(HostRow {
        breaker: breaker(row)?,
        endpoint: row.get(at)?,
        dialect: words(row, at + 1)?.unwrap_or_default(),
        last_name: words(row, at + 2)?.unwrap_or_default(),
        evidence_at: row.get(at + 3)?,
        ewma_first_ms: row.get(at + 4)?,
        ewma_at: row.get(at + 5)?,
        retry_tokens: row.get(at + 6)?,
        retry_at: row.get(at + 7)?,
        slots: row.get(at + 8)?,
    })
}

fn pair_row(row: &Row<'_>) -> Result<PairRow, Error> {
    let at = BREAKERS;
    Ok(PairRow {
        breaker: breaker(row)?,
        endpoint: row.get(at)?,
        model: row.get(at + 1)?,
        context: row.get::<_, Option<i64>>(at + 2)?.map(read),
        absent_until: row.get(at + 3)?,
    })
}

fn block_row(row: &Row<'_>) -> Result<Block, Error> {
    Ok(Block {
        endpoint: row.get(0)?,
        key_hash: row.get(1)?,
        until: Until { boot_ms: row.get(2)?, wall_ms: row.get(3)?, boot_id: row.get(4)? },
        reason: words(row, 5)?.unwrap_or_default(),
        n: row.get(6)?,
    })
}

/// Reads a breaker, whose columns come first.
fn breaker(row: &Row<'_>) -> Result<Breaker, Error> {
    let open = match (row.get(7)?, row.get(8)?, row.get(9)?, words(row, 10)?) {
        (Some(boot_ms), Some(wall_ms), Some(whole), Some(boot_id)) => {
            Some((Until { boot_ms, wall_ms, boot_id }, whole))
        }
        _ => None,
    };
    Ok(Breaker {
        state: state(row.get_ref(0)?.as_str()?)?,
        generation: row.get(1)?,
        failures: row.get(2)?,
        opens: row.get(3)?,
        last_failure_at: row.get(4)?,
        last_class: words(row, 5)?,
        last_error: words(row, 6)?,
        open,
        probe_row: row.get(11)?,
    })
}

/// Text that only people read, or that is only compared: a byte that is no UTF-8 must not lock up the whole row.
fn words(row: &Row<'_>, at: usize) -> Result<Option<String>, Error> {
    let bytes = row.get_ref(at)?.as_bytes_or_null().map_err(|_| FromSqlError::InvalidType)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

fn state(word: &str) -> Result<BreakerState, Error> {
    use BreakerState::{Closed, Disabled, ForcedOpen, HalfOpen, Open};
    [Closed, Open, HalfOpen, ForcedOpen, Disabled]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| FromSqlError::InvalidType.into())
}
