//! Lines that are longer than a terminal is wide.

use unicode_width::UnicodeWidthChar as _;

use super::width;

/// A line cut at blanks into lines of at most `columns` (without: as it is), each but the first behind `hanging`, each
/// with its line feed. A word that is wider than that stays whole: an address that is cut is no address.
pub(crate) fn wrapped(line: &str, columns: Option<usize>, hanging: &str) -> String {
    let mut text = String::with_capacity(line.len() + 1);
    let mut rest = line;
    let mut room = columns.unwrap_or(usize::MAX);
    while let Some(end) = cut(rest, room) {
        text.push_str(rest[..end].trim_end());
        text.push('\n');
        text.push_str(hanging);
        rest = rest[end..].trim_start();
        room = columns.unwrap_or(usize::MAX).saturating_sub(width(hanging));
    }
    text.push_str(rest);
    text.push('\n');
    text
}

/// Where to cut a line: at the last blank that is in reach, else at the first one. `None` where it fits as it is.
fn cut(line: &str, room: usize) -> Option<usize> {
    let begin = line.len() - line.trim_start().len();
    let end = line.trim_end().len();
    let mut blank = None;
    let mut used = 0;
    for (at, character) in line[..end].char_indices() {
        if character == ' ' && at > begin && (used <= room || blank.is_none()) {
            blank = Some(at);
        }
        used += character.width().unwrap_or(0);
        if used > room && blank.is_some() {
            return blank;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_are_cut_at_blanks() {
        for (line, columns, wanted) in [
            ("one two three", None, "one two three\n"),
            ("one two three", Some(13), "one two three\n"),
            ("one two three", Some(9), "one two\n> three\n"),
            ("  one two three", Some(9), "  one two\n> three\n"),
            ("one two   three", Some(9), "one two\n> three\n"),
            ("https://a.b/c-d-e f", Some(5), "https://a.b/c-d-e\n> f\n"),
            ("日本 日本 日本", Some(7), "日本\n> 日本\n> 日本\n"),
            ("one two", Some(0), "one\n> two\n"),
            ("one   ", Some(3), "one   \n"),
            ("", Some(1), "\n"),
        ] {
            assert_eq!(wrapped(line, columns, "> "), wanted, "{line:?} {columns:?}");
        }
    }
}
