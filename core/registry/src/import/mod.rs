//! Taking over `state.json` and `ports.json` of the original.
//!
//! A file is understood as a whole or not at all: one wrong record, and nothing of it is imported, the file stands as it
//! was, and the message says where it is wrong. Rows and a marker with the file's digest come in ONE transaction; only
//! then the file is copied to a free `.bak` name, made durable and removed. Each of these steps may be the last one of a
//! process: the marker tells the next one that the rows are there, and a copy with the same bytes that it is the copy.
//!
//! A file that comes back afterwards, since the original still runs, is left alone until somebody asks for it.

mod archive;
mod content;
mod json;
mod kind;
mod ports_file;
mod state_file;
mod steps;
mod way_out;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_db::Db;
use sha2::{Digest as _, Sha256};

use self::archive::{Archived, Folder};
use self::content::Content;
pub use self::kind::{Kind, kind_of};
pub(crate) use self::state_file::AgentRow;
pub use self::steps::{Observer, Step};
use crate::error::{RegistryError, Result};
use crate::store::imports;
use crate::words::quoted;

/// Bytes of a file that is read at all: a hundred times what a thousand agents need.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Which of the two the file is.
    pub kind: Kind,
    /// The file.
    #[serde(serialize_with = "as_text")]
    pub source: PathBuf,
    /// Its SHA-256.
    pub sha256: String,
    /// Rows that were made.
    pub rows: u64,
    /// Whether it was there already, and no row was made.
    pub already_present: bool,
    /// Where the file is kept now; `None` where it still stands.
    #[serde(serialize_with = "as_text_or_null")]
    pub kept_as: Option<PathBuf>,
    /// What should be known of the file: keys that were not understood, that it could not be put aside.
    pub warnings: Vec<String>,
}

/// Reads and checks a file without importing it; gives what an import into an empty database would. Writes nothing.
pub fn check(kind: Kind, file: &Path) -> Result<Report> {
    let source = Source::read(kind, file)?;
    let content = Content::of(&source)?;
    Ok(Report { rows: content.rows(), warnings: content.warnings, ..source.report() })
}

/// The same against what is in the database. Writes nothing.
pub fn check_against(db: &Db, kind: Kind, file: &Path) -> Result<Report> {
    let source = Source::read(kind, file)?;
    if source.marker(db)?.is_some() {
        return Ok(Report { already_present: true, ..source.report() });
    }
    let content = Content::of(&source)?;
    db.read(|conn| content.refuse_conflicts(conn, &source.path))?;
    Ok(Report { rows: content.rows(), warnings: content.warnings, ..source.report() })
}

