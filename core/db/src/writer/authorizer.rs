//! Keeps closures from ending, nesting or escaping the transaction that they share with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::error::Result;

/// While `guarded` is set, statements that are prepared may not control the transaction, attach another
/// file, or set a pragma (<https://sqlite.org/c3ref/set_authorizer.html>). `data_version` sets nothing, and FTS5 asks
/// for it whenever it looks into an index: `fts5_index.c`, `fts5IndexDataVersion`.
pub(crate) fn install(conn: &Connection, guarded: Arc<AtomicBool>) -> Result<()> {
    conn.authorizer(Some(move |context: AuthContext<'_>| {
        if guarded.load(Ordering::Relaxed) && is_control(&context.action) {
            Authorization::Deny
        } else {
            Authorization::Allow
        }
    }))?;
    Ok(())
}

fn is_control(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => true,
        AuthAction::Pragma { pragma_name, pragma_value } => {
            *pragma_name != "data_version" || pragma_value.is_some()
        }
        _ => false,
    }
}
