//! Legacy rows without a counterpart that can have none: why.

use std::collections::BTreeMap;

use conclave_db::ReadConn;

use super::Key;
use crate::error::Result;
use crate::migrate::{Finding, FindingKind};
use crate::store::{mend, shape};

/// Why the new tables cannot hold a row.
pub(crate) const NULL: &str = "a column that must not be NULL is";
const BLOB: &str = "its agent_id is a blob";

/// Gives those findings whose legacy row the new tables cannot hold its row id and the reason.
pub(crate) fn mark<'found>(
    conn: &ReadConn<'_>,
    findings: impl Iterator<Item = (&'found Key, &'found mut Finding)>,
) -> Result<()> {
    // Mostly there is none: then no row is looked up.
    let mut queries: BTreeMap<&'static str, Option<String>> = BTreeMap::new();
    for (key, finding) in findings.filter(|(_, finding)| finding.kind == FindingKind::MissingInNew) {
        if !queries.contains_key(finding.table) {
            let rows = shape::incomplete_rows(conn, "main", finding.table)?;
            let query = match rows {
                Some(rows) if conn.query_row(&format!("SELECT EXISTS ({rows})"), [], |row| row.get(0))? => {
                    Some(format!("SELECT 1 FROM ({rows}) WHERE id = ?1"))
                }
                _ => None,
            };
            queries.insert(finding.table, query);
        }
        let Some(Some(query)) = queries.get(finding.table) else { continue };
        let Some(rowid) = mend::legacy_rowid(conn, finding.table, key)? else { continue };
        if conn.query_optional(query, [rowid], |row| row.get::<_, i64>(0))?.is_some() {
            finding.rowid = Some(rowid);
            finding.reason = Some(if matches!(key, Key::Blob(_)) { BLOB } else { NULL });
        }
    }
    Ok(())
}
