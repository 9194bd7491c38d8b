//! One open run.

use std::sync::Arc;

use super::model::{Pane, Tab};
use crate::ui::effect::{Effect, Work};
use crate::ui::fixture::{detail, model, press, send};
use crate::ui::message::Msg;

#[test]
fn tabs_go_round_and_panes_change() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["enter", "llll"]);
    assert_eq!(model.run.as_ref().unwrap().tab, Tab::Attempts);
    press(&mut model, 9, &["l", "tab"]);
    let run = model.run.as_ref().unwrap();
    assert_eq!((run.tab, run.pane), (Tab::Verdict, Pane::Text));
    press(&mut model, 9, &["h"]);
    assert_eq!(model.run.as_ref().unwrap().tab, Tab::Attempts);
}

#[test]
fn a_run_that_changes_keeps_the_place_of_what_is_read() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["enter", "right", "tab", "jjj"]);
    let id = model.run.as_ref().unwrap().id;
    let place = model.run.as_ref().unwrap().document.as_ref().unwrap().cursor;
    let mut more = (*detail(id.0)).clone();
    more.outputs.push(more.outputs[1].clone());
    send(&mut model, Msg::Run { id, run: Ok(Some(Arc::new(more))) }, 9);
    let run = model.run.as_ref().unwrap();
    assert_eq!((run.length(), run.document.as_ref().unwrap().cursor), (4, place));
    send(&mut model, Msg::Run { id, run: Ok(None) }, 9);
    assert!(model.run.as_ref().unwrap().gone);
}

#[test]
fn a_search_is_found_while_it_is_typed() {
    let mut model = model((80, 24), 9);
    press(&mut model, 9, &["enter", "right", "enter", "/", "owner", "enter"]);
    let run = model.run.as_ref().unwrap();
    let document = run.document.as_ref().unwrap();
    let here = document.rows(99).find(|(at, _)| *at == document.cursor.selected).unwrap().1;
    assert!(here.text.contains("owner"));
    assert!(run.searching.is_none());
}

#[test]
fn export_is_of_this_run() {
    let mut model = model((80, 24), 9);
    let effects = press(&mut model, 9, &["j", "enter", "e"]);
    let id = model.run.as_ref().unwrap().id;
    assert_eq!(effects, [Effect::Work(Work::Export(vec![id]))]);
}
