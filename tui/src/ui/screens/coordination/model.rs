//! The leases and what surrounds them.

use super::filter::Filter;
use super::row::Row;
use crate::ui::input::Input;
use crate::ui::list::Cursor;
use crate::ui::problem::Problem;
use crate::ui::screens::agents;

/// The blocks of ports of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ports {
    /// The first port of this project's block, where it has one.
    pub(crate) here: Option<u16>,
    /// The first ports of the others, and the names of their folders, by their numbers.
    pub(crate) others: Vec<(u16, String)>,
    /// How many blocks are free.
    pub(crate) free: u64,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    pub(crate) leases: Vec<Row>,
    /// `None` where there is no machine-wide file.
    pub(crate) ports: Option<Ports>,
    pub(crate) architects: Vec<agents::Row>,
    /// What of the machine-wide file could not be read.
    pub(crate) problem: Option<Problem>,
}

/// The screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coordination {
    /// As it was read last.
    pub(crate) found: Found,
    /// What the filter lets through.
    pub(crate) rows: Vec<Row>,
    pub(crate) cursor: Cursor,
    /// Whether anything was read yet.
    pub(crate) loaded: bool,
    pub(crate) filter: Filter,
    /// The filter while it is being typed.
    pub(crate) editing: Option<Input>,
    /// The details of the lease under the cursor are seen; which line is on top.
    pub(crate) open: Option<usize>,
    /// Where they have no room beside the list: the ports and the architects in its place.
    pub(crate) beside: bool,
    /// When it was read last, in milliseconds since 1970.
    pub(super) read_at: i64,
}

/// Milliseconds after which is looked again who is dead by now: that is told by no change of a file.
const LOOK_AGAIN: i64 = 5_000;

impl Coordination {
    /// Whether a countdown is shown, or somebody who waits.
    pub(crate) fn ticks(&self) -> bool {
        self.rows.iter().any(|row| row.ends().is_some() || !row.waiters.is_empty())
    }

    /// Whether it is time to read again though no file has changed: a lease has ended, or some time has passed. The
    /// countdown itself needs no reading.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let is_over = |row: &Row| row.held().any(|grant| grant.ends <= now_ms);
        let passed = now_ms.saturating_sub(self.read_at);
        !(0..LOOK_AGAIN).contains(&passed) || self.rows.iter().any(is_over)
    }
}
