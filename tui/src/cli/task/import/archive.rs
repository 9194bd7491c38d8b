//! The file's new name, when all of it is durable: `FILE.backup`, or the first name after it that is free.

use std::ffi::OsString;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};

use conclave_tasks::exchange::{self, Limits, Lines};

use crate::failure::{Doing, Failure};

/// Names that are tried.
const NAMES: u32 = 10_000;

/// What was read of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    sha256: [u8; 32],
    bytes: u64,
}

impl Seen {
    pub(super) fn of(lines: &Lines) -> Self {
        Self { sha256: lines.sha256, bytes: lines.bytes }
    }
}

/// Renames the file; gives its new name. One that has changed since it was read stays: it holds what is not
/// imported.
pub(super) fn archive(file: &Path, seen: Seen, limits: Limits) -> Result<PathBuf, Failure> {
    let again = exchange::read_file(file, limits).doing("archive")?;
    if Seen::of(&again) != seen {
        return Err(Failure::new(
            crate::failure::Exit::StateSaysNo,
            "refused",
            format!("archive: {} has changed since it was read; what was read is imported", file.display()),
        )
        .hint("import it again"));
    }
    rename(file).map_err(|error| {
        Failure::io(format!("archive: rename {}", file.display()), &error)
            .hint("everything in it is imported")
    })
}

fn rename(file: &Path) -> IoResult<PathBuf> {
    for number in 0..NAMES {
        let name = numbered(file, number);
        match take_name(file, &name) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(()) => {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
                std::fs::File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()?;
                return Ok(name);
            }
        }
    }
    Err(Error::new(ErrorKind::AlreadyExists, "no name is free"))
}

fn numbered(file: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".backup");
    if number > 0 {
        name.push(format!(".{number}"));
    }
    PathBuf::from(name)
}

/// A link can only be made where nothing is, which a rename does not promise.
fn take_name(file: &Path, name: &Path) -> IoResult<()> {
    match std::fs::hard_link(file, name) {
        Ok(()) => std::fs::remove_file(file),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        // A file system without links.
        Err(_) if name.symlink_metadata().is_err() => std::fs::rename(file, name),
        Err(_) => Err(Error::from(ErrorKind::AlreadyExists)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use conclave_tasks::exchange::{Limits, read_file};

    use super::{Seen, archive, rename};

    #[test]
    fn a_file_that_has_changed_since_it_was_read_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.jsonl");
        fs::write(&file, "{\"id\":\"t-1\"}\n").unwrap();
        let seen = Seen::of(&read_file(&file, Limits::default()).unwrap());
        fs::write(&file, "{\"id\":\"t-2\"}\n").unwrap();
        let failure = archive(&file, seen, Limits::default()).unwrap_err();
        assert_eq!(failure.exit, crate::failure::Exit::StateSaysNo);
        assert!(failure.message.contains("has changed"), "{}", failure.message);
        assert!(file.exists() && !dir.path().join("a.jsonl.backup").exists());
    }

    #[test]
    fn a_name_that_is_taken_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.jsonl");
        for wanted in ["a.jsonl.backup", "a.jsonl.backup.1", "a.jsonl.backup.2"] {
            fs::write(&file, wanted).unwrap();
            assert_eq!(rename(&file).unwrap(), dir.path().join(wanted));
            assert!(!file.exists());
        }
        for name in ["a.jsonl.backup", "a.jsonl.backup.1", "a.jsonl.backup.2"] {
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), name);
        }
    }
}
