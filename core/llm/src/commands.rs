//! What people do to breakers. Each is durable when it returns, as the rest of the shared state is.

use conclave_db::{Db, Durability};

use crate::breaker::Breaker;
use crate::error::Result;
use crate::host::Host;
use crate::ledger::{HostRow, Ledger, Look};
use crate::store::{self, InFile};

/// Refuses all calls to the host until [`close`] or [`reset`].
///
/// # Errors
/// The machine-wide file, where it cannot be written; nothing is changed then.
pub fn force_open(global: &Db, host: &Host) -> Result<()> {
    change(global, host, "open a model host by hand", false, Breaker::force_open)
}

/// Closes its breaker and those of its models, with all counts at zero.
///
/// # Errors
/// The machine-wide file, where it cannot be written; nothing is changed then.
pub fn close(global: &Db, host: &Host) -> Result<()> {
    change(global, host, "close a model host by hand", false, Breaker::close)
}

/// The same, and forgets its blocks and which models it has not.
///
/// # Errors
/// The machine-wide file, where it cannot be written; nothing is changed then.
pub fn reset(global: &Db, host: &Host) -> Result<()> {
    change(global, host, "reset a model host", true, Breaker::close)
}

fn change(global: &Db, host: &Host, label: &'static str, forget: bool, how: fn(&mut Breaker)) -> Result<()> {
    let (endpoint, dialect, name) = (host.endpoint.as_str().to_owned(), host.dialect, host.name.clone());
    global.writing(label).durability(Durability::Process).run(move |tx| {
        let mut ledger = InFile::new(tx);
        let found = ledger.seen().host(&endpoint)?;
        let mut row = found.unwrap_or_else(|| HostRow::new(&endpoint, dialect.as_str(), &name));
        how(&mut row.breaker);
        ledger.put_host(&row)?;
        if row.breaker.state == conclave_retry::BreakerState::Closed {
            store::close_pairs(tx, &endpoint)?;
        }
        if forget {
            store::forget_blocks(tx, &endpoint)?;
            store::forget_absent(tx, &endpoint)?;
        }
        Ok(())
    })
}
