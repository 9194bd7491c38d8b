//! The parts of a repair: what a row holds, for the entry that keeps it, and how one that nothing leads to goes.

use conclave_db::sql::{Value, ValueRef, params};
use conclave_db::{ReadConn, WriteTx};
use serde_json::{Map, Value as Json};

use super::control::findings;
use super::verify::Key;
use super::{control, runs, shape};
use crate::error::Result;

/// The row id of the legacy row with this key.
pub(crate) fn legacy_rowid(conn: &ReadConn<'_>, table: &str, key: &Key) -> Result<Option<i64>> {
    let column = if table == "agent_executions" { "agent_id" } else { "id" };
    let query = format!("SELECT rowid FROM main.{table} WHERE {column} = {}", key.parameter(1));
    Ok(conn.query_optional(&query, [key.value()], |row| row.get(0))?)
}

/// All columns of a row; nothing where it is not there. Bytes that are no text are hexadecimal.
pub(crate) fn content(conn: &ReadConn<'_>, table: &str, rowid: i64) -> Result<Option<Json>> {
    let query = format!("SELECT * FROM main.{table} WHERE rowid = ?1");
    Ok(conn.query_optional(&query, [rowid], |row| {
        let mut columns = Map::new();
        for index in 0..row.as_ref().column_count() {
            let value = match row.get_ref(index)? {
                ValueRef::Null => Json::Null,
                ValueRef::Integer(number) => number.into(),
                ValueRef::Real(number) => number.into(),
                ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => text.into(),
                    Err(_) => serde_json::json!({"text_hex": hex(bytes)}),
                },
                ValueRef::Blob(bytes) => serde_json::json!({"blob_hex": hex(bytes)}),
            };
            columns.insert(row.as_ref().column_name(index)?.to_owned(), value);
        }
        Ok(Json::Object(columns))
    })?)
}

/// Takes away a row of a new table, and its run where legacy rows made that and none is left.
pub(crate) fn remove(tx: &WriteTx<'_>, table: &str, id: i64) -> Result<()> {
    let run = format!("DELETE FROM {table} WHERE id = ?1 RETURNING run_id");
    if let Some(run) = tx.query_optional(&run, [id], |row| row.get(0))? {
        runs::recompute(tx, run, runs::Claimed::All)?;
    }
    Ok(())
}

/// Closes what was kept of a difference that is gone.
pub(crate) fn close(tx: &WriteTx<'_>, table: &str, key: &Key, rowid: Option<i64>) -> Result<()> {
    let (id, name) = match key {
        Key::Number(id) => (Value::Integer(*id), Value::Null),
        Key::Text(bytes) | Key::Blob(bytes) => {
            (Value::Null, Value::Text(String::from_utf8_lossy(bytes).into_owned()))
        }
    };
    let kinds = tx.query_all(
        "DELETE FROM migration_findings WHERE legacy_table = ?1 AND legacy_id IS ?2 AND agent_id IS ?3
         RETURNING kind = 'missing_in_new'",
        params![table, id, name],
        |row| row.get::<_, bool>(0),
    )?;
    let missing = kinds.iter().filter(|missing| **missing).count();
    findings::close(tx, kinds.len() as u64, missing as u64)?;
    tx.execute(
        "DELETE FROM migration_pending WHERE legacy_table = ?1 AND legacy_rowid IS ?2",
        params![table, rowid],
    )?;
    Ok(())
}

/// Where an older program has added the column of branches, mirrored rows may have come with one from another
/// file: the legacy rows get it, before their NULL is taken for what is meant. The triggers must be silent.
pub(crate) fn give_branches(tx: &WriteTx<'_>) -> Result<()> {
    if !control::phase(tx)?.has_legacy_side() || !shape::has_branches(tx)? {
        return Ok(());
    }
    tx.execute(
        "UPDATE main.agent_executions SET branch_id = o.branch_id FROM run_attempts o
         WHERE o.agent_id = agent_executions.agent_id AND o.mirrored = 1 AND o.branch_id IS NOT NULL
           AND agent_executions.branch_id IS NULL",
        [],
    )?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The attempt with this agent id: its row, and whether a legacy row is mirrored there.
pub(crate) fn attempt(conn: &ReadConn<'_>, agent_id: &Key) -> Result<Option<(i64, bool)>> {
    let query = format!("SELECT id, mirrored FROM run_attempts WHERE agent_id = {}", agent_id.parameter(1));
    Ok(conn.query_optional(&query, [agent_id.value()], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
