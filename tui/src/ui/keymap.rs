//! The one table of keys: bindings, footer hints, `?` help, the `:` palette and the manual all come from it.

mod action;
mod place;
mod table;

use std::fmt::Write as _;

pub(crate) use self::action::{Action, When};
pub(crate) use self::place::Place;
pub(crate) use self::table::BINDINGS;
use super::keys::Key;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub(crate) place: Place,
    pub(crate) keys: &'static [Key],
    pub(crate) action: Action,
    /// A word or two for the footer; empty: not in the footer.
    pub(crate) hint: &'static str,
    /// One line for help and the manual.
    pub(crate) help: &'static str,
    /// The words of the palette, as on the command line where it has them; empty: not in the palette.
    pub(crate) command: &'static str,
    /// What the command takes after its words.
    pub(crate) argument: Option<&'static str>,
    /// Whether it changes the state: hidden and refused under `--read-only`.
    pub(crate) writes: bool,
    /// When it does something.
    pub(crate) when: When,
}

const fn bind(
    place: Place,
    keys: &'static [Key],
    action: Action,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        place,
        keys,
        action,
        hint,
        help,
        command: "",
        argument: None,
        writes: false,
        when: When::Always,
    }
}

impl Binding {
    const fn command(mut self, words: &'static str) -> Self {
        self.command = words;
        self
    }

    const fn argument(mut self, name: &'static str) -> Self {
        self.argument = Some(name);
        self
    }

    const fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// Whether it may be used: under `--read-only` nothing that changes the state.
    pub(crate) const fn is_open(&self, read_only: bool) -> bool {
        !self.writes || !read_only
    }

    /// The first key, as the footer writes it.
    pub(crate) fn key_name(&self) -> String {
        self.keys.first().map(|key| key.name()).unwrap_or_default()
    }

    /// Those of its keys that mean it at this place: another binding may be nearer.
    pub(crate) fn key_names_at(&self, place: Place) -> String {
        let means_it = |key: &&Key| find(place, **key).is_some_and(|found| found.action == self.action);
        self.keys.iter().filter(means_it).map(|key| key.name()).collect::<Vec<_>>().join(", ")
    }

    /// All keys, as help and the manual write them.
    pub(crate) fn key_names(&self) -> String {
        self.keys.iter().map(|key| key.name()).collect::<Vec<_>>().join(", ")
    }
}

/// The binding of a key at a place: its own first, then moving, then what holds everywhere.
pub(crate) fn find(place: Place, pressed: Key) -> Option<&'static Binding> {
    [place, Place::Movement, Place::Global].into_iter().find_map(|place| {
        BINDINGS.iter().find(|binding| binding.place == place && binding.keys.contains(&pressed))
    })
}

/// The bindings that count at a place, its own first.
pub(crate) fn at(place: Place) -> impl Iterator<Item = &'static Binding> {
    [place, Place::Movement, Place::Global]
        .into_iter()
        .flat_map(|place| BINDINGS.iter().filter(move |binding| binding.place == place))
}

/// The keys as a section of the manual.
pub(crate) fn manual() -> String {
    let mut text = String::new();
    for place in Place::ALL {
        let _ = writeln!(text, ".SS {}", place.heading());
        for binding in BINDINGS.iter().filter(|binding| binding.place == place && !binding.keys.is_empty()) {
            let _ = writeln!(text, ".TP\n\\fB{}\\fR\n{}", binding.key_names(), binding.help);
        }
    }
    text
}

#[cfg(test)]
mod tests;
