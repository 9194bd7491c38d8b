//! How an open run answers to keys.

use std::sync::Arc;

use conclave_consensus::gates::Gate;
use conclave_consensus::runs::{RunDetail, RunId};
use ratatui::crossterm::event::KeyCode;

use super::model::{Pane, Run, Tab};
use super::{diff, text, view};
use crate::ui::document::Document;
use crate::ui::effect::{Effect, Read, Work};
use crate::ui::input::Input;
use crate::ui::keymap::Action;
use crate::ui::keys::Key;
use crate::ui::model::Model;
use crate::ui::problem::Problem;
use crate::ui::update::start_work;

/// Opens a run over the list.
pub(crate) fn open(model: &mut Model, id: RunId) -> Vec<Effect> {
    let detail = model.runs.preview.clone().filter(|detail| detail.summary.id == id);
    // Also where it is known already: what it asks as a quality gate is not.
    let effects = vec![Effect::Read(Read::Run(id))];
    let was_there = detail.is_some() || model.runs.rows.iter().any(|run| run.id == id);
    model.run = Some(Run::new(id, detail, was_there));
    keep_in_sight(model);
    effects
}

/// The run was read.
pub(crate) fn arrived(model: &mut Model, detail: Option<Arc<RunDetail>>) {
    let Some(run) = &mut model.run else { return };
    run.gone = detail.is_none();
    run.was_there |= detail.is_some();
    if run.detail != detail {
        run.detail = detail;
        // The same text keeps its place; another one begins at its top.
        run.made_of = None;
    }
    keep_in_sight(model);
}

/// The questions of the run were read.
pub(crate) fn gate(model: &mut Model, gate: Option<Arc<Gate>>) {
    let Some(run) = &mut model.run else { return };
    if run.gate != gate {
        run.gate = gate;
        run.made_of = None;
    }
    if run.gate.is_none() && run.tab == Tab::Questions {
        to_tab(run, Tab::Verdict);
    } else if let Some(tab) = run.wanted.take().filter(|_| run.gate.is_some()) {
        to_tab(run, tab);
    }
    keep_in_sight(model);
}

/// Goes to a tab; to that of the questions as soon as there are any.
pub(crate) fn go_to(model: &mut Model, tab: Tab) {
    let Some(run) = &mut model.run else { return };
    if tab == Tab::Questions && run.gate.is_none() {
        run.wanted = Some(tab);
    } else if run.tab != tab {
        to_tab(run, tab);
    }
    keep_in_sight(model);
}

/// Carries out an action of an open run.
pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = isize::try_from(view::height_of_pane(model).max(1)).unwrap_or(1);
    let Some(run) = &mut model.run else { return Vec::new() };
    let in_text = run.zoomed || run.pane == Pane::Text || run.length() == 0;
    let in_diff = run.tab == Tab::Diff;
    match action {
        Action::Up => step(run, in_text, -1),
        Action::Down => step(run, in_text, 1),
        Action::PageUp => step(run, in_text, -page),
        Action::PageDown => step(run, in_text, page),
        Action::Top => step(run, in_text, isize::MIN),
        Action::Bottom => step(run, in_text, isize::MAX),
        Action::NextTab => turn(run, 1),
        Action::PreviousTab => turn(run, run.tabs().count().saturating_sub(1)),
        Action::NextPane => run.pane = if run.pane == Pane::List { Pane::Text } else { Pane::List },
        Action::Enter if run.document.is_some() => run.zoomed = true,
        Action::Back if run.zoomed => run.zoomed = false,
        Action::Back => {
            model.run = None;
            return Vec::new();
        }
        Action::Diff if in_diff => diff::next_pair(run),
        Action::Diff => to_tab(run, Tab::Diff),
        Action::NextMatch | Action::PreviousMatch if in_diff => {
            let forward = action == Action::NextMatch;
            if !run.compared.as_mut().is_some_and(|compared| compared.change(forward)) {
                model.say("no more differences that way");
            }
        }
        Action::Filter if run.document.is_some() => run.searching = Some(Input::default()),
        Action::Fold => with_document(run, Document::toggle_fold),
        Action::FoldAll => with_document(run, Document::toggle_all),
        Action::Raw => with_document(run, Document::toggle_raw),
        Action::NextMatch | Action::PreviousMatch => {
            let found = run.document.as_mut().is_some_and(|text| text.find_next(action == Action::NextMatch));
            if !found {
                model.say("no match");
            }
        }
        Action::Copy => return copy(run),
        Action::Export => {
            let id = run.id;
            return start_work(model, Work::Export(vec![id]));
        }
        _ => {}
    }
    keep_in_sight(model);
    Vec::new()
}

