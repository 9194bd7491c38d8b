//! The form of a new task, and of a change of one. A new one is shown as a command line too.

mod command;
mod model;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;

pub(crate) use self::model::Form;
pub(crate) use self::update::{edited, key, open_edit, open_new, paste};
