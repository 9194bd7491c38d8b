//! One line of text that is being typed.

use ratatui::crossterm::event::KeyCode;

use super::keys::Key;

/// The most characters that a line takes: a paste of a whole file is a mistake.
const LONGEST: usize = 4096;

/// A line with a cursor between its characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Input {
    text: String,
    /// In bytes, always at the start of a character.
    cursor: usize,
    /// Nobody has typed the text: what is typed first takes its place.
    offered: bool,
}

impl Input {
    /// A line that holds `text`, the cursor behind it.
    pub(crate) fn new(text: &str) -> Self {
        let mut input = Self::default();
        input.insert(text);
        input
    }

    /// A line that offers `text`: whatever is typed first stands instead of it.
    pub(crate) fn offering(text: &str) -> Self {
        Self { offered: !text.is_empty(), ..Self::new(text) }
    }

    /// Whether the text is only offered.
    pub(crate) const fn is_offered(&self) -> bool {
        self.offered
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// Types or pastes; line breaks and control characters are left out.
    pub(crate) fn insert(&mut self, text: &str) {
        if std::mem::take(&mut self.offered) {
            self.text.clear();
            self.cursor = 0;
        }
        for character in text.chars().filter(|character| !character.is_control()) {
            if self.text.len() >= LONGEST {
                return;
            }
            self.text.insert(self.cursor, character);
            self.cursor += character.len_utf8();
        }
    }

    /// Edits; gives whether the text or the cursor changed.
    pub(crate) fn key(&mut self, key: Key) -> bool {
        let before = (self.text.len(), self.cursor);
        match (key.code, key.control) {
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => self.remove_from(self.previous()),
            (KeyCode::Delete, _) => {
                let next = self.next();
                self.text.replace_range(self.cursor..next, "");
            }
            (KeyCode::Char('u'), true) => self.remove_from(0),
            (KeyCode::Char('w'), true) => {
                let kept = self.before().trim_end();
                let space = kept.char_indices().rfind(|(_, character)| character.is_whitespace());
                let kept = space.map_or(0, |(at, character)| at + character.len_utf8());
                self.remove_from(kept);
            }
            (KeyCode::Left, _) => self.cursor = self.previous(),
            (KeyCode::Right, _) => self.cursor = self.next(),
            (KeyCode::Home, _) | (KeyCode::Char('a'), true) => self.cursor = 0,
            (KeyCode::End, _) | (KeyCode::Char('e'), true) => self.cursor = self.text.len(),
            _ => match key.typed() {
                Some(character) => self.insert(character.encode_utf8(&mut [0; 4])),
                None => return false,
            },
        }
        // Whoever edits the text has taken it.
        self.offered = false;
        before != (self.text.len(), self.cursor)
    }

    fn remove_from(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    fn previous(&self) -> usize {
        self.before().char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn next(&self) -> usize {
        let rest = self.text.get(self.cursor..).unwrap_or_default();
        self.cursor + rest.chars().next().map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::crossterm::event::KeyCode;

    use super::{Input, Key};

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut input = Input::new("runs export ä");
        input.key(Key::of(KeyCode::Backspace));
        input.key(Key::control('w'));
        assert_eq!(input.text(), "runs ");
        input.key(Key::control('a'));
        input.insert("x\ny");
        assert_eq!((input.text(), input.before()), ("xyruns ", "xy"));
        input.key(Key::of(KeyCode::Delete));
        input.key(Key::control('u'));
        assert_eq!(input.text(), "uns ");
        assert!(!input.key(Key::of(KeyCode::F(1))));
        let mut offered = Input::offering("KIT-40");
        offered.key(Key::char('K'));
        offered.key(Key::char('1'));
        assert_eq!(offered.text(), "K1");
        let mut kept = Input::offering("KIT-40");
        kept.key(Key::of(KeyCode::End));
        kept.insert("1");
        assert_eq!(kept.text(), "KIT-401");
        let mut wide = Input::new("a\u{3000}b");
        wide.key(Key::control('w'));
        assert_eq!(wide.text(), "a\u{3000}");
    }

    proptest! {
        #[test]
        fn no_keys_break_it(text in any::<String>(), keys in prop::collection::vec(0_usize..12, 0..40)) {
            let mut input = Input::new(&text);
            for key in keys {
                let all = [
                    Key::of(KeyCode::Backspace), Key::of(KeyCode::Delete), Key::of(KeyCode::Left),
                    Key::of(KeyCode::Right), Key::of(KeyCode::Home), Key::of(KeyCode::End), Key::char('ä'),
                    Key::char('日'), Key::control('u'), Key::control('w'), Key::char(' '), Key::control('h'),
                ];
                input.key(all[key]);
                prop_assert!(input.text().starts_with(input.before()));
            }
        }
    }
}
