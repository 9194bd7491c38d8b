//! Screen 1: the list of runs. It holds a window of pages, never the whole list.

mod model;
mod pane;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::Runs;
pub(crate) use self::update::{
    act, apply_filter, arrived, begin, changed, counted, keep_in_sight, key_in_filter, selected, stands,
    to_the_newest,
};
