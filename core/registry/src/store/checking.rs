//! What the doctor asks of the files that were imported.

use conclave_db::ReadConn;

use crate::error::Result;

/// A file that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) path: String,
    /// Where it is kept, once that is known.
    pub(crate) kept_as: Option<String>,
    pub(crate) is_archived: bool,
}

/// All of them, in a project's state or in the machine-wide file.
pub(crate) fn imported(conn: &ReadConn<'_>) -> Result<Vec<Imported>> {
    let sql =
        "SELECT path, kept_as, archived_at IS NOT NULL FROM registry_imports ORDER BY path, imported_at";
    let read = |row: &conclave_db::sql::Row<'_>| {
        Ok(Imported { path: row.get(0)?, kept_as: row.get(1)?, is_archived: row.get(2)? })
    };
    Ok(conn.query_all(sql, [], read)?)
}
