//! Legacy tables that somebody has dropped before phase 5: which they are, and that they are made anew.
//!
//! A table that is made anew is empty, and the new tables still mirror what it held. Until it is filled from them,
//! a row that only they have is not one that an older program has deleted.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};
use serde_json::json;

use super::control::{self, Phase};
use super::schema::LEGACY_TABLES;
use crate::error::{ConsensusError, Result};

const EVENT: &str = "legacy table";

/// Which legacy tables are gone in a phase that has them.
pub(crate) fn missing(conn: &ReadConn<'_>) -> Result<Vec<&'static str>> {
    if control::phase(conn)? == Phase::CleanedUp {
        return Ok(Vec::new());
    }
    let there = control::legacy_tables(conn)?;
    Ok(LEGACY_TABLES.iter().copied().filter(|table| !there.contains(table)).collect())
}

/// An own write that goes to the legacy tables too finds all of them.
pub(crate) fn refuse_while_missing(conn: &ReadConn<'_>) -> Result<()> {
    match missing(conn)?.first() {
        None => Ok(()),
        Some(table) => Err(ConsensusError::refused(
            format!("the legacy table {table} is gone, and what is written goes there too before phase 4"),
            Some("`conclave doctor --fix` makes it again, with its rows"),
        )),
    }
}

/// An import would give its rows the ids of those that the tables wait for.
pub(crate) fn refuse_while_unfilled(conn: &ReadConn<'_>) -> Result<()> {
    refuse_while_missing(conn)?;
    match unfilled(conn)?.first() {
        None => Ok(()),
        Some(table) => Err(ConsensusError::refused(
            format!("the legacy table {table} has been made again and waits for its rows"),
            Some("`conclave doctor --fix` brings them"),
        )),
    }
}

/// Those of the tables, which have just been made anew, that held rows: they count on behind these, since an id
/// that came twice would overwrite a mirrored row, and it is kept that they wait for their rows.
pub(crate) fn keep_made(tx: &WriteTx<'_>, tables: &[&'static str]) -> Result<()> {
    for table in tables {
        let (held, greatest) = match *table {
            "consensus_artifacts" => mirrored_ids(tx, "agent_outputs")?,
            "consensus_synthesis" => mirrored_ids(tx, "run_syntheses")?,
            _ => {
                let query = "SELECT count(*) FROM run_attempts WHERE mirrored = 1";
                (tx.query_row(query, [], |row| row.get::<_, u64>(0))?, None)
            }
        };
        if let Some(greatest) = greatest {
            tx.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [table])?;
            tx.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?1, ?2)", params![table, greatest])?;
        }
        if held > 0 {
            let detail = json!({"table": table, "done": "made anew", "rows": held});
            control::record_event(tx, "conclave", EVENT, &detail)?;
        }
    }
    Ok(())
}

fn mirrored_ids(conn: &ReadConn<'_>, table: &str) -> Result<(u64, Option<i64>)> {
    let query = format!("SELECT count(*), max(legacy_id) FROM {table} WHERE legacy_id IS NOT NULL");
    Ok(conn.query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Which of the legacy tables wait for the rows that they held.
pub(crate) fn unfilled(conn: &ReadConn<'_>) -> Result<Vec<&'static str>> {
    let query = "SELECT json_extract(detail, '$.done') FROM migration_events
      WHERE kind = ?1 AND json_extract(detail, '$.table') = ?2 ORDER BY id DESC LIMIT 1";
    let mut unfilled = Vec::new();
    for table in LEGACY_TABLES {
        let done: Option<String> = conn.query_optional(query, params![EVENT, table], |row| row.get(0))?;
        if done.as_deref() == Some("made anew") {
            unfilled.push(*table);
        }
    }
    Ok(unfilled)
}

/// Keeps that the table has its rows again.
pub(crate) fn keep_filled(tx: &WriteTx<'_>, table: &str, rows: u64, actor: &str) -> Result<()> {
    control::record_event(tx, actor, EVENT, &json!({"table": table, "done": "filled", "rows": rows}))
}
