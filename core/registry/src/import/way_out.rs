//! What to do about a file that cannot be imported, in words that a shell takes.

use std::path::{Path, PathBuf};

use crate::words::quoted;

/// For one whose content is refused: nothing works on it until it is mended or gone.
pub(super) fn of_refused(path: &Path) -> String {
    format!(
        "put it aside with `{}`, or mend it: `conclave migrate import {}` takes it over then",
        aside(path),
        quoted(path)
    )
}

/// The command that puts a file aside under a name that is free.
pub(super) fn aside(path: &Path) -> String {
    format!("mv {} {}", quoted(path), quoted(&free(path, "aside")))
}

/// A name beside the file that nothing has: with the ending, and with a number where there are others.
pub(super) fn free(path: &Path, ending: &str) -> PathBuf {
    names(path, ending).find(|name| name.symlink_metadata().is_err()).unwrap_or_else(|| path.to_path_buf())
}

/// `FILE.ending`, `FILE.ending.1`, …
pub(super) fn names(path: &Path, ending: &str) -> impl Iterator<Item = PathBuf> {
    (0_u32..10_000).map(move |number| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{ending}"));
        if number > 0 {
            name.push(format!(".{number}"));
        }
        PathBuf::from(name)
    })
}
