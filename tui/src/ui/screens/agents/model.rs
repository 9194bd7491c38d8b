//! The list of agents and what surrounds it.

use super::diff::Diff;
use super::filter::Filter;
use super::log::Log;
use super::row::{Origin, Row};
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::list::Cursor;
use crate::ui::screens::spawn_form::Form;

/// The screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agents {
    /// When they were read last, in milliseconds since 1970.
    pub(super) read_at: i64,
    /// All that the registry has, as they were read.
    pub(super) registered: Vec<Row>,
    /// What the filter lets through of them, and of those of the runs that are driven from here.
    pub(crate) rows: Vec<Row>,
    pub(crate) cursor: Cursor,
    /// Whether anything was read yet.
    pub(crate) loaded: bool,
    pub(crate) filter: Filter,
    /// The filter while it is being typed.
    pub(crate) editing: Option<Input>,
    /// The log of the agent under the cursor.
    pub(crate) log: Option<Log>,
    /// Counts up with every log, so that none takes an answer to another.
    pub(super) logs: u64,
    /// The log is seen alone, over the list.
    pub(crate) streams: bool,
    /// The changes of an agent, over the list.
    pub(crate) diff: Option<Diff>,
    /// The form of a new agent, over all of it.
    pub(crate) form: Option<Form>,
    /// The agent that the cursor goes to as soon as it is in the list.
    pub(super) wanted: Option<String>,
    /// What was asked for by an id that is not in the list as it was read last: it waits for the next one.
    pub(super) asked: Option<(Action, String)>,
}

impl Agents {
    /// Whether a time is shown that changes with every second: that of one that runs.
    pub(crate) fn ticks(&self) -> bool {
        self.rows.iter().any(Row::lives)
    }

    /// Those who lead others.
    pub(crate) fn has_any(&self) -> bool {
        !self.registered.is_empty() || self.rows.iter().any(|row| matches!(row.origin, Origin::Run(_)))
    }
}
