//! Screen 1a: one run, its outputs, its synthesis and its attempts.

mod diff;
mod model;
mod text;
mod timeline;
mod update;
mod verdict;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::Run;
pub(crate) use self::update::{act, arrived, keep_in_sight, key_in_search, open};
