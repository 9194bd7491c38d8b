//! How many rows there are: exactly, or at a cost that does not grow with the file.

use conclave_db::ReadConn;
use conclave_db::sql::params;

use super::control::legacy_tables;
use super::schema::LEGACY_TABLES;
use crate::error::Result;
use crate::migrate::{BackfillCursor, BackfillStatus, Counts};

/// Up to this many rows of a table are counted one by one where counting must be cheap: less than a millisecond.
const COUNTED: u64 = 10_000;
/// Of a larger legacy table so many of the newest rows are looked up. Fewer than are counted, since they are read
/// with what they hold.
const LOOKED_UP: u64 = 1_000;

/// A number of rows, and whether it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) number: u64,
    pub(crate) exact: bool,
}

pub(crate) fn counts(conn: &ReadConn<'_>) -> Result<Counts> {
    let count = |table: &str| {
        conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u64>(0))
    };
    let legacy = legacy_tables(conn)?;
    let old = |table: &'static str| if legacy.contains(&table) { count(table) } else { Ok(0) };
    Ok(Counts {
        legacy_artifacts: old("consensus_artifacts")?,
        legacy_syntheses: old("consensus_synthesis")?,
        legacy_executions: old("agent_executions")?,
        runs: count("consensus_runs")?,
        outputs: count("agent_outputs")?,
        syntheses: count("run_syntheses")?,
        attempts: count("run_attempts")?,
    })
}

/// How many legacy rows have their counterpart.
pub(crate) fn backfill_status(conn: &ReadConn<'_>, counts: &Counts) -> Result<BackfillStatus> {
    let mut remaining = 0;
    for table in legacy_tables(conn)? {
        let by_range = match table {
            "consensus_artifacts" => missing_by_range(conn, table, "agent_outputs", counts.legacy_artifacts)?,
            "consensus_synthesis" => missing_by_range(conn, table, "run_syntheses", counts.legacy_syntheses)?,
            _ => None,
        };
        remaining += match by_range {
            Some(missing) => missing,
            None => missing(conn, table, table)?,
        };
    }
    let all = counts.legacy_artifacts + counts.legacy_syntheses + counts.legacy_executions;
    Ok(BackfillStatus {
        complete: remaining == 0,
        copied: all.saturating_sub(remaining),
        remaining,
        cursor: cursor(conn)?,
    })
}

fn cursor(conn: &ReadConn<'_>) -> Result<BackfillCursor> {
    let query =
        "SELECT artifact_cursor, synthesis_cursor, execution_cursor FROM migration_state WHERE id = 1";
    Ok(conn.query_row(query, [], |row| {
        Ok(BackfillCursor { artifacts: row.get(0)?, syntheses: row.get(1)?, executions: row.get(2)? })
    })?)
}

/// The rows of `from`, which are of this legacy table, that have no counterpart: one look-up for each.
fn missing(conn: &ReadConn<'_>, table: &str, from: &str) -> Result<u64> {
    let mirrored = match table {
        "consensus_artifacts" => "agent_outputs o WHERE o.legacy_id = l.id",
        "consensus_synthesis" => "run_syntheses o WHERE o.legacy_id = l.id",
        _ => "run_attempts o WHERE o.agent_id = l.agent_id AND o.mirrored = 1",
    };
    let query = format!("SELECT count(*) FROM {from} l WHERE NOT EXISTS (SELECT 1 FROM {mirrored})");
    Ok(conn.query_row(&query, [], |row| row.get(0))?)
}

/// The same without looking each row up, where numbers tell it: ids are unique on both sides, so a side that has
/// every id of a range has whatever the other has there. `None` where both sides have gaps.
fn missing_by_range(conn: &ReadConn<'_>, table: &str, mirror: &str, rows: u64) -> Result<Option<u64>> {
    let ends = format!("SELECT (SELECT min(id) FROM {table}), (SELECT max(id) FROM {table})");
    let (low, high): (Option<i64>, Option<i64>) =
        conn.query_row(&ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(low), Some(high)) = (low, high) else { return Ok(Some(0)) };
    let mirrored = format!("SELECT count(*) FROM {mirror} WHERE legacy_id BETWEEN ?1 AND ?2");
    let mirrored: u64 = conn.query_row(&mirrored, params![low, high], |row| row.get(0))?;
    let ids = span(low, high);
    Ok(if mirrored == ids {
        Some(0)
    } else if rows == ids || mirrored == 0 {
        Some(rows.saturating_sub(mirrored))
    } else {
        None
    })
}

/// How many whole numbers there are from `low` to `high`.
fn span(low: i64, high: i64) -> u64 {
    high.abs_diff(low).saturating_add(1)
}

/// How many rows a table has. A large one has at most this many, as its ids say.
pub(crate) fn about(conn: &ReadConn<'_>, table: &str) -> Result<Rows> {
    let few = format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT ?1)");
    let number: u64 = conn.query_row(&few, [COUNTED + 1], |row| row.get(0))?;
    if number <= COUNTED {
        return Ok(Rows { number, exact: true });
    }
    // Asked for in one query, SQLite would read every row for the two.
    let ends = format!("SELECT (SELECT min(rowid) FROM {table}), (SELECT max(rowid) FROM {table})");
    let (low, high) = conn.query_row(&ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Rows { number: span(low, high), exact: false })
}

/// Legacy rows without a counterpart, `legacy` being what [`about`] says of each legacy table. Of a large table
/// the newest rows are looked up, since a backfill goes upwards and older programs append: at least this many.
pub(crate) fn about_missing(conn: &ReadConn<'_>, legacy: &[(&'static str, Rows)]) -> Result<Rows> {
    let mut found = Rows { number: 0, exact: true };
    for (table, rows) in legacy {
        let newest = format!("(SELECT * FROM {table} ORDER BY rowid DESC LIMIT {LOOKED_UP})");
        found.number += missing(conn, table, if rows.exact { table } else { &newest })?;
        found.exact &= rows.exact;
    }
    Ok(found)
}

/// What [`about`] says of each legacy table that there is.
pub(crate) fn about_legacy(conn: &ReadConn<'_>) -> Result<Vec<(&'static str, Rows)>> {
    let there = legacy_tables(conn)?;
    LEGACY_TABLES
        .iter()
        .filter(|table| there.contains(table))
        .map(|table| Ok((*table, about(conn, table)?)))
        .collect()
}
