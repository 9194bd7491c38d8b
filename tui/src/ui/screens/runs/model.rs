//! A window into the list of runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use conclave_consensus::runs::{AgentMark, RunCursor, RunDetail, RunId, RunSummary};

use crate::ui::filter::Filter;
use crate::ui::input::Input;
use crate::ui::list::Cursor;

/// Runs in a page.
pub(crate) const PAGE: usize = 200;
/// Most runs in the window: what is further away is read again when it is needed.
pub(super) const WINDOW: usize = 3 * PAGE;

/// The list and what surrounds it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    pub(crate) rows: Vec<RunSummary>,
    /// Where their agents stand.
    pub(crate) marks: BTreeMap<RunId, Vec<AgentMark>>,
    pub(crate) cursor: Cursor,
    /// After which run the window begins; `None`: with the newest.
    pub(super) start: Option<RunCursor>,
    /// Where the pages before the window begin, the nearest last.
    pub(super) before: Vec<Option<RunCursor>>,
    pub(crate) at_end: bool,
    pub(crate) filter: Filter,
    /// The filter while it is being typed.
    pub(crate) editing: Option<Input>,
    /// Counts up with every question that makes older answers useless.
    pub(super) generation: u64,
    /// The same for counts.
    pub(super) counting: u64,
    /// A page is on its way.
    pub(super) waiting: bool,
    /// Whether anything was read yet.
    pub(crate) loaded: bool,
    /// Runs in all, and those that the filter lets through.
    pub(crate) total: Option<u64>,
    pub(crate) matching: Option<u64>,
    /// How many there were when the newest was last in sight.
    pub(super) seen: Option<u64>,
    pub(crate) marked: BTreeSet<RunId>,
    /// The run that the lower pane shows.
    pub(crate) preview: Option<Arc<RunDetail>>,
    pub(super) asked_for: Option<RunId>,
}

impl Runs {
    /// Whether the first row is the newest run.
    pub(super) fn at_start(&self) -> bool {
        self.start.is_none() && self.before.is_empty()
    }

    /// New runs above what is seen.
    pub(crate) fn new_above(&self) -> u64 {
        if self.at_start() && self.cursor.top == 0 {
            return 0;
        }
        match (self.matching, self.seen) {
            (Some(now), Some(seen)) => now.saturating_sub(seen),
            _ => 0,
        }
    }
}
