//! Keeps closures from ending, nesting or escaping the transaction that they share with others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::error::Result;

/// While `guarded` is set, statements that are prepared may not control the transaction, attach another
/// file, or set a pragma (<https://sqlite.org/c3ref/set_authorizer.html>).
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

const fn is_control(action: &AuthAction<'_>) -> bool {
    matches!(
        action,
        AuthAction::Transaction { .. }
            | AuthAction::Savepoint { .. }
            | AuthAction::Attach { .. }
            | AuthAction::Detach { .. }
            | AuthAction::Pragma { .. }
    )
}