fn with_document(run: &mut Run, change: impl FnOnce(&mut Document)) {
    if let Some(document) = &mut run.document {
        change(document);
    }
}

fn step(run: &mut Run, in_text: bool, by: isize) {
    if run.tab == Tab::Diff {
        if let Some(compared) = &mut run.compared {
            compared.step(by);
        }
    } else if in_text {
        with_document(run, |document| {
            let length = document.len();
            document.cursor.step(by, length);
        });
    } else {
        let length = run.length();
        run.cursor().step(by, length);
    }
}

fn turn(run: &mut Run, by: usize) {
    let tabs: Vec<Tab> = run.tabs().map(|(.., tab)| tab).collect();
    let at = tabs.iter().position(|tab| *tab == run.tab).unwrap_or(0);
    if let Some(tab) = tabs.get((at + by) % tabs.len().max(1)) {
        to_tab(run, *tab);
    }
}

fn to_tab(run: &mut Run, tab: Tab) {
    run.tab = tab;
    run.pane = Pane::List;
    run.zoomed = false;
}

fn copy(run: &Run) -> Vec<Effect> {
    let text = match run.tab {
        Tab::Outputs => {
            run.output().map(|output| (output.content.clone(), format!("the answer of {}", output.agent)))
        }
        Tab::Diff => run.compared.as_ref().map(|compared| (compared.text(), "the comparison".to_owned())),
        Tab::Questions | Tab::Verdict | Tab::Synthesis | Tab::Attempts => {
            run.document.as_ref().map(|document| (document.text().to_owned(), "the text".to_owned()))
        }
    };
    text.map(|(text, what)| Effect::Copy { text, what }).into_iter().collect()
}

/// A key while the search is being typed: it goes to the first match as the letters come.
pub(crate) fn key_in_search(model: &mut Model, key: Key) {
    let Some(run) = &mut model.run else { return };
    let Some(input) = &mut run.searching else { return };
    let mut found = true;
    match key.code {
        KeyCode::Esc => {
            run.searching = None;
            with_document(run, |document| {
                document.set_search("");
            });
        }
        KeyCode::Enter => run.searching = None,
        _ if input.key(key) => {
            let needle = input.text().to_owned();
            with_document(run, |document| found = document.set_search(&needle));
        }
        _ => {}
    }
    if !found {
        model.complain(Problem { kind: "no-match", text: "no match".to_owned(), hint: None });
    }
    keep_in_sight(model);
}

/// Makes the text that belongs to the cursor, wraps it to the screen, and keeps both cursors in sight.
pub(crate) fn keep_in_sight(model: &mut Model) {
    let Some(run) = &mut model.run else { return };
    let length = run.length();
    let cursor = run.cursor();
    cursor.show(length, usize::MAX);
    let of = (run.tab, if run.length() == 0 { 0 } else { run.cursor().selected });
    if run.made_of != Some(of) {
        let text = text::of(run);
        let same =
            run.document.as_ref().zip(text.as_ref()).is_some_and(|(document, text)| document.text() == text);
        if !same {
            run.document = text.map(|text| Document::new(&text));
        }
        run.made_of = Some(of);
    }
    let list = view::height_of_list(model);
    let (columns, lines) = view::size_of_text(model);
    let whole = view::size_of_diff(model);
    let Some(run) = &mut model.run else { return };
    run.cursor().show(length, list);
    diff::prepare(run, whole.0, whole.1);
    if let Some(document) = &mut run.document {
        document.fit(columns, lines);
    }
}
