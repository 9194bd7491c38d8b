//! The form that starts a run. It shows the same run as a command line.

mod command;
mod model;
mod update;
pub(crate) mod view;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use self::tests::choices;

pub(crate) use self::model::{Asked, Choice, Form};
pub(crate) use self::update::{edited, key, open, paste, roster};
