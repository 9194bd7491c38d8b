//! Words for a shell.

/// One word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./,#=+@:".contains(character);
    if !text.is_empty() && !text.starts_with('-') && !text.starts_with('#') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The words of a line as a shell takes them apart: at spaces, but inside of quotes; a backslash takes the next
/// character as it is. Nothing else means anything. The error says what is wrong.
pub(crate) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '\\') => {
                let next = characters.next().ok_or("a backslash stands before nothing")?;
                word.get_or_insert_default().push(next);
            }
            (Some('"'), '\\') => {
                let next = characters.next().ok_or("a quote is not closed")?;
                if !matches!(next, '"' | '\\' | '$' | '`') {
                    word.get_or_insert_default().push('\\');
                }
                word.get_or_insert_default().push(next);
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{quoted, words};

    #[test]
    fn a_line_is_taken_apart_as_by_a_shell() {
        for (line, wanted) in [
            ("", &[][..]),
            ("  a  b ", &["a", "b"]),
            (r#"claude -p "do it" 'and "this"'"#, &["claude", "-p", "do it", "and \"this\""]),
            (r#"a\ b "\"\n" ''"#, &["a b", "\"\\n", ""]),
            ("x'y'z", &["xyz"]),
        ] {
            assert_eq!(words(line).unwrap(), wanted, "{line}");
            let again = wanted.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
            assert_eq!(words(&again).unwrap(), wanted, "{again}");
        }
        for line in ["it's", "\"a", "a\\", "\"a\\"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, wanted) in [
            ("KIT-900", "KIT-900"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("-x", "'-x'"),
            ("", "''"),
            ("a#1", "a#1"),
        ] {
            assert_eq!(quoted(word), wanted);
        }
    }
}
