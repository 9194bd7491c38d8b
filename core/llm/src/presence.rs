//! Whether the process of a call still runs (B10).

use conclave_db::process::{self, Liveness, ProcessIdentity};

use crate::ledger::Flight;

/// A row of another pid namespace, where nobody can look, lives as long as it was heard of within this time.
const SILENT_MS: i64 = 15_000;
/// Rows are touched this often.
pub(crate) const BEAT: std::time::Duration = std::time::Duration::from_secs(5);

/// This process, and how it judges others.
#[derive(Debug, Clone)]
pub(crate) struct Presence(ProcessIdentity);

impl Presence {
    #[cfg(test)]
    pub(crate) fn new(me: ProcessIdentity) -> Self {
        Self(me)
    }

    /// This process. Where the system does not say who that is, one that no other process takes for its own: its rows
    /// live by their beats.
    pub(crate) fn of_this_process() -> Self {
        Self(process::current().unwrap_or_else(|_| ProcessIdentity {
            boot_id: String::new(),
            pid_namespace: 0,
            pid: std::process::id(),
            start_time: 0,
        }))
    }

    pub(crate) const fn me(&self) -> &ProcessIdentity {
        &self.0
    }

    /// Whether the call may still run.
    pub(crate) fn lives(&self, flight: &Flight, now_boot_ms: i64) -> bool {
        match process::liveness_from(&self.0, &flight.process) {
            Liveness::Alive => true,
            Liveness::Dead => false,
            Liveness::Unknown => is_fresh(flight, now_boot_ms, SILENT_MS),
        }
    }

    pub(crate) fn is_mine(&self, flight: &Flight) -> bool {
        flight.process == self.0
    }
}

/// Whether it was heard of within this time. A beat of the future is by the clock of another container, or none at all.
pub(crate) fn is_fresh(flight: &Flight, now_boot_ms: i64, within_ms: i64) -> bool {
    now_boot_ms.abs_diff(flight.beat) < within_ms.unsigned_abs()
}
