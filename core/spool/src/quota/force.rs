//! Which state is in force: the stored one of all processes, taken on by what is used now; and who tells the log.
//!
//! Whoever stores a change tells of it, so that it is told once. While the state cannot be stored, each process goes by what
//! it knows itself.

use std::time::Duration;

use conclave_db::{Db, Durability};

use super::limits::Limits;
use super::state::QuotaState;
use crate::error::{Result, SpoolError};
use crate::notices::{self, Pressure};
use crate::spool::Shared;
use crate::store::quota::{self as store, Stored};

/// How long a change waits for the database. It is tried again at the next look.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is to be judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) used: u64,
    /// There is no room for what is to be written, whatever the state.
    pub(super) full: Option<Pressure>,
    pub(super) untrimmable: bool,
    pub(super) now_ms: i64,
    pub(super) limits: Limits,
    pub(super) log_interval: Duration,
}

/// What this process knows, and has told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    state: Option<QuotaState>,
    /// When the log was told of pressure last, as far as this process knows.
    logged_ms: Option<i64>,
    /// The state could not be stored, but was told of.
    unstored: bool,
}

/// What became of the state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    pub(super) state: QuotaState,
    logged_ms: Option<i64>,
    unstored: bool,
    /// The log is to be told of this.
    pressure: Option<Pressure>,
    /// The log is to be told that pressure has gone.
    cleared: bool,
}

impl Told {
    /// The state, as this process knows it.
    pub(super) fn state(&self) -> QuotaState {
        self.state.unwrap_or(QuotaState::Normal)
    }

    /// Whether there is something to store or to tell, as far as this process knows.
    pub(super) fn differs(&self, change: &Change) -> bool {
        change.state != self.state() || change.pressure.is_some()
    }

    /// The change without a database.
    pub(super) fn change_here(&self, asked: &Asked) -> Change {
        let change = self.change(self.state, self.logged_ms, asked);
        Change { unstored: self.unstored || self.differs(&change), ..change }
    }

    /// The change from what is stored; of a state that this process could not store, from that.
    fn change_from(&self, stored: Option<Stored>, asked: &Asked) -> Change {
        let before = if self.unstored { self.state } else { stored.map(|stored| stored.state) };
        let logged_ms = stored.map(|stored| stored.logged_ms).max(self.logged_ms);
        self.change(before, logged_ms, asked)
    }

    /// Takes over what has changed.
    pub(super) fn take(&mut self, change: &Change) {
        *self = Self { state: Some(change.state), logged_ms: change.logged_ms, unstored: change.unstored };
    }

    /// The change from `before`, with the log last told at `logged_ms`.
    fn change(&self, before: Option<QuotaState>, logged_ms: Option<i64>, asked: &Asked) -> Change {
        let state = QuotaState::after(before, asked.used, &asked.limits);
        let pressure = match state {
            QuotaState::Hard => Some(Pressure::Hard),
            QuotaState::Soft => asked.full.or(Some(Pressure::Soft)),
            QuotaState::Normal => asked.full,
        };
        let pressure = pressure.filter(|_| is_due(logged_ms, asked.now_ms, asked.log_interval));
        let was_pressed = before.is_some_and(|before| before != QuotaState::Normal);
        Change {
            state,
            logged_ms: if pressure.is_some() { Some(asked.now_ms) } else { logged_ms },
            unstored: false,
            pressure,
            cleared: was_pressed && state == QuotaState::Normal,
        }
    }
}

impl Change {
    /// Whether it is other than what is stored.
    fn differs(&self, stored: Option<Stored>) -> bool {
        let before = stored.map_or(QuotaState::Normal, |stored| stored.state);
        self.state != before || self.logged_ms > stored.map(|stored| stored.logged_ms)
    }

    /// Tells the log.
    pub(super) fn tell(&self, asked: &Asked) {
        if let Some(pressure) = self.pressure {
            notices::pressure(pressure, asked.used, &asked.limits, asked.untrimmable);
        }
        if self.cleared {
            notices::cleared();
        }
    }
}

/// Whether the interval since the log was told last is over. A time that lies ahead by more than an interval is of a clock
/// that was set back since; less than that is what two processes differ by.
fn is_due(logged_ms: Option<i64>, now_ms: i64, interval: Duration) -> bool {
    let interval = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    logged_ms.is_none_or(|logged| {
        now_ms.saturating_sub(logged) >= interval || logged.saturating_sub(now_ms) > interval
    })
}

/// Judges by what is stored, and stores what has changed. `None` where there is no state that could be read and, where it
/// matters, written. `looked`: what could not be stored before is tried again.
pub(super) fn store(shared: &Shared, told: &Told, asked: &Asked, looked: bool) -> Option<Change> {
    let state = shared.state.as_ref()?;
    if told.unstored && !looked {
        // Each try costs a wait.
        return None;
    }
    let stored = match stored(state) {
        Ok(stored) => stored,
        Err(error) => return unknown(&error),
    };
    let change = told.change_from(stored, asked);
    if !told.unstored && !change.differs(stored) {
        return Some(change);
    }
    if state.is_read_only() {
        return None;
    }
    let (told, asked) = (*told, *asked);
    let writing = state.writing("store the quota's state").durability(Durability::Process).deadline(PATIENCE);
    let written = writing.run(move |tx| -> Result<Change> {
        let stored = store::read(tx)?;
        let change = told.change_from(stored, &asked);
        if change.differs(stored) {
            let since = stored.filter(|stored| stored.state == change.state).map(|stored| stored.since_ms);
            let (since_ms, logged_ms) = (since.unwrap_or(asked.now_ms), change.logged_ms.unwrap_or(0));
            store::put(tx, Stored { state: change.state, since_ms, logged_ms })?;
        }
        Ok(change)
    });
    written.map_or_else(|error| unknown(&error), Some)
}

/// What is stored.
pub(super) fn stored(state: &Db) -> Result<Option<Stored>> {
    state.read(|conn| store::read(conn))
}

/// A state that cannot be read or written is no error: events matter more.
fn unknown(error: &SpoolError) -> Option<Change> {
    tracing::debug!(%error, "the quota's state is not stored");
    None
}
