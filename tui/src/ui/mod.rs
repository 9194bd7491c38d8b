//! The terminal UI.
//!
//! Its core is pure: [`update::update`] takes the model and a message, changes the model and returns effects as
//! data; [`render`] draws the model and keeps nothing. Neither does I/O nor asks the time, so both can be tested
//! with any sequence of messages at any size. Threads do the rest: [`event_loop`] owns the terminal, `input` and
//! `signals` turn what comes from outside into messages, and [`runner`] owns the database handles, carries
//! out effects and watches the file. The database is the truth; the model is a projection that is read again
//! when the file changes.

mod answers;
mod at_work;
mod commands;
mod document;
mod driving;
mod effect;
mod event_loop;
mod field;
pub(crate) mod filter;
mod filter_words;
#[cfg(test)]
mod fixture;
mod fuzzy;
mod input;
pub(crate) mod json_tree;
mod keymap;
mod keys;
mod list;
mod list_pane;
mod live;
mod message;
mod model;
mod osc52;
mod overlay;
mod pointer;
mod problem;
mod render;
mod runner;
pub(crate) mod screens;
pub(crate) mod shell;
mod terminal;
mod theme;
mod update;
mod voted;

pub(crate) use event_loop::{Wanted, refuse_without_terminal, run};
pub(crate) use keymap::manual as keys_manual;
