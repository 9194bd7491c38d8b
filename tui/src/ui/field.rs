//! The fields of forms: a line that is typed, and a text that may have several lines.

use ratatui::crossterm::event::KeyCode;
use ratatui::style::Style;
use ratatui::text::Span;

use super::input::Input;
use super::keys::Key;
use super::theme::Theme;
use crate::text::{counted, fit_with, size, visible, width};

/// A text that is typed while it is one line, and written in an editor or pasted where it has several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LongText {
    pub(crate) typed: Input,
    /// A text of several lines; it stands instead of the typed one.
    written: Option<String>,
}

impl LongText {
    /// A field that holds this text.
    pub(crate) fn new(text: &str) -> Self {
        let mut field = Self::default();
        field.edited(text);
        field
    }

    /// The text.
    pub(crate) fn text(&self) -> &str {
        self.written.as_deref().unwrap_or_else(|| self.typed.text())
    }

    /// The editor has ended with this text.
    pub(crate) fn edited(&mut self, text: &str) {
        let text = text.trim_end_matches('\n');
        // What a line cannot hold as it is.
        if text.chars().any(char::is_control) || Input::new(text).text() != text {
            self.written = Some(text.to_owned());
        } else {
            self.written = None;
            self.typed = Input::new(text);
        }
    }

    /// Several lines can be pasted.
    pub(crate) fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.trim_end().contains('\n') {
            self.written = Some(self.text().to_owned() + &text);
        } else {
            self.typed.insert(&text);
        }
    }

    /// A key; gives what to say where it does nothing.
    pub(crate) fn key(&mut self, key: Key) -> Option<&'static str> {
        // What came from the editor is emptied at once or edited there.
        if self.written.is_none() {
            self.typed.key(key);
            return None;
        }
        if (key.code, key.control) == (KeyCode::Char('u'), true) {
            self.written = None;
            return None;
        }
        key.typed().map(|_| "ctrl-o edits the text, ctrl-u empties it")
    }

    /// The field, drawn; `hint` stands where it is empty.
    pub(crate) fn spans(
        &self,
        theme: Theme,
        is_here: bool,
        room: usize,
        hint: &'static str,
    ) -> Vec<Span<'static>> {
        let Some(written) = &self.written else {
            let mut spans = typed(theme, &self.typed, is_here, room);
            if self.typed.is_empty() {
                let hint = if is_here { " ctrl-o: editor" } else { hint };
                spans.push(Span::styled(hint, theme.dim()));
            }
            return spans;
        };
        let first = written.lines().next().unwrap_or_default();
        let all = counted(written.lines().count() as u64, "line", "lines");
        let all = format!(" ({all}, {})", size(written.len() as u64));
        let room = room.saturating_sub(all.len());
        let first = fit_with(&visible(first), room, theme.sign("…", "~")).into_owned();
        vec![Span::raw(first), Span::styled(all, theme.dim())]
    }
}

/// How the name of a field looks.
pub(crate) fn label(theme: Theme, is_here: bool) -> Style {
    if is_here { Theme::strong() } else { theme.dim() }
}

/// The text of a line, with the cursor where it is being typed; its end where it is too long.
pub(crate) fn typed(theme: Theme, input: &Input, is_here: bool, room: usize) -> Vec<Span<'static>> {
    let mark = theme.sign("…", "~");
    if !is_here {
        return vec![Span::raw(fit_with(&visible(input.text()), room, mark).into_owned())];
    }
    if input.is_offered() {
        let text = fit_with(&visible(input.text()), room, mark).into_owned();
        return vec![Span::styled(text, Theme::selected()), Span::styled(" typing replaces it", theme.dim())];
    }
    let after = input.text().get(input.before().len()..).unwrap_or_default();
    let before = visible(input.before()).into_owned();
    let mut kept: &str = &before;
    while !kept.is_empty() && width(kept) + 1 > room {
        let mut characters = kept.chars();
        characters.next();
        kept = characters.as_str();
    }
    let left = room.saturating_sub(width(kept) + 1);
    vec![
        Span::raw(kept.to_owned()),
        Span::styled(theme.sign("▏", "_"), theme.accent()),
        Span::raw(fit_with(&visible(after), left, mark).into_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Key, LongText};

    #[test]
    fn one_line_is_typed_and_several_are_written() {
        let mut field = LongText::new("One");
        field.key(Key::char('!'));
        assert_eq!(field.text(), "One!");
        field.paste("\r\ntwo\r\n");
        assert_eq!(field.text(), "One!\ntwo\n");
        assert!(field.key(Key::char('x')).is_some_and(|said| said.contains("ctrl-o")));
        assert_eq!(field.key(Key::control('u')), None);
        assert_eq!(field.text(), "One!");
        field.edited("a\tb\n");
        assert_eq!(field.text(), "a\tb");
        let longer = "x".repeat(5000);
        assert_eq!(LongText::new(&longer).text(), longer, "nothing is cut off");
    }
}
