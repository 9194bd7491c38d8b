//! One task on a page of its own: all its texts, what it depends on and what depends on it, comments, attempts, and
//! everything that has happened to it. From its trees one goes on to other tasks, and back.

mod model;
mod page;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::Open;
pub(crate) use self::update::{act, arrived, ask_again, fit, open};
