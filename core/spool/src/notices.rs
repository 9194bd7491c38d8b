//! Lines of the log about pressure, in the words of the original: one per change of state and interval, one at its end.
//!
//! How often they come is decided where the state is ([`Gate`](crate::quota::Gate)).

use crate::drops::Reason;
use crate::monitor::MonitorName;
use crate::quota::Limits;

/// What presses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressure {
    /// Flushes are put off.
    Soft,
    /// Nothing is written: the quota.
    Hard,
    /// Nothing is written: so much of the disk is to stay free, and so much is.
    KeepFree { keep: u64, free: u64 },
}

/// Bytes as whole MiB, which is how the original writes them.
const fn mb(bytes: u64) -> u64 {
    bytes >> 20
}

/// There is pressure. `untrimmable`: what presses is nothing that trimming may have.
pub(crate) fn pressure(what: Pressure, used: u64, limits: &Limits, untrimmable: bool) {
    let (used, quota) = (mb(used), limits.quota_mb());
    match what {
        Pressure::Hard => {
            let text = format!(
                "Hard spool quota exceeded ({used}MB/{quota}MB). Pausing writes, buffering in memory."
            );
            if untrimmable {
                tracing::warn!(reason = "untrimmable", "{text}");
            } else {
                tracing::warn!("{text}");
            }
        }
        Pressure::Soft => {
            let text = format!("Soft spool quota reached ({used}MB/{quota}MB). Applying flush delays.");
            if untrimmable {
                tracing::warn!(reason = "untrimmable", "{text}");
            } else {
                tracing::info!("{text}");
            }
        }
        Pressure::KeepFree { keep, free } => tracing::warn!(
            "Too little free space on the disk ({}MB, {}MB to be kept free). Pausing writes, buffering in memory.",
            mb(free),
            mb(keep)
        ),
    }
}

/// Lines were dropped, and are counted.
pub(crate) fn dropped(monitor: &MonitorName, reason: Reason, lines: u64) {
    tracing::warn!(monitor = monitor.as_str(), reason = reason.as_str(), "Dropped {lines} events");
}

/// There was pressure, and all is normal.
pub(crate) fn cleared() {
    tracing::info!("Spool backpressure cleared - resuming normal operation");
}

/// Files of `_done` are about to go. Below the soft limit somebody asked for it.
pub(crate) fn trimming(used: u64, limits: &Limits) {
    let (limit, name) =
        if used >= limits.soft() { (limits.soft(), "soft") } else { (limits.resume(), "resume") };
    tracing::info!("Trimming _done files: {}MB > {}MB {name} limit", mb(used), mb(limit));
}

/// Files of `_done` are gone.
pub(crate) fn trimmed(bytes: u64, files: usize) {
    tracing::info!("Quota trim complete: freed {}MB, deleted {files} files", mb(bytes));
}
