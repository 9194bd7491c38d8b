//! What a statement of a user may do: an authorizer that knows what reads, and refuses everything else
//! (<https://sqlite.org/c3ref/set_authorizer.html>).

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::error::QueryError;
use crate::error::{DbError, ErrorKind, Result};

/// Pragmas that describe what their argument names, and never set anything.
const DESCRIBING: &[&str] = &[
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that tell a value, and set it when they are given one.
const TELLING: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "journal_mode",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "schema_version",
    "synchronous",
    "user_version",
];

/// Functions that do more than compute.
const ACTING: &[&str] = &["fts3_tokenizer", "load_extension"];

/// The authorizer on a connection; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Guard<'conn> {
    conn: &'conn Connection,
    /// What was refused first.
    refused: Arc<Mutex<Option<String>>>,
}

impl<'conn> Guard<'conn> {
    pub(super) fn install(conn: &'conn Connection) -> Result<Self> {
        let refused = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&refused);
        conn.authorizer(Some(move |context: AuthContext<'_>| {
            if only_reads(&context.action) {
                return Authorization::Allow;
            }
            let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
            noted.get_or_insert_with(|| in_words(&context.action));
            Authorization::Deny
        }))?;
        Ok(Self { conn, refused })
    }

    /// What SQLite's error means here.
    pub(super) fn explain(&self, error: rusqlite::Error) -> QueryError {
        if matches!(error, rusqlite::Error::MultipleStatement) {
            return QueryError::Refused("it is more than one statement".to_owned());
        }
        // What SQLite says then is "not authorized", with one code or another.
        if let Some(what) = self.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return QueryError::Refused(format!("it may only read: {what} is refused"));
        }
        let error = DbError::from(error);
        if error.kind() == ErrorKind::ReadOnly {
            return QueryError::Refused(format!("it may only read: {error}"));
        }
        error.into()
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let gone = self.conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
        debug_assert!(gone.is_ok(), "a connection of our own: {gone:?}");
    }
}

fn only_reads(action: &AuthAction<'_>) -> bool {
    let named = |names: &[&str], name: &str| names.iter().any(|other| other.eq_ignore_ascii_case(name));
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Function { function_name } => !named(ACTING, function_name),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            named(DESCRIBING, pragma_name) || (pragma_value.is_none() && named(TELLING, pragma_name))
        }
        _ => false,
    }
}

/// What was refused, for people.
fn in_words(action: &AuthAction<'_>) -> String {
    match action {
        // Whoever makes or drops something is first seen in the tables of the schema.
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
            if table_name.starts_with("sqlite_") =>
        {
            "a change of the schema".to_owned()
        }
        AuthAction::Insert { table_name } => format!("INSERT INTO {table_name}"),
        AuthAction::Update { table_name, .. } => format!("UPDATE {table_name}"),
        AuthAction::Delete { table_name } => format!("DELETE FROM {table_name}"),
        AuthAction::Pragma { pragma_name, pragma_value: Some(value) } => {
            format!("PRAGMA {pragma_name}={value}")
        }
        AuthAction::Pragma { pragma_name, pragma_value: None } => format!("PRAGMA {pragma_name}"),
        AuthAction::Function { function_name } => format!("{function_name}()"),
        AuthAction::Attach { .. } => "ATTACH".to_owned(),
        AuthAction::Detach { .. } => "DETACH".to_owned(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
            "to begin or end a transaction".to_owned()
        }
        AuthAction::Reindex { .. } => "REINDEX".to_owned(),
        AuthAction::Analyze { .. } => "ANALYZE".to_owned(),
        _ => "a change of the schema".to_owned(),
    }
}
