//! What people do to breakers. Each is durable when it returns, as the rest of the shared state is.

use conclave_db::Db;

use crate::error::Result;
use crate::host::Host;

/// Refuses all calls to the host until [`close`] or [`reset`].
pub fn force_open(global: &Db, host: &Host) -> Result<()> {
    let _ = (global, host);
    todo!("s")
}

/// Closes its breaker, with all counts at zero.
pub fn close(global: &Db, host: &Host) -> Result<()> {
    let _ = (global, host);
    todo!("s")
}

/// The same, and forgets its blocks and which models it has not.
pub fn reset(global: &Db, host: &Host) -> Result<()> {
    let _ = (global, host);
    todo!("s")
}
