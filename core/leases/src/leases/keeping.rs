//! Renewing in time, for as long as something else runs.

use std::time::Duration;

use conclave_retry::CancelToken;

use super::Leases;
use crate::error::{LeaseError, Result};
use crate::model::{Grant, Ttl};
use crate::name::LeaseName;

/// How soon a renewal is tried again that the database could not do.
const AGAIN: Duration = Duration::from_millis(200);

/// Renews until `cancel`, or until the lease is lost.
pub(super) fn keep(leases: &Leases, grant: &Grant, ttl: Ttl, cancel: &CancelToken) -> Result<()> {
    let names: Vec<LeaseName> = grant.fences.iter().map(|(name, _)| name.clone()).collect();
    let sleeper = leases.db.sleeper();
    let boot = &leases.here.boot;
    // Counted from before the write, so never too late. What was acquired just now lives at least as long.
    let mut until = boot.since_boot().saturating_add(ttl.duration());
    let mut pause = ttl.duration() / 3;
    while sleeper.sleep_unless(pause, cancel) {
        let asked = boot.since_boot();
        match leases.renew(&grant.token, &names, ttl) {
            Ok(_) => {
                until = asked.saturating_add(ttl.duration());
                pause = ttl.duration() / 3;
            }
            Err(LeaseError::Storage(error)) if boot.since_boot() < until => {
                tracing::warn!(%error, "a lease could not be renewed; it is tried again");
                pause = AGAIN;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
