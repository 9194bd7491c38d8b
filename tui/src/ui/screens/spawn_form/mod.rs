//! The form that spawns an agent. It shows the same as a command line.

mod command;
mod model;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::{Form, Spawn, What};
pub(crate) use self::update::{key, open, paste};
