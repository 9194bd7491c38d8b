//! Text of others on our lines: what agents write may hold anything, and a terminal obeys what it is sent.

mod wrap;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) use self::wrap::wrapped;

/// The text with everything that a terminal would obey, hide or reorder replaced by a symbol for it.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        push_visible(&mut shown, character);
    }
    Cow::Owned(shown)
}

/// The same for a text of several lines: line feeds stay, tabs become spaces.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|character| character != '\n' && is_unsafe(character)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            '\r' if characters.peek() == Some(&'\n') => {}
            other => push_visible(&mut shown, other),
        }
    }
    Cow::Owned(shown)
}

fn push_visible(shown: &mut String, character: char) {
    let code = u32::from(character);
    match code {
        0..=0x1F => shown.push(char::from_u32(0x2400 + code).unwrap_or('?')),
        0x7F => shown.push('\u{2421}'),
        _ if is_unsafe(character) => {
            shown.push_str("<U+");
            let _ = write!(shown, "{code:04X}");
            shown.push('>');
        }
        _ => shown.push(character),
    }
}

/// Control characters, and the marks that reorder or hide what stands beside them.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
}

/// Columns that the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to `columns`, with `…` where something was left out.
pub(crate) fn fit(text: &str, columns: usize) -> Cow<'_, str> {
    fit_with(text, columns, "…")
}

/// The same with another mark for what was left out.
pub(crate) fn fit_with<'text>(text: &'text str, columns: usize, mark: &str) -> Cow<'text, str> {
    if text.len() <= columns && text.is_ascii() || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mark_width = width(mark);
    if columns < mark_width {
        return Cow::Borrowed("");
    }
    let mut used = 0;
    let mut end = 0;
    for (at, character) in text.char_indices() {
        let wide = character.width().unwrap_or(0);
        if used + wide > columns - mark_width {
            break;
        }
        used += wide;
        end = at + character.len_utf8();
    }
    Cow::Owned(format!("{}{mark}", &text[..end]))
}

/// Spaces up to `columns`; to the right of the text, or to its left.
pub(crate) fn pad(text: &str, columns: usize, right_aligned: bool) -> String {
    let missing = " ".repeat(columns.saturating_sub(width(text)));
    if right_aligned { missing + text } else { text.to_owned() + &missing }
}

/// A size: `512 B`, `1.4 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut whole = bytes;
    while whole >= 1024 * 1024 && unit + 1 < UNITS.len() {
        whole /= 1024;
        unit += 1;
    }
    // Tenths without floating point: the largest sizes would lose digits.
    let tenths = whole * 10 / 1024;
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A count with its thousands apart: `2,259`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 run`, `2 runs`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
