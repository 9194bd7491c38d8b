//! Every table of a file, read row by row.

use rusqlite::Connection;

use super::{Row, Viewer};
use crate::error::{DbError, Result};
use crate::migrations::LEDGER_TABLE;
use crate::transaction::Inside;

/// What SQLite keeps for itself (<https://sqlite.org/fileformat2.html#intschema>), and our own ledger of the schema,
/// which `user_version` tells too.
const INTERNAL: &[&str] =
    &["sqlite_sequence", "sqlite_stat1", "sqlite_stat2", "sqlite_stat3", "sqlite_stat4", LEDGER_TABLE];

/// A table, for as long as the snapshot that it is read from.
#[derive(Debug)]
pub struct Table<'viewer> {
    conn: &'viewer Connection,
    name: String,
    quoted: String,
}

impl Table<'_> {
    /// Its name, as it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows it has.
    pub fn count(&self) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", self.quoted);
        self.conn.query_row(&sql, [], |row| row.get(0)).map_err(|error| self.named(error))
    }

    /// Each row in the order of the table, with its columns in the order of their declaration; memory does not grow
    /// with the number of rows.
    pub fn rows<E: From<DbError>>(&self, mut each: impl FnMut(&Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let named = |error| self.named(error);
        // An index that holds all columns would give them in its own order.
        let sql = format!("SELECT * FROM {} NOT INDEXED", self.quoted);
        let mut statement = self.conn.prepare(&sql).map_err(named)?;
        let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = statement.query([]).map_err(named)?;
        while let Some(row) = rows.next().map_err(named)? {
            each(&Row { columns: &columns, row })?;
        }
        Ok(())
    }

    /// Says which table it was.
    fn named(&self, error: rusqlite::Error) -> DbError {
        match DbError::from(error) {
            DbError::Sqlite { kind, code, text } => {
                DbError::Sqlite { kind, code, text: format!("table {}: {text}", self.quoted) }
            }
            other => other,
        }
    }
}

impl Viewer {
    /// Each table of the file, in the order of their names, all from one snapshot. Left out are, by their exact
    /// names, those of SQLite, our ledger of schema steps, those in `internal`, and those in which a virtual table
    /// keeps what is its own (`shadow` in <https://sqlite.org/pragma.html#pragma_table_list>).
    pub fn each_table<E: From<DbError>>(
        &self,
        internal: &[&str],
        mut each: impl FnMut(&Table<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let _inside = Inside::enter("reading all tables")?;
        self.conn.execute_batch("BEGIN").map_err(DbError::from)?;
        let outcome = self.names(internal).map_err(E::from).and_then(|names| {
            for name in names {
                let quoted = format!("\"{}\"", name.replace('"', "\"\""));
                each(&Table { conn: &self.conn, name, quoted })?;
            }
            Ok(())
        });
        // After an error SQLite may have ended it itself; the error is what counts.
        let ended = self.conn.execute_batch("COMMIT").map_err(DbError::from);
        outcome?;
        Ok(ended?)
    }

    fn names(&self, internal: &[&str]) -> Result<Vec<String>> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN
            (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') ORDER BY name";
        let mut statement = self.conn.prepare(sql)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        let names = names.collect::<rusqlite::Result<Vec<_>>>()?;
        let is_internal = |name: &str| INTERNAL.contains(&name) || internal.contains(&name);
        Ok(names.into_iter().filter(|name| !is_internal(name)).collect())
    }
}
