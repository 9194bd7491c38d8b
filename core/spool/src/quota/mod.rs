//! How much of the disk the spool may have, and what happens when it has it.

#[cfg(test)]
pub(crate) mod fixture;
mod force;
mod gate;
mod limits;
mod state;
mod usage;

use conclave_db::Db;

pub(crate) use self::gate::{Admission, Gate};
pub use self::limits::Limits;
pub use self::state::{QuotaState, Why};
pub(crate) use self::usage::{Done, look};
pub use self::usage::{Largest, Usage};
use crate::drops;
use crate::error::Result;
use crate::spool::Spool;

/// What a gauge shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// What is used.
    pub usage: Usage,
    /// The state in force: the stored one taken on by what is used now.
    pub state: QuotaState,
    /// Why less or nothing is written, where that is so. The disk may be what keeps events out while the state is normal.
    pub why: Option<Why>,
    /// Nothing that may be trimmed would bring it below the limit.
    pub untrimmable: bool,
    /// Events that were dropped since the beginning, of all monitors and reasons.
    pub dropped: u64,
}

/// Reads the gauge. Writes nothing. A state that cannot be read is passed over: then the plain thresholds count, and of the
/// drops those that stand in files.
///
/// # Errors
/// A folder of the spool that cannot be read.
pub fn gauge(spool: &Spool, state: Option<&Db>) -> Result<Gauge> {
    let shared = spool.shared();
    let limits = &shared.options.limits;
    let (mut usage, _) = look(&shared.layout, shared.clock.wall_ms())?;
    usage.memory = shared.memory.bytes();
    let look = gate::Look::of(shared, &usage, shared.clock.monotonic());
    let stored = state.and_then(|state| force::stored(state).ok().flatten());
    let now = QuotaState::after(stored.map(|stored| stored.state), usage.used, limits);
    let full = look.full(limits, 0);
    let why = match (now, full) {
        (QuotaState::Normal, None) => None,
        (QuotaState::Normal | QuotaState::Soft, Some(crate::notices::Pressure::KeepFree { .. })) => {
            Some(Why::KeepFree)
        }
        _ => Some(Why::Quota),
    };
    let untrimmable = now != QuotaState::Normal && look.is_untrimmable(limits);
    let dropped = drops::total(shared, state)?;
    Ok(Gauge { usage, state: now, why, untrimmable, dropped })
}

#[cfg(test)]
mod tests;
