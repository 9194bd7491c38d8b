//! The log file of an agent: what it wrote to standard output and standard error.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where a file is full; what was written goes to a second one, `<id>.log.1`, in place of the one before.
pub(super) const FULL: u64 = 16 << 20;

/// A file that is written at its end.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    length: u64,
    full: u64,
}

impl Log {
    /// Opens or makes it, and its folder, for nobody but this user.
    pub(super) fn open(path: &Path, full: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = append(path)?;
        let length = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, length, full })
    }

    /// Writes what came. What cannot be written is lost: nobody is to wait for a disk that is full.
    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let more = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(more) > self.full {
            self.rotate()?;
        }
        self.file.write_all(piece)?;
        self.length = self.length.saturating_add(more);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut older = self.path.clone().into_os_string();
        older.push(".1");
        fs::rename(&self.path, older)?;
        self.file = append(&self.path)?;
        self.length = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_goes_in_place_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agents/a.log");
        let mut log = Log::open(&path, 10).unwrap();
        for piece in ["12345", "6789", "abc", "a line that is longer than the file", "x"] {
            log.write(piece.as_bytes()).unwrap();
        }
        let text = |name: &str| fs::read_to_string(folder.path().join("agents").join(name)).unwrap();
        assert_eq!(
            (text("a.log").as_str(), text("a.log.1").as_str()),
            ("x", "a line that is longer than the file")
        );
        // Opened again it is written at its end, and counts what is there.
        let mut log = Log::open(&path, 10).unwrap();
        log.write(b"yz").unwrap();
        assert_eq!(text("a.log"), "xyz");
        log.write(b"12345678").unwrap();
        assert_eq!((text("a.log").as_str(), text("a.log.1").as_str()), ("12345678", "xyz"));
        assert_eq!(fs::read_dir(folder.path().join("agents")).unwrap().count(), 2);
    }
}
