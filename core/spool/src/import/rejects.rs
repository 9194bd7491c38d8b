//! Lines that are no events, kept beside the segments that cannot be read:
//! `_quarantine/<monitor>/<file>.rej.ndjson`, one object a line with `line` (its physical number), `reason`, `detail` and
//! `raw`, or `raw_base64` where it is no UTF-8.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Result, SpoolError};
use crate::event::Refused;
use crate::layout::{Layout, REJECTS, ensure_folder, shown, sync_folder_of};
use crate::monitor::MonitorName;

#[derive(serde::Serialize)]
struct Reject<'l> {
    line: u64,
    reason: &'static str,
    detail: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'l str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

/// The rejects of one file. Nothing is made before the first.
#[derive(Debug)]
pub(super) struct Rejects {
    folder: PathBuf,
    shown: String,
    /// Beside its place until it is whole: an import that is begun again begins it again.
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
    count: u64,
}

impl Rejects {
    pub(super) fn of(layout: &Layout, monitor: &MonitorName, file: &str) -> Self {
        let folder = layout.quarantine(monitor);
        let temporary = folder.join(format!(".{file}{REJECTS}.new"));
        Self { folder, shown: shown(monitor, file), temporary, file: None, count: 0 }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, layout: &Layout, line: u64, raw: &[u8], refused: &Refused) -> Result<()> {
        if self.file.is_none() {
            ensure_folder(layout, &self.folder)?;
            let made = File::create(&self.temporary).map_err(|error| self.failed(error))?;
            self.file = Some(BufWriter::new(made));
        }
        let text = std::str::from_utf8(raw);
        let reject = Reject {
            line,
            reason: refused.reason,
            detail: &refused.detail,
            raw: text.ok(),
            raw_base64: text.is_err().then(|| STANDARD.encode(raw)),
        };
        let written = match &mut self.file {
            Some(file) => serde_json::to_writer(&mut *file, &reject)
                .map_err(std::io::Error::from)
                .and_then(|()| file.write_all(b"\n")),
            None => Ok(()),
        };
        written.map_err(|error| self.failed(error))?;
        self.count += 1;
        Ok(())
    }

    /// Makes them durable, beside the file that will have this name. What stands there already is an earlier attempt's.
    pub(super) fn keep(mut self, name: &str) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let to = self.folder.join(format!("{name}{REJECTS}"));
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&self.temporary, &to))
            .and_then(|()| sync_folder_of(&to))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> SpoolError {
        SpoolError::io(format!("keep the rejects of {}", self.shown), self.temporary.clone(), error)
    }
}

impl Drop for Rejects {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Begun again by the next import, which writes over it where this fails.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
