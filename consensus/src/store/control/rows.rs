//! The control rows that a damaged file may lack. Triggers do without them, so that an older program does not
//! notice; for us they are made again.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};
use serde_json::json;

use super::{Phase, legacy_tables, record_event, soak};
use crate::error::Result;
use crate::migrate::soak::Moment;

/// Which control rows are missing, by table.
pub(crate) fn missing(conn: &ReadConn<'_>) -> Result<Vec<&'static str>> {
    let mut missing = Vec::new();
    for table in ["capture_seen", "migration_state"] {
        let query = format!("SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE id = 1)");
        if conn.query_row(&query, [], |row| row.get(0))? {
            missing.push(table);
        }
    }
    Ok(missing)
}

/// Makes those that are missing again. The phase is that of the last step; the soak begins anew, and nothing is
/// known of what is copied. Gives what was made, in words.
pub(crate) fn make(tx: &WriteTx<'_>, actor: &str) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for table in missing(tx)? {
        if table == "capture_seen" {
            tx.execute("INSERT INTO capture_seen(id) VALUES(1)", [])?;
            made.push("made the counts of older programs' writes again".to_owned());
            continue;
        }
        let phase = phase_of_last_step(tx)?;
        // No comparison that is still under way began with this number.
        tx.execute(
            "INSERT INTO migration_state(id, phase, phase_since, comparison, mapped, differences)
             SELECT 1, ?1, ?2, ?2, 0, count(*) FROM migration_findings",
            params![phase.number(), tx.now_ms()],
        )?;
        soak::begin(tx, &Moment::of_system(tx.now_ms()))?;
        made.push(format!("made the migration's control row again, in phase {}", phase.number()));
    }
    if !made.is_empty() {
        record_event(tx, actor, "control", &json!({ "made again": made }))?;
    }
    Ok(made)
}

/// Without any step, a file that holds legacy tables is in phase 1, and another has nothing to migrate.
fn phase_of_last_step(conn: &ReadConn<'_>) -> Result<Phase> {
    let query = "SELECT json_extract(detail, '$.to') FROM migration_events
      WHERE kind = 'phase' AND typeof(json_extract(detail, '$.to')) = 'integer' ORDER BY id DESC LIMIT 1";
    let number: Option<i64> = conn.query_optional(query, [], |row| row.get(0))?;
    let known = number.and_then(|number| u8::try_from(number).ok()).and_then(Phase::of);
    Ok(match known {
        Some(phase) => phase,
        None if legacy_tables(conn)?.is_empty() => Phase::CleanedUp,
        None => Phase::TablesCreated,
    })
}
