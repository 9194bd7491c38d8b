//! Keeps closures from ending, nesting or escaping the transaction that they share with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::error::Result;

/// While `guarded` is set, statements that are prepared may not control the transaction, attach another
/// file, or set a pragma (<https://sqlite.org/c3ref/set_authorizer.html>). Asking for `data_version` changes nothing,
/// and FTS5 does so before it writes.
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
    if matches!(action, AuthAction::Pragma { pragma_name: "data_version", pragma_value: None }) {
        return false;
    }
    matches!(
        action,
        AuthAction::Transaction { .. }
            | AuthAction::Savepoint { .. }
            | AuthAction::Attach { .. }
            | AuthAction::Detach { .. }
            | AuthAction::Pragma { .. }
    )
}
