//! `:`: the commands of the keymap by name, in the words of the command line.

use ratatui::crossterm::event::KeyCode;

use crate::ui::fuzzy;
use crate::ui::input::Input;
use crate::ui::keymap::{BINDINGS, Binding, Place};
use crate::ui::keys::Key;
use crate::ui::model::{Model, State};

/// Most arguments that are offered.
const OFFERED: usize = 50;

/// The palette.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) place: Place,
    pub(crate) input: Input,
    pub(crate) selected: usize,
}

/// One line that can be chosen.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) binding: &'static Binding,
    /// An argument that is offered.
    pub(crate) argument: Option<String>,
    pub(crate) note: String,
}

/// What Enter means.
pub(crate) enum Choice {
    Run(&'static Binding, String),
    /// The command wants an argument: it is filled in to be completed.
    More(Palette),
    /// It is called so, but would change the state, which may not be.
    ReadOnly,
    /// Nothing is called like this.
    Nothing(String),
}

impl Palette {
    pub(crate) fn new(place: Place) -> Self {
        Self { place, input: Input::default(), selected: 0 }
    }

    /// The lines for what was typed, the best first.
    pub(crate) fn entries(&self, model: &Model) -> Vec<Entry> {
        let typed = without_options(self.input.text().trim_start());
        if let Some((binding, argument)) = split(typed).filter(|(binding, _)| allowed(model, binding)) {
            return arguments(model, binding, argument);
        }
        let mut scored: Vec<(i64, usize, &'static Binding)> = BINDINGS
            .iter()
            .enumerate()
            .filter(|(_, binding)| !binding.command.is_empty() && allowed(model, binding))
            .filter_map(|(at, binding)| {
                let here = i64::from(binding.place == self.place);
                let score = fuzzy::score(typed, binding.command)
                    .or_else(|| fuzzy::score(typed, binding.help).map(|score| score / 4))?;
                Some((score + here, at, binding))
            })
            .collect();
        scored.sort_by_key(|(score, at, _)| (std::cmp::Reverse(*score), *at));
        scored
            .into_iter()
            .map(|(_, _, binding)| Entry { binding, argument: None, note: binding.help.to_owned() })
            .collect()
    }

    pub(super) fn key(&mut self, model: &Model, key: Key) {
        let entries = self.entries(model);
        match key.code {
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(entries.len().saturating_sub(1)),
            KeyCode::Tab => {
                // What is typed as a whole is completed to what else it may mean.
                let is_typed = |entry: &&Entry| completed(entry) == self.input.text().trim();
                let chosen = entries.get(self.selected).filter(|entry| !is_typed(entry));
                if let Some(entry) = chosen.or_else(|| entries.iter().find(|entry| !is_typed(entry))) {
                    self.input = Input::new(&completed(entry));
                    self.selected = 0;
                }
            }
            _ => {
                if self.input.key(key) {
                    self.selected = 0;
                }
            }
        }
    }

    /// Whether options were typed that are for the command line alone.
    pub(super) fn has_options(&self) -> bool {
        let typed = self.input.text().trim();
        without_options(typed) != typed
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.input.insert(text);
        self.selected = 0;
    }

    pub(super) fn choose(&self, model: &Model) -> Choice {
        let typed = without_options(self.input.text().trim());
        let entries = self.entries(model);
        let Some(entry) = entries.get(self.selected) else {
            let writes = |binding: &&Binding| {
                let rest = typed.strip_prefix(binding.command).filter(|_| !binding.command.is_empty());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
                    && !binding.is_open(model.setting.read_only)
            };
            if BINDINGS.iter().any(|binding| writes(&binding)) {
                return Choice::ReadOnly;
            }
            return Choice::Nothing(typed.to_owned());
        };
        match (&entry.argument, entry.binding.argument) {
            (Some(argument), _) => Choice::Run(entry.binding, argument.clone()),
            (None, Some(_)) if typed != entry.binding.command => {
                Choice::More(Self { input: Input::new(&completed(entry)), selected: 0, ..self.clone() })
            }
            (None, _) => Choice::Run(entry.binding, String::new()),
        }
    }
}

/// Commands that show a list: the options that they have on the command line mean nothing here.
const LISTS: [&str; 3] = ["task ready", "task blocked", "task list"];

/// What was typed, without the options behind a command that shows a list.
fn without_options(typed: &str) -> &str {
    let lists = LISTS.iter().any(|list| typed.strip_prefix(list).is_some_and(|rest| rest.starts_with(' ')));
    match typed.find(" -") {
        Some(at) if lists => typed[..at].trim_end(),
        _ => typed,
    }
}

fn allowed(model: &Model, binding: &Binding) -> bool {
    let possible = match model.state {
        State::Absent => matches!(binding.place, Place::Welcome | Place::Global),
        State::Failed(_) => matches!(binding.place, Place::Trouble | Place::Global),
        State::Opening | State::Ready => binding.place != Place::Trouble,
    };
    possible && binding.is_open(model.setting.read_only)
}

/// A whole command with something behind it.
fn split(typed: &str) -> Option<(&'static Binding, &str)> {
    BINDINGS.iter().filter(|binding| binding.argument.is_some()).find_map(|binding| {
        let rest = typed.strip_prefix(binding.command)?;
        rest.starts_with(' ').then(|| (binding, rest.trim()))
    })
}

/// What was typed as the argument, and the runs of the list that it may mean.
fn arguments(model: &Model, binding: &'static Binding, typed: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let help = || binding.help.to_owned();
    if binding.argument == Some("TASK") {
        return tasks(model, binding, typed);
    }
    if let Some(names) = match binding.argument {
        Some("AGENT") => Some(agents(model)),
        Some("NAME") => Some(leases(model)),
        Some("HOST") => Some(hosts(model)),
        _ => None,
    } {
        return named(binding, typed, names);
    }
    if binding.argument != Some("RUN") {
        return vec![Entry { binding, argument: Some(typed.to_owned()), note: help() }];
    }
    for run in &model.runs.rows {
        let number = run.id.to_string();
        let text = format!("{number} {} {}", run.spec, run.stage);
        if number.starts_with(typed) || fuzzy::score(typed, &text).is_some() {
            let note = format!("{} {} {}", run.spec, run.stage, run.status);
            entries.push((
                number != typed,
                !number.starts_with(typed),
                Entry { binding, argument: Some(number), note },
            ));
        }
    }
    entries.sort_by_key(|(inexact, other, _)| (*inexact, *other));
    let mut entries: Vec<Entry> = entries.into_iter().map(|(_, _, entry)| entry).take(OFFERED).collect();
    if !typed.is_empty() && entries.first().is_none_or(|entry| entry.argument.as_deref() != Some(typed)) {
        entries.insert(0, Entry { binding, argument: Some(typed.to_owned()), note: help() });
    }
    entries
}

/// The agents that are loaded, each with what it is.
fn agents(model: &Model) -> Vec<(String, String)> {
    let rows = model.agents.rows.iter().filter(|row| row.is_registered());
    rows.map(|row| (row.id.clone(), format!("{} {}", row.type_word, row.cmd))).collect()
}

/// The leases that are loaded, each with who holds it.
fn leases(model: &Model) -> Vec<(String, String)> {
    let holders = |row: &crate::ui::screens::coordination::Row| {
        row.held().map(|grant| grant.holder.clone()).collect::<Vec<_>>().join(", ")
    };
    model.coordination.rows.iter().map(|row| (row.name.clone(), holders(row))).collect()
}

/// The hosts that are loaded, each with how its breaker stands.
fn hosts(model: &Model) -> Vec<(String, String)> {
    let hosts = model.hosts.found.hosts.iter();
    hosts.map(|host| (host.name.clone(), format!("{} {}", host.breaker.state, host.url))).collect()
}

/// What was typed as the argument, and the names that it may mean.
fn named(binding: &'static Binding, typed: &str, names: Vec<(String, String)>) -> Vec<Entry> {
    let matches = |(name, note): &(String, String)| fuzzy::score(typed, &format!("{name} {note}")).is_some();
    let mut found: Vec<(String, String)> = names.into_iter().filter(matches).collect();
    found.sort_by_key(|(name, _)| (name != typed, !name.starts_with(typed)));
    let entry = |(name, note)| Entry { binding, argument: Some(name), note };
    let mut entries: Vec<Entry> = found.into_iter().map(entry).take(OFFERED).collect();
    // What was typed may be one that is not loaded: Enter means that one and no other.
    if !typed.is_empty() && entries.first().is_none_or(|entry| entry.argument.as_deref() != Some(typed)) {
        entries.insert(0, entry((typed.to_owned(), binding.help.to_owned())));
    }
    entries
}

/// What was typed as the argument, and the tasks that are loaded and that it may mean.
fn tasks(model: &Model, binding: &'static Binding, typed: &str) -> Vec<Entry> {
    let open = model.tasks.open.iter().filter_map(|open| open.detail.as_ref()).map(|detail| &detail.row);
    let mut seen = std::collections::HashSet::new();
    let mut entries = Vec::new();
    for row in open.chain(&model.tasks.rows).filter(|row| seen.insert(&row.id)) {
        if row.id.contains(typed) || fuzzy::score(typed, &format!("{} {}", row.id, row.title)).is_some() {
            let entry = Entry { binding, argument: Some(row.id.clone()), note: row.title.clone() };
            entries.push((row.id != typed, !row.id.contains(typed), entry));
        }
    }
    entries.sort_by_key(|(inexact, other, _)| (*inexact, *other));
    let mut entries: Vec<Entry> = entries.into_iter().map(|(_, _, entry)| entry).take(OFFERED).collect();
    // What was typed may be a task that is not loaded, or short for one: Enter means that one and no other.
    if !typed.is_empty() && entries.first().is_none_or(|entry| entry.argument.as_deref() != Some(typed)) {
        let typed = Entry { binding, argument: Some(typed.to_owned()), note: binding.help.to_owned() };
        entries.insert(0, typed);
    }
    entries
}

fn completed(entry: &Entry) -> String {
    match (&entry.argument, entry.binding.argument) {
        (Some(argument), _) => format!("{} {argument}", entry.binding.command),
        (None, Some(_)) => format!("{} ", entry.binding.command),
        (None, None) => entry.binding.command.to_owned(),
    }
}

/// How an entry is written.
pub(crate) fn label(entry: &Entry) -> String {
    match (&entry.argument, entry.binding.argument) {
        (Some(argument), _) => format!("{} {argument}", entry.binding.command),
        (None, Some(name)) => format!("{} {name}", entry.binding.command),
        (None, None) => entry.binding.command.to_owned(),
    }
}
