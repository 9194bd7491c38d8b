//! A `.part` that is torn becomes one that is whole, in one rename.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use serde::de::IgnoredAny;

use crate::catalogue;
use crate::error::{Result, SpoolError};
use crate::frame::{Lines, MemberMaker, is_blank, tally};
use crate::layout::{Found, shown, sync_folder_of};
use crate::monitor::MonitorName;
use crate::options::SpoolOptions;

/// Lines of another's stream are put into members of about so many bytes.
const MEMBER: usize = 1 << 20;

/// What a `.part` holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salvaged {
    pub(super) lines: u64,
    pub(super) bytes: u64,
}

/// Leaves a `.part` with its whole lines alone, in whole members; `None`, and everything as it was, where there is none.
///
/// Whole members stay as they are, byte by byte; whole lines of what comes after them, and those of a file that is no gzip
/// but lines of JSON, are put into members of their own. What was there stays there until all is durable beside it.
pub(super) fn whole_lines(
    options: &SpoolOptions,
    monitor: &MonitorName,
    part: &Found,
) -> Result<Option<Salvaged>> {
    let shown = shown(monitor, &part.file);
    let failed = |error| SpoolError::io(format!("recover {shown}"), part.path.clone(), error);
    let file = catalogue::open(&part.path).map_err(failed)?;
    let counted = tally(&file, true)?;
    let mut salvage = Salvage::begin(options, part, &shown);
    if counted.rest_lines > 0 {
        let copied = if ends_a_line(&file, counted.whole_bytes).map_err(failed)? {
            salvage.copy(&file, counted.whole_bytes)?;
            counted.lines
        } else {
            // A line goes on after the last whole member: it stays in one piece only if all are read again.
            (&file).rewind().map_err(failed)?;
            0
        };
        salvage.lines_of(&file)?;
        return salvage.end(copied).map(Some);
    }
    if counted.lines > 0 {
        if counted.has_rest {
            // Nothing of what comes after the members is a line. No room is needed to cut it off.
            File::options()
                .write(true)
                .open(&part.path)
                .and_then(|writable| writable.set_len(counted.whole_bytes).and_then(|()| writable.sync_all()))
                .map_err(failed)?;
        } else {
            // Its writer may have died between a write and its sync.
            file.sync_all().map_err(failed)?;
        }
        return Ok(Some(Salvaged { lines: counted.lines, bytes: counted.whole_bytes }));
    }
    if counted.whole_bytes == 0 && salvage.plain_lines_of(&file)? {
        return salvage.end(0).map(Some);
    }
    Ok(None)
}

/// Whether what the first `bytes` inflate to ends with a newline, or is nothing.
fn ends_a_line(file: &File, bytes: u64) -> std::io::Result<bool> {
    let mut file = file;
    file.rewind()?;
    if bytes == 0 {
        return Ok(true);
    }
    let mut inflated = MultiGzDecoder::new(BufReader::new(file.take(bytes)));
    let mut buffer = vec![0; 64 << 10];
    let mut last = b'\n';
    loop {
        match inflated.read(&mut buffer)? {
            0 => return Ok(last == b'\n'),
            bytes => last = buffer.get(bytes - 1).copied().unwrap_or(last),
        }
    }
}

/// A file beside the `.part` that will be put in its place.
struct Salvage<'s> {
    part: &'s Found,
    shown: &'s str,
    temporary: PathBuf,
    file: Option<File>,
    members: MemberMaker,
    /// One byte more than a line may have: what was cut is refused by the importer, and never taken for a line.
    most: u64,
    lines: Vec<u8>,
    count: u32,
    total: u64,
}

impl<'s> Salvage<'s> {
    fn begin(options: &SpoolOptions, part: &'s Found, shown: &'s str) -> Self {
        Self {
            part,
            shown,
            // Neither a `.part` nor a segment: nobody counts it, and the next recovery writes over it.
            temporary: part.path.with_file_name(format!(".{}.recovering", part.file)),
            file: None,
            members: MemberMaker::new(options.level),
            most: options.max_line_bytes.saturating_add(1),
            lines: Vec::new(),
            count: 0,
            total: 0,
        }
    }

    fn failed(&self, error: std::io::Error) -> SpoolError {
        SpoolError::io(format!("recover {}", self.shown), self.part.path.clone(), error)
    }

    fn file(&mut self) -> std::io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => File::create(&self.temporary)?,
        };
        Ok(self.file.insert(file))
    }

    /// Copies the whole members, and leaves the `.part` at their end.
    fn copy(&mut self, part: &File, bytes: u64) -> Result<()> {
        let mut part = part;
        let copied = part
            .rewind()
            .and_then(|()| std::io::copy(&mut part.take(bytes), self.file()?))
            .and_then(|_| part.seek(SeekFrom::Start(bytes)));
        copied.map(drop).map_err(|error| self.failed(error))
    }

    /// Adds the lines from here on, up to where inflating fails.
    fn lines_of(&mut self, part: &File) -> Result<()> {
        let mut lines = Lines::new(BufReader::new(part), self.most);
        let mut line = Vec::new();
        while lines.next(&mut line)?.is_some() {
            self.add(&line)?;
        }
        Ok(())
    }

    /// Adds the whole lines of a file that is no gzip; `false` where its first one is no JSON either.
    fn plain_lines_of(&mut self, part: &File) -> Result<bool> {
        let mut part = part;
        part.rewind().map_err(|error| self.failed(error))?;
        let mut source = BufReader::new(part);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut source).take(self.most).read_until(b'\n', &mut line);
            read.map_err(|error| self.failed(error))?;
            if line.last() != Some(&b'\n') {
                // A line that is too long is kept as far as it may go; the rest of it is passed over.
                let is_long = line.len() as u64 == self.most;
                if !is_long || source.skip_until(b'\n').map_err(|error| self.failed(error))? == 0 {
                    return Ok(self.total > 0 || self.count > 0);
                }
            } else {
                line.pop();
            }
            if is_blank(&line) {
                continue;
            }
            if self.total == 0 && self.count == 0 && serde_json::from_slice::<IgnoredAny>(&line).is_err() {
                return Ok(false);
            }
            self.add(&line)?;
        }
    }

    fn add(&mut self, line: &[u8]) -> Result<()> {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.count += 1;
        if self.lines.len() >= MEMBER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let member = self.members.member(&self.lines, self.count)?;
        let written = self.file().and_then(|file| file.write_all(&member));
        written.map_err(|error| self.failed(error))?;
        self.total += u64::from(self.count);
        self.count = 0;
        self.lines.clear();
        Ok(())
    }

    /// Puts it in the place of the `.part`, durably. `copied` lines were copied.
    fn end(mut self, copied: u64) -> Result<Salvaged> {
        self.flush()?;
        let placed = self.file().and_then(|file| {
            file.sync_all()?;
            file.metadata()
        });
        let bytes = placed.map_err(|error| self.failed(error))?.len();
        std::fs::rename(&self.temporary, &self.part.path)
            .and_then(|()| sync_folder_of(&self.part.path))
            .map_err(|error| self.failed(error))?;
        self.file = None;
        Ok(Salvaged { lines: copied + self.total, bytes })
    }
}

impl Drop for Salvage<'_> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It failed; what it was made from is as it was.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}