/// Whether a file stands where the original keeps it and waits to be taken over, by the next command that writes. One that
/// is back after its import does not, nor does one that is gone. What keeps it from being imported is the error. Writes
/// nothing.
pub fn waits(db: Option<&Db>, kind: Kind, file: &Path) -> Result<bool> {
    let source = match Source::read(kind, file) {
        Ok(source) => source,
        Err(RegistryError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    if let Some(db) = db
        && !db.read(|conn| imports::of_path(conn, &source.name))?.is_empty()
    {
        return Ok(false);
    }
    let content = Content::of(&source)?;
    db.map_or(Ok(()), |db| db.read(|conn| content.refuse_conflicts(conn, &source.path)))?;
    Ok(true)
}

/// Imports a `state.json` into the project's state: rows and marker in one transaction, then the file is copied to a
/// free `.bak` name, synced and removed. Killed at any step, the next call ends exactly right. Rows and marker survive a
/// power cut when this returns, and so does the copy.
pub fn import_state(state: &Db, file: &Path) -> Result<Report> {
    import(state, Kind::State, file, &Observer::default())
}

/// The same of a `ports.json` into the machine-wide file, as durable.
pub fn import_ports(global: &Db, file: &Path) -> Result<Report> {
    import(global, Kind::Ports, file, &Observer::default())
}

/// The same of either, observed.
pub fn import(db: &Db, kind: Kind, file: &Path, observer: &Observer) -> Result<Report> {
    Source::read(kind, file)?.import(db, observer)
}

/// What a command does that has found the file where the original keeps it: as [`import`], but one that is back after an
/// import is left alone and only warned of. `None` where there is no file and nothing to say.
pub fn take_over(db: &Db, kind: Kind, file: &Path, observer: &Observer) -> Result<Option<Report>> {
    let source = match Source::read(kind, file) {
        Ok(source) => source,
        Err(RegistryError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let markers = db.read(|conn| imports::of_path(conn, &source.name))?;
    let own = markers.iter().find(|marker| marker.sha256 == source.sha256);
    let is_back = match own {
        Some(marker) => marker.archived,
        None => !markers.is_empty(),
    };
    if !is_back {
        return source.import(db, observer).map(Some);
    }
    // The file is removed before its marker says so: what was read before another process did that is not back.
    if matches!(source.path.try_exists(), Ok(false)) {
        return Ok(None);
    }
    let file = quoted(&source.path);
    let warning = match own {
        Some(_) => {
            format!(
                "is back as it was imported, and left alone; `conclave migrate import {file}` puts it aside"
            )
        }
        None => format!(
            "is back with other content after its import, and is not imported: does the original still run? \
             `conclave migrate import {file}` imports it, `{}` puts it aside",
            way_out::aside(&source.path)
        ),
    };
    Ok(Some(Report { warnings: vec![warning], ..source.report() }))
}

/// Notes the end of imports whose process was killed between removing the file and saying so. Writes only where there
/// are any.
pub fn finish(db: &Db) -> Result<()> {
    let gone = |marker: &imports::Marker| matches!(Path::new(&marker.path).try_exists(), Ok(false));
    let mut left = db.read(imports::not_archived)?;
    left.retain(|marker| marker.kept_as.is_some() && gone(marker));
    if left.is_empty() {
        return Ok(());
    }
    db.write("registry: import archived", move |tx| {
        left.iter().try_for_each(|marker| imports::note_archived(tx, &marker.path, &marker.sha256))
    })
}

/// A file that was read.
#[derive(Debug)]
struct Source {
    kind: Kind,
    path: PathBuf,
    /// The path as the marker has it.
    name: String,
    bytes: Vec<u8>,
    sha256: String,
}

/// How many rows these bytes would make, were they such a file.
#[cfg(any(test, fuzzing))]
pub(crate) fn rows_of(kind: Kind, bytes: &[u8]) -> Result<u64> {
    let (path, name, sha256) = (PathBuf::from("a.json"), String::new(), String::new());
    Ok(Content::of(&Source { kind, path, name, bytes: bytes.to_vec(), sha256 })?.rows())
}

impl Source {
    fn read(kind: Kind, file: &Path) -> Result<Self> {
        let path = std::fs::canonicalize(file).map_err(|error| unreadable(file, error))?;
        let bytes = read(&path)?;
        let sha256 = sha256(&bytes);
        Ok(Self { kind, name: path.to_string_lossy().into_owned(), path, bytes, sha256 })
    }

    fn report(&self) -> Report {
        Report {
            kind: self.kind,
            source: self.path.clone(),
            sha256: self.sha256.clone(),
            rows: 0,
            already_present: false,
            kept_as: None,
            warnings: Vec::new(),
        }
    }

    fn marker(&self, db: &Db) -> Result<Option<imports::Marker>> {
        let markers = db.read(|conn| imports::of_path(conn, &self.name))?;
        Ok(markers.into_iter().find(|marker| marker.sha256 == self.sha256))
    }

    fn import(&self, db: &Db, observer: &Observer) -> Result<Report> {
        let mut report = self.report();
        report.already_present = self.marker(db)?.is_some();
        if !report.already_present {
            let content = Content::of(self)?;
            report.warnings.clone_from(&content.warnings);
            observer.at(Step::Read);
            match self.insert(db, content, observer)? {
                Some(rows) => report.rows = rows,
                // Another process was faster.
                None => report.already_present = true,
            }
            observer.at(Step::Committed);
        }
        report.kept_as = self.archive(db, observer, &mut report.warnings)?;
        Ok(report)
    }

    /// Rows and marker, in one transaction; `None` where they were there.
    fn insert(&self, db: &Db, content: Content, observer: &Observer) -> Result<Option<u64>> {
        let (path, name, sha256) = (self.path.clone(), self.name.clone(), self.sha256.clone());
        let (content, observer) = (Arc::new(content), observer.clone());
        db.write("registry: import", move |tx| {
            if imports::of_path(tx, &name)?.iter().any(|marker| marker.sha256 == sha256) {
                return Ok(None);
            }
            content.refuse_conflicts(tx, &path)?;
            let rows = content.insert(tx)?;
            imports::insert(tx, &name, &sha256)?;
            observer.at(Step::Inserted);
            Ok(Some(rows))
        })
    }

    /// Puts the file aside; gives where it is kept. Where that fails the rows are there all the same, and the next call
    /// goes on here.
    fn archive(&self, db: &Db, observer: &Observer, warnings: &mut Vec<String>) -> Result<Option<PathBuf>> {
        match self.put_aside(db, observer)? {
            Ok(Archived::Kept(kept)) => return Ok(Some(kept)),
            Ok(Archived::Gone) => {
                finish(db)?;
                let kept = self.marker(db)?.and_then(|marker| marker.kept_as);
                return Ok(kept.map(PathBuf::from));
            }
            Ok(Archived::Changed) => {
                warnings.push("was changed after it was imported, and is left alone".to_owned());
            }
            Err(error) => warnings.push(format!(
                "is imported, and could not be put aside: {error}; `conclave migrate import {}` tries again",
                quoted(&self.path)
            )),
        }
        Ok(None)
    }

    /// The inner failure is that of the file and its folder, the outer one that of the database.
    fn put_aside(&self, db: &Db, observer: &Observer) -> Result<io::Result<Archived>> {
        let copied = Folder::of(&self.path, &**db.sleeper())
            .and_then(|folder| Ok((folder.copy(&self.path, &self.bytes, observer)?, folder)));
        let (kept, folder) = match copied {
            Ok((Archived::Kept(kept), folder)) => (kept, folder),
            Ok((other, _)) => return Ok(Ok(other)),
            Err(error) => return Ok(Err(error)),
        };
        observer.at(Step::Kept);
        let (name, sha256) = (self.name.clone(), self.sha256.clone());
        let kept_as = kept.to_string_lossy().into_owned();
        db.write("registry: import kept", move |tx| imports::note_kept(tx, &name, &sha256, &kept_as))?;
        observer.at(Step::Noted);
        if let Err(error) = folder.remove(&self.path) {
            return Ok(Err(error));
        }
        observer.at(Step::Removed);
        let (name, sha256) = (self.name.clone(), self.sha256.clone());
        db.write("registry: import archived", move |tx| imports::note_archived(tx, &name, &sha256))?;
        observer.at(Step::Archived);
        Ok(Ok(Archived::Kept(kept)))
    }
}

/// The bytes of a regular file that is not far too large.
fn read(file: &Path) -> Result<Vec<u8>> {
    let bytes = refuse_irregular(file)?;
    if bytes > LARGEST {
        let what = format!("has {bytes} bytes, and {LARGEST} is what is read at most");
        return Err(json::refused(file, what));
    }
    std::fs::read(file).map_err(|error| unreadable(file, error))
}

/// Gives how long the file is. Reading a pipe or a terminal would wait for whoever writes into it.
fn refuse_irregular(file: &Path) -> Result<u64> {
    let found = std::fs::metadata(file).map_err(|error| unreadable(file, error))?;
    if found.is_dir() {
        return Err(unreadable(file, io::ErrorKind::IsADirectory.into()));
    }
    if !found.is_file() {
        return Err(unreadable(file, io::Error::new(io::ErrorKind::InvalidInput, "is no regular file")));
    }
    Ok(found.len())
}

/// A path in JSON, whatever bytes it has.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn as_text_or_null<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => as_text(path, serializer),
        None => serializer.serialize_none(),
    }
}

fn unreadable(file: &Path, error: io::Error) -> RegistryError {
    RegistryError::io(format!("read {}", file.display()), error)
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
