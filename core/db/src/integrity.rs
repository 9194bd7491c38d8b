//! Asking SQLite whether a file is sound.

use rusqlite::Connection;

use crate::error::{DbError, ErrorKind, Result};
use crate::transaction::ReadConn;

/// How thoroughly to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Pages and rows, but not whether indexes agree with their tables: a tenth of the time
    /// (<https://sqlite.org/pragma.html#pragma_quick_check>).
    Quick,
    /// Everything (<https://sqlite.org/pragma.html#pragma_integrity_check>).
    Full,
}

/// Problems beyond this number are of no further use.
const MOST: usize = 20;

/// What is wrong with the file; empty when it is sound. Damage that keeps SQLite from looking at all is one
/// of the problems, not an error.
pub(crate) fn problems(conn: &Connection, depth: Depth) -> Result<Vec<String>> {
    let pragma = match depth {
        Depth::Quick => format!("PRAGMA quick_check({MOST})"),
        Depth::Full => format!("PRAGMA integrity_check({MOST})"),
    };
    let conn = ReadConn::new(conn);
    if let Some(damaged) = look_into_indexes(&conn)? {
        return Ok(vec![damaged]);
    }
    match conn.query_all(&pragma, [], |row| row.get::<_, String>(0)) {
        Ok(lines) => Ok(lines.into_iter().filter(|line| line != "ok").collect()),
        Err(error) => damage(error),
    }
}

/// An error that is an answer.
fn damage(error: DbError) -> Result<Vec<String>> {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::NotADatabase => Ok(vec![error.to_string()]),
        _ => Err(error),
    }
}

/// Opens a cursor on each full-text index. FTS5 keeps in mind how an index is laid out, and asks whether somebody else
/// has written since only when a cursor is opened, not when it is checked (SQLite 3.53.2, `fts5IntegrityMethod`): what
/// others have merged meanwhile would be called a corruption.
///
/// Gives what is damaged so that it cannot be opened. Another reason is no damage; the check itself says what becomes of
/// it.
fn look_into_indexes(conn: &ReadConn<'_>) -> Result<Option<String>> {
    let sql =
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE %'";
    let tables = match conn.query_all(sql, [], |row| Ok((row.get(0)?, row.get(1)?))) {
        Ok(tables) => tables,
        Err(error) => return damage(error).map(|found| found.into_iter().next()),
    };
    let indexes = tables.iter().filter(|(_, sql): &&(String, String)| is_fts5(sql));
    for (name, _) in indexes {
        let sql = format!("SELECT rowid FROM \"{}\" LIMIT 1", name.replace('"', "\"\""));
        if let Err(error) = conn.query_optional(&sql, [], |_| Ok(()))
            && let Ok(found) = damage(error)
        {
            return Ok(found.into_iter().next());
        }
    }
    Ok(None)
}

/// Whether a statement that created a virtual table, as SQLite keeps it, names the module FTS5: not one whose name only
/// begins so, like that of its vocabulary.
fn is_fts5(sql: &str) -> bool {
    let Some(rest) = sql.get("CREATE VIRTUAL TABLE ".len()..) else { return false };
    // The name of the table is a word, or within quotes, which are doubled in it: then more of it follows.
    let mut rest = rest.trim_start();
    while let Some(quote @ ('"' | '`' | '\'' | '[')) = rest.chars().next() {
        let end = if quote == '[' { ']' } else { quote };
        rest = rest.get(1..).and_then(|rest| rest.split_once(end)).map_or("", |(_, rest)| rest);
    }
    let mut words =
        rest.split(|letter: char| letter.is_whitespace() || letter == '(').filter(|word| !word.is_empty());
    let using = words.find(|word| word.eq_ignore_ascii_case("using"));
    let module = words.next().map(|module| module.trim_matches(['"', '`', '\'', '[', ']']));
    using.is_some() && module.is_some_and(|module| module.eq_ignore_ascii_case("fts5"))
}

#[cfg(test)]
mod tests;

/// Rows whose parent is missing; empty when there are none.
pub(crate) fn dangling(conn: &Connection) -> Result<Vec<String>> {
    let sql = format!("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT {MOST}");
    ReadConn::new(conn).query_all(&sql, [], |row| {
        let (table, rowid, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // Rows of WITHOUT ROWID tables have no number.
        let row = rowid.map_or_else(|| "a row".to_owned(), |rowid| format!("row {rowid}"));
        Ok(format!("{row} of {table} has no parent in {parent}"))
    })
}

/// Refuses a file that is not sound in every respect.
pub(crate) fn require(conn: &Connection, path: &std::path::Path) -> Result<()> {
    let mut found = problems(conn, Depth::Full)?;
    if found.is_empty() {
        found = dangling(conn)?;
    }
    match found.first() {
        None => Ok(()),
        Some(first) => Err(DbError::file(ErrorKind::Corrupt, path, format!("the check failed: {first}"))),
    }
}
