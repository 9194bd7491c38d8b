//! What in a checkout is not committed.

use std::path::{Path, PathBuf};

use super::git::{self, Git};
use crate::error::Result;

/// One file that differs from the newest commit, or that git does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// It is only missing in the folder: the commit has all that there was.
    pub(super) is_missing: bool,
    /// Git does not know it.
    pub(super) is_new: bool,
}

/// Which files count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// Those that git knows.
    Tracked,
    /// Those that git does not know as well, but for ignored ones.
    AndUntracked,
}

/// All changes of a checkout, by the paths below it.
pub(super) fn of(checkout: &Path, count: Count) -> Result<Vec<Change>> {
    let untracked = match count {
        Count::Tracked => "--untracked-files=no",
        Count::AndUntracked => "--untracked-files=all",
    };
    // Without renames each entry is one name.
    let words = ["status", "--porcelain=v1", "-z", "--no-renames", untracked, "--ignore-submodules=none"];
    let list = Git::at(checkout).run(&words)?;
    let change = |entry: &Path| {
        use std::os::unix::ffi::OsStrExt as _;
        let (code, name) = entry.as_os_str().as_bytes().split_at_checked(3)?;
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(name));
        Some(Change { path, is_missing: code == b" D ", is_new: code == b"?? " })
    };
    Ok(git::paths(&list).filter_map(change).collect())
}

/// Their names, the first ones.
pub(super) fn named(changes: &[Change]) -> String {
    crate::words::named(changes.iter().map(|change| change.path.as_path()))
}
