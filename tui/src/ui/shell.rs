//! Words for a shell.

/// One word for a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./,#=+@:".contains(character);
    if !text.is_empty() && !text.starts_with('-') && !text.starts_with('#') && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

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
