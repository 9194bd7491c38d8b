//! Legacy rows without a counterpart that can have none: why.

use conclave_db::ReadConn;

use super::Key;
use crate::error::Result;
use crate::migrate::{Finding, FindingKind};
use crate::store::schema::LEGACY_TABLES;
use crate::store::{mend, shape};

/// Why the new tables cannot hold a row.
pub(crate) const NULL: &str = "a column that must not be NULL is";
const BLOB: &str = "its agent_id is a blob";

/// Finds out which rows the new tables cannot hold. Made before a write, in which no table may be asked for its
/// columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusals(Vec<(&'static str, String)>);

impl Refusals {
    pub(crate) fn of(conn: &ReadConn<'_>) -> Result<Self> {
        let mut queries = Vec::new();
        for table in LEGACY_TABLES {
            if let Some(rows) = shape::incomplete_rows(conn, "main", table)? {
                queries.push((*table, format!("SELECT id FROM ({rows}) WHERE id = ?1")));
            }
        }
        Ok(Self(queries))
    }

    /// Gives a finding whose legacy row the new tables cannot hold its row id and the reason.
    pub(crate) fn mark(&self, conn: &ReadConn<'_>, key: &Key, finding: &mut Finding) -> Result<()> {
        let query = self.0.iter().find(|(table, _)| *table == finding.table);
        let Some((table, query)) = query.filter(|_| finding.kind == FindingKind::MissingInNew) else {
            return Ok(());
        };
        let Some(rowid) = mend::legacy_rowid(conn, table, key)? else { return Ok(()) };
        if conn.query_optional(query, [rowid], |row| row.get::<_, i64>(0))?.is_some() {
            finding.rowid = Some(rowid);
            finding.reason = Some(if matches!(key, Key::Blob(_)) { BLOB } else { NULL });
        }
        Ok(())
    }
}
