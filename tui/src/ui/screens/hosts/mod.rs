//! Screen 5: the hosts of models, how they stand for all processes, their calls; a question asked from here.

mod answer;
mod answer_page;
mod calls;
mod commands;
mod deeds;
mod form;
mod form_page;
mod model;
mod pane;
mod update;
pub(crate) mod view;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use self::answer::{Piece, Reply, arrived as answer_arrived};
pub(crate) use self::answer_page::draw as draw_answer;
pub(crate) use self::calls::{MOST, arrived as calls_arrived, clicked as clicked_call, draw as draw_calls};
pub(crate) use self::commands::{command, go_to, is_about_hosts};
pub(crate) use self::deeds::{Deed, DeedKind, done, start};
pub(crate) use self::form::{Asked, edited, key as key_in_form, paste as paste_in_form};
pub(crate) use self::form_page::draw as draw_form;
pub(crate) use self::model::{Budget, Found, Hosts};
pub(crate) use self::update::{act, arrived, forget, keep_in_sight, read_again, refresh_all, selected, tick};
