//! Names in messages, and in commands that are to be copied into a shell.

use std::path::Path;

/// So many names are told one by one.
const NAMED: usize = 5;

/// A path as one word of a shell.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| {
        letter.is_alphanumeric() || matches!(letter, '/' | '.' | '_' | '-' | '+' | ',' | '@' | ':')
    };
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A path on one line: with escapes where a name has what no line should have.
pub(crate) fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("{:?}", path.as_os_str()),
    }
}

/// "a, b and 3 more"
pub(crate) fn named<'name>(paths: impl ExactSizeIterator<Item = &'name Path>) -> String {
    let more = paths.len().saturating_sub(NAMED);
    let names: Vec<String> = paths.take(NAMED).map(shown).collect();
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use super::{named, quoted, shown};

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(quoted(Path::new("/p/.builders/0031-a_b")), "/p/.builders/0031-a_b");
        assert_eq!(quoted(Path::new("/a b/it's $HOME")), r"'/a b/it'\''s $HOME'");
        assert_eq!(quoted(Path::new("")), "''");
    }

    #[test]
    fn an_odd_name_stays_on_its_line() {
        assert_eq!(shown(Path::new("äö")), "äö");
        assert_eq!(shown(Path::new("a\nb")), r#""a\nb""#);
        assert_eq!(shown(Path::new(OsStr::from_bytes(b"a\xff"))), r#""a\xFF""#);
    }

    #[test]
    fn of_many_names_the_first_are_told() {
        let names: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(Path::new).into();
        assert_eq!(named(names[..2].iter().copied()), "a, b");
        assert_eq!(named(names.iter().copied()), "a, b, c, d, e and 2 more");
    }
}
