//! Screen 4: who holds which lease and who waits for it, of this project and of the whole machine; the blocks of ports;
//! the architects.

mod commands;
pub(crate) mod filter;
pub(crate) mod holder;
mod model;
mod pane;
mod row;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::commands::{command, is_about_leases};
pub(crate) use self::model::{Coordination, Found, Ports};
pub(crate) use self::row::Row;
#[cfg(test)]
pub(crate) use self::row::{Grant, Waiter};
pub(crate) use self::update::{
    act, apply_filter, arrived, keep_in_sight, key_in_filter, refresh, selected, tick,
};
