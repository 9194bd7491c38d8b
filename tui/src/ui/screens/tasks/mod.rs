//! Screen 3: tasks, in five lists: ready, in progress, blocked (why), closed, and other (why). It holds a window of pages, never a
//! whole list; the task under the cursor is read for the pane beside it.

mod at_work;
mod audit_words;
mod commands;
mod deeds;
pub(crate) mod filter;
mod model;
mod pane;
mod row;
pub(crate) mod task_words;
pub(crate) mod tree;
mod update;
pub(crate) mod view;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use self::at_work::AtWork;
pub(crate) use self::audit_words::change;
pub(crate) use self::commands::{command, is_about_tasks};
pub(crate) use self::deeds::{completed, deed, depend_on, written};
pub(crate) use self::filter::Filter;
pub(crate) use self::model::{Counts, Tasks, Which};
#[cfg(test)]
pub(crate) use self::row::{Comment, Neighbour, Node};
pub(crate) use self::row::{Detail, Row, Whole};
pub(crate) use self::update::{act, apply_filter, key_in_filter, refresh, selected, tick};
pub(crate) use self::window::{arrived, keep_in_sight, task_arrived};
