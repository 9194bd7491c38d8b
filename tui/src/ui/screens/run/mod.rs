//! Screen 1a: one run, its outputs, its synthesis and its attempts.

mod diff;
mod model;
mod questions;
mod text;
mod timeline;
mod update;
mod verdict;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::{Run, Tab};
pub(crate) use self::update::{act, arrived, gate, go_to, keep_in_sight, key_in_search, open};
