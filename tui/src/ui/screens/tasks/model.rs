//! A window into one of the lists of tasks.

use std::collections::BTreeSet;
use std::sync::Arc;

use conclave_tasks::read::Sort;

use super::filter::Filter;
use super::row::{Detail, Row};
use crate::ui::input::Input;
use crate::ui::list::Cursor;
use crate::ui::screens::task::Open;
use crate::ui::screens::task_form::Form;

/// Tasks in a page.
pub(crate) const PAGE: usize = 200;
/// Most tasks in the window: what is further away is read again when it is needed.
pub(super) const WINDOW: usize = 3 * PAGE;

/// One of the lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Which {
    #[default]
    Ready,
    InProgress,
    Blocked,
    Closed,
    /// What lives and is in none of the others.
    Other,
}

/// How many tasks each list has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) ready: u64,
    pub(crate) in_progress: u64,
    pub(crate) blocked: u64,
    pub(crate) closed: u64,
    pub(crate) other: u64,
}

impl Which {
    /// All, in the order of their tabs.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("ready", Self::Ready),
        ("in progress", Self::InProgress),
        ("blocked", Self::Blocked),
        ("closed", Self::Closed),
        ("other", Self::Other),
    ];

    /// The list so many tabs further.
    pub(super) fn turned(self, by: usize) -> Self {
        let at = Self::ALL.iter().position(|(_, which)| *which == self).unwrap_or(0);
        Self::ALL[(at + by) % Self::ALL.len()].1
    }

    /// Its part of the counts.
    pub(crate) const fn count(self, counts: &Counts) -> u64 {
        match self {
            Self::Ready => counts.ready,
            Self::InProgress => counts.in_progress,
            Self::Blocked => counts.blocked,
            Self::Closed => counts.closed,
            Self::Other => counts.other,
        }
    }
}

/// The lists and what surrounds them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    pub(crate) which: Which,
    /// The order of the ready list; the others have one of their own.
    pub(crate) sort: Sort,
    pub(crate) counts: Option<Counts>,
    pub(crate) rows: Vec<Row>,
    pub(crate) cursor: Cursor,
    /// After which task the window begins; `None`: with the first.
    pub(super) start: Option<String>,
    /// Where the pages before the window begin, the nearest last.
    pub(super) before: Vec<Option<String>>,
    pub(crate) at_end: bool,
    pub(crate) filter: Filter,
    /// The filter while it is being typed.
    pub(crate) editing: Option<Input>,
    /// Counts up with every question that makes older answers useless.
    pub(super) generation: u64,
    /// A page is on its way.
    pub(super) waiting: bool,
    /// Whether anything of this list was read yet.
    pub(crate) loaded: bool,
    /// Tasks that came in above what is seen.
    pub(super) news: BTreeSet<String>,
    /// The task that the cursor goes to as soon as it is in the window.
    pub(super) wanted: Option<String>,
    /// The task that the pane shows.
    pub(crate) preview: Option<Arc<Detail>>,
    pub(super) asked_for: Option<String>,
    /// The task whose form opens as soon as it was read.
    pub(super) to_edit: Option<String>,
    /// Tasks that are open, over the list: each was gone to from the one before.
    pub(crate) open: Vec<Open>,
    /// The form of a new or a changed task, over all of it.
    pub(crate) form: Option<Form>,
}

impl Tasks {
    /// Whether the first row is the first of the list.
    pub(super) const fn at_start(&self) -> bool {
        self.start.is_none() && self.before.is_empty()
    }

    /// Whether what is seen begins with the first of the list.
    pub(super) const fn at_top(&self) -> bool {
        self.at_start() && self.cursor.top == 0
    }

    /// Whether the window is the whole list.
    pub(crate) const fn is_whole(&self) -> bool {
        self.loaded && self.at_start() && self.at_end
    }

    /// Whether a claim with a time to live is shown.
    pub(crate) fn ticks(&self) -> bool {
        let opened = self.open.iter().filter_map(|open| open.detail.as_ref()).map(|detail| &detail.row);
        self.rows.iter().chain(opened).any(|row| row.expires.is_some() || row.at_work.is_some())
    }

    /// New tasks above what is seen.
    pub(crate) fn new_above(&self) -> u64 {
        self.news.len() as u64
    }
}
