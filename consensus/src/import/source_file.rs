//! The file that is imported: what it is, and that it is left as it was.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use conclave_db::{Db, DbError, ErrorKind, FileIdentity, Source};
use sha2::{Digest, Sha256};

use crate::error::{ConsensusError, Result};
use crate::store::shape::{self, Contents};

/// A file that may be imported.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) contents: Contents,
    pub(crate) sha256: String,
    mark: Mark,
}

/// What tells, without opening it, that a file is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    identity: (u64, u64),
    pub(crate) bytes: u64,
    changed: (i64, i64),
}

impl SourceFile {
    /// Looks at the file and refuses what cannot be imported; the file is not touched and closed again.
    pub(crate) fn inspect(db: &Db, path: &Path) -> Result<Self> {
        let state = FileIdentity::of(db.path())?;
        if state.is_some() && FileIdentity::of(path).map_err(ConsensusError::Source)? == state {
            return Err(ConsensusError::SourceIsState { path: path.to_path_buf() });
        }
        let (path, contents) = contents_of(path)?;
        // The database is closed: reading the file by other means drops nobody's locks in this process.
        let mark = Mark::of(&path)?;
        let sha256 = sha256(&path)?;
        Ok(Self { path, contents, sha256, mark })
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.mark.bytes
    }

    /// The path as it is kept. Two paths are two names, also where they are no UTF-8.
    pub(crate) fn name(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        self.path.to_str().map_or_else(
            || format!("bytes:{}", self.path.as_os_str().as_bytes().escape_ascii()),
            ToOwned::to_owned,
        )
    }

    /// Refuses to call an import complete whose source was written while it was read without locks.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        if Mark::of(&self.path)? == self.mark {
            Ok(())
        } else {
            Err(ConsensusError::SourceChanged { path: self.path.clone() })
        }
    }
}

/// What the file holds, with its path resolved; refuses what cannot be imported. Closed again when this returns.
pub(crate) fn contents_of(path: &Path) -> Result<(PathBuf, Contents)> {
    let (path, found) = {
        let source = Source::open(path).map_err(ConsensusError::Source)?;
        let found = source.read(|conn| {
            let encoding: String = conn.pragma("encoding")?;
            if encoding != "UTF-8" {
                return Ok(Err(format!("its text is {encoding}, not UTF-8")));
            }
            shape::contents(conn, "main")
        });
        let found = found.map_err(|error| match error {
            ConsensusError::Storage(error) => ConsensusError::Source(named(error, source.path())),
            other => other,
        })?;
        (source.path().to_path_buf(), found)
    };
    let contents = found.map_err(|what| ConsensusError::SourceRefused { path: path.clone(), what })?;
    Ok((path, contents))
}

/// Puts the file's name to what SQLite said of it.
fn named(error: DbError, path: &Path) -> DbError {
    match error {
        DbError::Sqlite { kind, text, .. } => DbError::file(kind, path, text),
        other => other,
    }
}

/// A connection that has two files open does not say which of them is damaged. This looks at the source, which
/// alone is read again: what is wrong with it is not to be mended in the project, and the other way round.
pub(super) fn whose(error: ConsensusError, db: &Db, source: &Path) -> ConsensusError {
    let error = match error {
        ConsensusError::Storage(error) => error,
        other => return other,
    };
    if let DbError::File { path, .. } = &error
        && path == source
    {
        return ConsensusError::Source(error);
    }
    if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NotADatabase | ErrorKind::Io) {
        return ConsensusError::Storage(error);
    }
    match Source::damage(source) {
        Ok(None) => ConsensusError::Storage(named(error, db.path())),
        Ok(Some(what)) => {
            let text = format!("{error} ({what})");
            ConsensusError::Source(DbError::file(ErrorKind::Corrupt, source, text))
        }
        // Not even that can be read.
        Err(_) => ConsensusError::Source(named(error, source)),
    }
}

impl Mark {
    fn of(path: &Path) -> Result<Self> {
        let found =
            std::fs::metadata(path).map_err(|error| ConsensusError::io(path.display().to_string(), error))?;
        Ok(Self {
            identity: (found.dev(), found.ino()),
            bytes: found.len(),
            changed: (found.mtime(), found.mtime_nsec()),
        })
    }
}

fn sha256(path: &Path) -> Result<String> {
    let failed = |error| ConsensusError::io(format!("read {}", path.display()), error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    let mut text = String::with_capacity(64);
    for byte in hasher.finalize() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('?'));
        }
    }
    Ok(text)
}
