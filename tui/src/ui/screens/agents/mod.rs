//! Screen 2: agents. Those of the registry, and the child processes of the runs that are driven from here; the end of
//! the log of the one under the cursor, which follows what is written.

mod commands;
mod deeds;
pub(crate) mod diff;
pub(crate) mod filter;
pub(crate) mod log;
mod model;
mod pane;
mod row;
pub(crate) mod stream;
mod update;
pub(crate) mod view;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use self::commands::{command, is_about_agents};
pub(crate) use self::deeds::worked;
pub(crate) use self::log::{At, LogAsk, LogPage, LogRead, Position};
pub(crate) use self::model::Agents;
#[cfg(test)]
pub(crate) use self::row::{Ended, Origin};
pub(crate) use self::row::{Row, Who};
pub(crate) use self::update::{
    act, apply_filter, arrived, go_to, keep_in_sight, key_in_filter, live_changed, log_arrived, log_grew,
    refresh, selected, tick,
};
pub(crate) use self::words::{pid_in_brackets, state};
