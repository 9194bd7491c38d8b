//! Keys as data: what a binding asks for and how it is written.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) code: KeyCode,
    pub(crate) control: bool,
}

impl Key {
    /// A character without modifiers.
    pub(crate) const fn char(character: char) -> Self {
        Self { code: KeyCode::Char(character), control: false }
    }

    /// A character with Control.
    pub(crate) const fn control(character: char) -> Self {
        Self { code: KeyCode::Char(character), control: true }
    }

    /// A key that is no character.
    pub(crate) const fn of(code: KeyCode) -> Self {
        Self { code, control: false }
    }

    /// The key of an event. Shift is in the character already; Alt counts as nothing.
    pub(crate) fn pressed(event: &KeyEvent) -> Self {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(character) if control => KeyCode::Char(character.to_ascii_lowercase()),
            KeyCode::BackTab => KeyCode::BackTab,
            code => code,
        };
        Self { code, control }
    }

    /// The character that the key types, if it types one.
    pub(crate) const fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(character) if !self.control => Some(character),
            _ => None,
        }
    }

    /// How the key is written in footers, help and the manual.
    pub(crate) fn name(self) -> String {
        let name = match self.code {
            KeyCode::Char(' ') => "space".to_owned(),
            KeyCode::Char(character) => character.to_string(),
            KeyCode::Enter => "enter".to_owned(),
            KeyCode::Esc => "esc".to_owned(),
            KeyCode::Tab => "tab".to_owned(),
            KeyCode::BackTab => "shift-tab".to_owned(),
            KeyCode::Backspace => "backspace".to_owned(),
            KeyCode::Delete => "delete".to_owned(),
            KeyCode::Up => "up".to_owned(),
            KeyCode::Down => "down".to_owned(),
            KeyCode::Left => "left".to_owned(),
            KeyCode::Right => "right".to_owned(),
            KeyCode::Home => "home".to_owned(),
            KeyCode::End => "end".to_owned(),
            KeyCode::PageUp => "pgup".to_owned(),
            KeyCode::PageDown => "pgdn".to_owned(),
            KeyCode::F(number) => format!("f{number}"),
            other => format!("{other:?}").to_lowercase(),
        };
        if self.control { format!("ctrl-{name}") } else { name }
    }
}
