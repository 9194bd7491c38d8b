//! Lines that are no events, kept beside the segments that cannot be read:
//! `_quarantine/<monitor>/<file>.rej.ndjson`, one object a line with `line` (its physical number), `reason`, `detail` and
//! `raw`, or `raw_base64` where it is no UTF-8. Of a line that is longer than 64 KiB only the beginning is kept, and `bytes`
//! says how long it is.
//!
//! They are no part of what the quota counts, so they have a bound of their own: all of them together an eighth of it, and
//! never what is to stay free on the disk. A segment with a line that is not kept whole goes to quarantine itself, so that
//! nothing is lost.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::OFlags;

use crate::error::{Result, SpoolError};
use crate::event::Refused;
use crate::layout::{Layout, REJECTS, ensure_folder, rename_new, shown};
use crate::monitor::MonitorName;
use crate::spool::Spool;

/// So much of a line is kept.
const MOST_RAW: usize = 64 << 10;
/// How many names are tried for what was rejected.
const TRIES: u32 = 1_000;

#[derive(serde::Serialize)]
struct Reject<'l> {
    line: u64,
    reason: &'static str,
    detail: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

/// The rejects of one file. Nothing is made before the first.
#[derive(Debug)]
pub(super) struct Rejects<'r> {
    spool: &'r Spool,
    monitor: &'r MonitorName,
    name: &'r str,
    /// Beside its place until the import has ended: one that is begun again begins it again.
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
    /// Bytes that there still is room for.
    room: u64,
    /// Lines that are not kept whole, and the first of them that is not kept at all.
    cut: u64,
    missing: Option<(u64, u64)>,
}

impl<'r> Rejects<'r> {
    pub(super) fn of(spool: &'r Spool, monitor: &'r MonitorName, name: &'r str) -> Self {
        let temporary = temporary(spool.layout(), monitor, name);
        Self { spool, monitor, name, temporary, file: None, count: 0, room: 0, cut: 0, missing: None }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Whether each of them is kept as it is.
    pub(super) const fn are_whole(&self) -> bool {
        self.cut == 0 && self.missing.is_none()
    }

    /// Adds a line; `is_cut` where it was longer than what is given here.
    pub(super) fn add(&mut self, line: u64, raw: &[u8], is_cut: bool, refused: &Refused) -> Result<()> {
        if self.count == 0 {
            self.begin()?;
        }
        self.count += 1;
        self.cut += u64::from(is_cut || raw.len() > MOST_RAW);
        if let Some((_, more)) = &mut self.missing {
            *more += 1;
            return Ok(());
        }
        let entry = entry(line, raw, refused).map_err(|error| self.failed(error))?;
        let Some(room) = self.room.checked_sub(entry.len() as u64) else {
            self.missing = Some((line, 1));
            return Ok(());
        };
        self.room = room;
        self.write(&entry)
    }

    fn begin(&mut self) -> Result<()> {
        ensure_folder(self.spool.layout(), &self.spool.layout().quarantine(self.monitor))?;
        let made = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.temporary)
            .map_err(|error| self.failed(error))?;
        self.file = Some(BufWriter::new(made));
        let limits = &self.spool.options().limits;
        let share = (limits.quota_mb() << 20) / 8;
        self.room = share.saturating_sub(self.spool.layout().rejected_bytes()?);
        let shared = self.spool.shared();
        // A disk that says nothing says so when it is full.
        if let Ok((free, all)) = shared.disk.room(self.spool.layout().root()) {
            self.room = self.room.min(free.saturating_sub(limits.keep_free(all)));
        }
        Ok(())
    }

    fn write(&mut self, entry: &[u8]) -> Result<()> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(entry));
        written.map_err(|error| self.failed(error))
    }

    /// Makes them durable, where [`give_name`] takes them from.
    pub(super) fn keep(mut self) -> Result<()> {
        if let Some((line, more)) = self.missing {
            let detail =
                format!("{more} rejected lines from here on are kept in the segment alone, for want of room");
            let refused = Refused { reason: "not_kept", detail };
            let entry = entry(line, b"", &refused).map_err(|error| self.failed(error))?;
            self.write(&entry)?;
        }
        let Some(file) = self.file.take() else {
            // What an import of another file of this name left is not of this one.
            return match std::fs::remove_file(&self.temporary) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(error)),
                _ => Ok(()),
            };
        };
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| crate::layout::sync_folder_of(&self.temporary))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> SpoolError {
        failed(self.monitor, self.name, &self.temporary, error)
    }
}

impl Drop for Rejects<'_> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Begun again by the next import, which writes over it where this fails.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

fn entry(line: u64, raw: &[u8], refused: &Refused) -> std::io::Result<Vec<u8>> {
    let (text, kept) = match std::str::from_utf8(raw) {
        Ok(text) => {
            let kept = text.get(..text.floor_char_boundary(MOST_RAW)).unwrap_or(text);
            (Some(kept), kept.as_bytes())
        }
        Err(_) => (None, raw.get(..MOST_RAW).unwrap_or(raw)),
    };
    let reject = Reject {
        line,
        reason: refused.reason,
        detail: &refused.detail,
        raw: text,
        raw_base64: text.is_none().then(|| STANDARD.encode(kept)),
        bytes: (kept.len() < raw.len()).then_some(raw.len() as u64),
    };
    let mut entry = serde_json::to_vec(&reject)?;
    entry.push(b'\n');
    Ok(entry)
}

fn temporary(layout: &Layout, monitor: &MonitorName, file: &str) -> PathBuf {
    layout.quarantine(monitor).join(format!(".{file}{REJECTS}.new"))
}

fn failed(monitor: &MonitorName, file: &str, at: &Path, error: std::io::Error) -> SpoolError {
    SpoolError::io(format!("keep the rejects of {}", shown(monitor, file)), at.to_path_buf(), error)
}

/// Gives what was kept of `file` the name of the file that it will be. Rejects that have that name already, of a segment
/// that is gone since, stay as they are: these get a number. Nothing happens where nothing was rejected, or an earlier
/// attempt came so far.
pub(super) fn give_name(layout: &Layout, monitor: &MonitorName, file: &str, name: &str) -> Result<()> {
    let from = temporary(layout, monitor, file);
    for number in 1..=TRIES {
        let to = match number {
            1 => format!("{name}{REJECTS}"),
            number => format!("{name}.{number}{REJECTS}"),
        };
        match rename_new(&from, &from.with_file_name(to)) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(monitor, name, &from, error)),
        }
    }
    Err(failed(monitor, name, &from, ErrorKind::AlreadyExists.into()))
}
