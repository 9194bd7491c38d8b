//! Which segments the state knows of: a finalised segment enters `written` once, when it is catalogued, by its own writer
//! or by whoever sees it first.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use conclave_db::{Db, ErrorKind};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use crate::error::{Result, SpoolError};
use crate::frame::tally;
use crate::layout::{Found, shown};
use crate::monitor::MonitorName;
use crate::store::segments::{self, Segment, State};

/// How long a writer waits for the state before it leaves a segment to the next import.
const PATIENCE: Duration = Duration::from_millis(250);

/// A segment that is to be catalogued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) monitor: MonitorName,
    pub(crate) file: String,
    /// Compressed.
    pub(crate) bytes: u64,
    /// Lines as its writer counted them, or as they were counted when it was first seen.
    pub(crate) lines: u64,
}

/// Catalogues a segment that its writer has just finalised, where the state can be written within 250 ms; otherwise the
/// next import does. Once per segment, however often it is called. A state that cannot be written is no error: until the
/// segment is catalogued it is counted as it lies.
pub(crate) fn note(state: &Db, entry: &Entry) -> Result<()> {
    if state.is_read_only() {
        return Ok(());
    }
    let Entry { monitor, file, bytes, lines } = entry.clone();
    let shown = shown(&monitor, &file);
    let noted = state
        .writing("note a segment")
        .deadline(PATIENCE)
        .run(move |tx| -> Result<bool> { segments::add(tx, monitor.as_str(), &file, bytes, lines) });
    match noted {
        Ok(_) => Ok(()),
        Err(SpoolError::Storage(error)) => {
            tracing::debug!(segment = shown, error = %error, "left to the next import");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// What the catalogue says of a file that is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<'r> {
    /// It waits. Its size may be another one than in its row, when it is damaged.
    Pending(&'r Segment),
    /// Its import has ended, but it was not moved yet.
    Settled(&'r Segment),
    /// It is not in the catalogue.
    New,
    /// It is not, but another one of its name and size is.
    Clash,
}

/// Looks a file up among the rows of its monitor (or of its name).
pub(crate) fn look<'r>(rows: &'r [Segment], found: &Found) -> Result<Known<'r>> {
    let mut named = rows.iter().filter(|row| row.file == found.file);
    if let Some(exact) = named.clone().find(|row| row.bytes == found.bytes) {
        if exact.state == State::Pending {
            return Ok(Known::Pending(exact));
        }
        let digest = digest(&found.path)
            .map_err(|error| SpoolError::io(format!("read {}", exact.shown()), found.path.clone(), error))?;
        return Ok(if Some(digest) == exact.digest { Known::Settled(exact) } else { Known::Clash });
    }
    Ok(named.find(|row| row.state == State::Pending).map_or(Known::New, Known::Pending))
}

impl Segment {
    /// It, for messages.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{}", self.monitor, self.file)
    }
}

/// Opens a file of the spool to be read; a link is not followed.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
}

/// What tells a file from all others, also from those of its name and size: eight bytes of a hash over all that it holds and
/// over when that was written last, which no move changes. Two that hold the same are two where they were written at
/// different times, as each has been acknowledged.
pub(crate) fn digest(path: &Path) -> io::Result<i64> {
    let mut file = open(path)?;
    let about = file.metadata()?;
    let mut hash = Sha256::new();
    hash.update(about.mtime().to_le_bytes());
    hash.update(about.mtime_nsec().to_le_bytes());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => hash.update(buffer.get(..bytes).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let hash = hash.finalize();
    Ok(hash.first_chunk().map_or(0, |bytes| i64::from_le_bytes(*bytes)))
}

/// How many lines can be read out of a pending file: as far as is seen without inflating members of ours, or with
/// `inflate` for certain. A file that is gone meanwhile is `None`.
pub(crate) fn lines_in(monitor: &MonitorName, found: &Found, inflate: bool) -> Result<Option<u64>> {
    let failed =
        |error| SpoolError::io(format!("read {}", shown(monitor, &found.file)), found.path.clone(), error);
    let file = match open(&found.path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let counted = tally(&file, inflate).map_err(|error| named(error, monitor, found))?;
    Ok(Some(counted.lines + counted.rest_lines))
}

/// The same failure with the name of the file.
fn named(error: SpoolError, monitor: &MonitorName, found: &Found) -> SpoolError {
    match error {
        SpoolError::Io { source, .. } => {
            SpoolError::io(format!("read {}", shown(monitor, &found.file)), found.path.clone(), source)
        }
        error => error,
    }
}

/// The rows of a monitor.
pub(crate) fn rows(state: &Db, monitor: &MonitorName) -> Result<Vec<Segment>> {
    state.read(|conn| segments::of_monitor(conn, monitor.as_str()))
}

/// Catalogues those of `found` that are not yet, counting their lines: what a header says is not believed, as nobody of us
/// may have written it. One that has the name and size of another one that was imported is left out: it must get another
/// name first. Gives what could not be read: the others are catalogued all the same.
pub(crate) fn note_all(state: &Db, monitor: &MonitorName, found: &[Found]) -> Result<Vec<SpoolError>> {
    let rows = rows(state, monitor)?;
    let mut new = Vec::new();
    let mut resized = Vec::new();
    let mut errors = Vec::new();
    for found in found {
        match look(&rows, found) {
            Ok(Known::New) => match lines_in(monitor, found, true) {
                Ok(Some(lines)) => new.push((found.file.clone(), found.bytes, lines)),
                Ok(None) => {}
                Err(error) => errors.push(error),
            },
            Ok(Known::Pending(row)) if row.bytes != found.bytes => resized.push((row.clone(), found.bytes)),
            // What cannot be looked at is said when its turn comes.
            Ok(Known::Pending(_) | Known::Settled(_) | Known::Clash) | Err(_) => {}
        }
    }
    if new.is_empty() && resized.is_empty() {
        return Ok(errors);
    }
    let monitor = monitor.as_str().to_owned();
    state.writing("catalogue segments").deadline(crate::import::PATIENCE).run(move |tx| {
        for (file, bytes, lines) in &new {
            segments::add(tx, &monitor, file, *bytes, *lines)?;
        }
        for (row, bytes) in &resized {
            segments::adopt(tx, row, *bytes)?;
        }
        Ok::<_, SpoolError>(())
    })?;
    Ok(errors)
}

/// Whether a failure only means that somebody else is writing.
pub(crate) fn is_busy(error: &SpoolError) -> bool {
    let SpoolError::Storage(error) = error else { return false };
    matches!(error.kind(), ErrorKind::Busy | ErrorKind::Snapshot | ErrorKind::PoolExhausted)
}
