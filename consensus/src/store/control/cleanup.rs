//! Dropping the legacy tables, and noticing that an older program has made them again.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::legacy_tables;
use crate::error::Result;
use crate::store::capture;
use crate::store::copy::kinds::{self, Kind};

/// What a legacy table is called from the moment in which nothing reads it any more until its rows are gone.
fn aside(table: &str) -> String {
    format!("dropped_{table}")
}

/// Takes the legacy tables with their triggers out of everyone's sight. To drop a large table takes as long
/// as to read it, and holds the write lock meanwhile: so it is renamed, and its rows go in chunks later, see
/// [`next_rows`]. The greatest ids that they ever gave stay in `sqlite_sequence`: an older program that makes its
/// tables anew goes on counting behind them, so that no id ever comes twice.
pub(crate) fn drop_legacy_tables(tx: &WriteTx<'_>) -> Result<()> {
    capture::remove(tx)?;
    let renames = may_rename(tx)?;
    for table in legacy_tables(tx)? {
        let greatest: Option<i64> =
            tx.query_optional("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))?;
        if renames {
            let own = "SELECT name FROM main.sqlite_schema WHERE tbl_name = ?1 AND type = 'trigger'";
            for trigger in tx.query_all(own, [table], |row| row.get::<_, String>(0))? {
                tx.execute_batch(&format!("DROP TRIGGER main.{trigger}"))?;
            }
            // Its indexes keep their names, and go with it: to drop them here would take long too. An older program
            // that makes its tables anew meanwhile makes its indexes at one of its next starts.
            tx.execute_batch(&format!("ALTER TABLE main.{table} RENAME TO {}", aside(table)))?;
        } else {
            tx.execute_batch(&format!("DROP TABLE main.{table}"))?;
        }
        if let Some(greatest) = greatest {
            tx.execute("INSERT INTO sqlite_sequence(name, seq) VALUES(?1, ?2)", params![table, greatest])?;
        }
    }
    Ok(())
}

/// Whether nobody's view, trigger or foreign key would follow the new name, and none of the names is taken.
fn may_rename(conn: &ReadConn<'_>) -> Result<bool> {
    let query = "SELECT NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'view'
        OR type = 'trigger' AND name NOT GLOB 'capture_*' OR name GLOB 'dropped_*'
        OR type = 'table' AND sql LIKE '%references%' AND (sql LIKE '%consensus_artifacts%'
          OR sql LIKE '%consensus_synthesis%' OR sql LIKE '%agent_executions%'))";
    Ok(conn.query_row(query, [], |row| row.get(0))?)
}

/// Whether rows of dropped tables are still there.
pub(crate) fn has_leftovers(conn: &ReadConn<'_>) -> Result<bool> {
    Ok(first_left(conn)?.is_some())
}

fn first_left(conn: &ReadConn<'_>) -> Result<Option<Kind>> {
    let query = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    for kind in kinds::all() {
        if conn.query_row(query, [aside(kind.legacy)], |row| row.get(0))? {
            return Ok(Some(kind));
        }
    }
    Ok(None)
}

/// Rows of a dropped table: all up to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leftover {
    table: String,
    /// Absent where none is left.
    high: Option<i64>,
    pub(crate) weight: u64,
}

/// The next rows to go, that weigh about `budget`, but at least one; nothing where all tables are gone.
pub(crate) fn next_rows(conn: &ReadConn<'_>, budget: u64) -> Result<Option<Leftover>> {
    /// What a row costs beside its bytes.
    const ROW_WEIGHT: u64 = 256;
    const MOST_ROWS: u64 = 20_000;
    let Some(kind) = first_left(conn)? else { return Ok(None) };
    let bytes: Vec<String> =
        kind.bytes.iter().map(|name| format!("ifnull(octet_length({name}), 0)")).collect();
    let table = aside(kind.legacy);
    let query = format!("SELECT rowid, {} FROM main.{table} ORDER BY rowid LIMIT ?1", bytes.join(" + "));
    let most = (budget / ROW_WEIGHT).clamp(1, MOST_ROWS);
    let rows = conn.query_all(&query, [most], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u64>(1)?)))?;
    let mut next = Leftover { table, high: None, weight: 0 };
    for (id, bytes) in rows {
        let weight = next.weight + ROW_WEIGHT + bytes;
        if next.high.is_some() && weight > budget {
            break;
        }
        next = Leftover { high: Some(id), weight, ..next };
    }
    Ok(Some(next))
}

/// Deletes them, or drops the empty table.
pub(crate) fn forget(tx: &WriteTx<'_>, rows: &Leftover) -> Result<()> {
    let table = &rows.table;
    match rows.high {
        Some(high) => tx.execute(&format!("DELETE FROM main.{table} WHERE rowid <= ?1"), [high]).map(drop)?,
        None => tx.execute_batch(&format!("DROP TABLE IF EXISTS main.{table}"))?,
    }
    Ok(())
}

/// The newest event of this kind since the phase began: its detail, and when, ms.
pub(crate) fn newest_in_phase(conn: &ReadConn<'_>, kind: &str) -> Result<Option<(String, i64)>> {
    let query = "SELECT detail, at FROM migration_events WHERE kind = ?1
      AND id > ifnull((SELECT max(id) FROM migration_events WHERE kind = 'phase'), 0) ORDER BY id DESC LIMIT 1";
    Ok(conn.query_optional(query, [kind], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
