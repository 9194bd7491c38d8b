//! What to do about a file that cannot be imported, in words that a shell takes.

use std::path::{Path, PathBuf};

/// For one whose content is refused: nothing works on it until it is mended or gone.
pub(super) fn of_refused(path: &Path) -> String {
    format!(
        "put it aside with `{}`, or mend it: `conclave migrate import {}` takes it over then",
        aside(path),
        word(path)
    )
}

/// The command that puts a file aside under a name that is free.
pub(super) fn aside(path: &Path) -> String {
    format!("mv {} {}", word(path), word(&free(path, "aside")))
}

/// A name beside the file that nothing has: with the ending, or with a number before it.
pub(super) fn free(path: &Path, ending: &str) -> PathBuf {
    names(path, ending).find(|name| name.symlink_metadata().is_err()).unwrap_or_else(|| path.to_path_buf())
}

/// `FILE.ending`, `FILE.1.ending`, …
pub(super) fn names(path: &Path, ending: &str) -> impl Iterator<Item = PathBuf> {
    (0_u32..10_000).map(move |number| {
        let mut name = path.as_os_str().to_owned();
        if number > 0 {
            name.push(format!(".{number}"));
        }
        name.push(format!(".{ending}"));
        PathBuf::from(name)
    })
}

/// The path as one word of a shell.
pub(super) fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@%:,".contains(character);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::word;

    #[test]
    fn a_path_is_one_word() {
        for (path, wanted) in
            [("/a/b.json", "/a/b.json"), ("/a b", "'/a b'"), ("/it's", r"'/it'\''s'"), ("", "''")]
        {
            assert_eq!(word(Path::new(path)), wanted);
        }
    }
}
