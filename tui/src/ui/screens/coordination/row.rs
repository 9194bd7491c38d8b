//! What the screen knows of a lease.

use conclave_db::process::ProcessIdentity;
use conclave_leases::{Mode, Status};

/// A name with its grants and who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Of the whole machine, and not of this project.
    pub(crate) global: bool,
    pub(crate) grants: Vec<Grant>,
    /// The first first.
    pub(crate) waiters: Vec<Waiter>,
}

/// One who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) holder: String,
    pub(crate) mode: Mode,
    pub(crate) fence: u64,
    /// Milliseconds since 1970.
    pub(crate) since: i64,
    /// When it ends by the clock of now, milliseconds since 1970.
    pub(crate) ends: i64,
    pub(crate) expired: bool,
    pub(crate) pid: Option<u32>,
}

/// One who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub(crate) holder: String,
    pub(crate) mode: Mode,
    pub(crate) pid: u32,
    /// Milliseconds since 1970.
    pub(crate) since: i64,
}

impl Row {
    /// What is drawn of a lease, as it was at this time by the wall clock.
    pub(crate) fn of(
        status: &Status,
        global: bool,
        now_ms: i64,
        is_there: fn(&ProcessIdentity) -> bool,
    ) -> Self {
        let grant = |lease: &conclave_leases::Lease| Grant {
            holder: lease.holder.to_string(),
            mode: lease.mode,
            fence: lease.fence,
            since: lease.acquired_utc_ms,
            ends: now_ms.saturating_add(i64::try_from(lease.remaining.as_millis()).unwrap_or(i64::MAX)),
            expired: lease.expired,
            pid: lease.process.as_ref().filter(|process| is_there(process)).map(|process| process.pid),
        };
        let waiter = |waiter: &conclave_leases::Waiter| Waiter {
            holder: waiter.holder.to_string(),
            mode: waiter.mode,
            pid: waiter.process.pid,
            since: waiter.since_utc_ms,
        };
        Self {
            name: status.name.to_string(),
            global,
            grants: status.leases.iter().map(grant).collect(),
            waiters: status.waiters.iter().map(waiter).collect(),
        }
    }

    /// Its live grants.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(|grant| !grant.expired)
    }

    /// When the last of its grants ends; `None` where none lives.
    pub(crate) fn ends(&self) -> Option<i64> {
        self.held().map(|grant| grant.ends).max()
    }

    /// Whether it is the same name as another row, which may be older.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.global == other.global && self.name == other.name
    }
}

/// The word for how it is held.
pub(crate) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Exclusive => "exclusive",
        Mode::Shared => "shared",
    }
}
