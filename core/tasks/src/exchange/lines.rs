//! Lines of a file: LF or CRLF, with or without a last one, a BOM and blank lines.

use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Result, TaskError};
use crate::json;
use crate::record::{Line, parse};

/// Of a line that is too long, so much is kept for a person to know it by.
const BEGINNING: usize = 4096;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line, at most.
    pub line_bytes: u64,
}

impl Limits {
    /// Those that hold where nobody says otherwise.
    pub(crate) const USUAL: Self = Self { line_bytes: 64 * 1024 * 1024 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::USUAL
    }
}

/// A line that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: u64,
    /// What is wrong.
    pub cause: String,
    /// Where it begins, bytes from the beginning of the file.
    pub offset: u64,
    /// Its bytes in the file, without the end of the line.
    pub length: u64,
    /// The bytes, without the end of the line; of one that is too long the beginning.
    pub bytes: Vec<u8>,
    /// Its id, as far as one can be made out.
    pub id: Option<String>,
}

/// A file, read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lines {
    /// Where from; `-` for standard input.
    pub path: PathBuf,
    /// Good lines with their numbers, from 1.
    pub good: Vec<(u64, Line)>,
    /// Lines that are refused.
    pub bad: Vec<BadLine>,
    /// SHA-256 of all bytes, and how many.
    pub sha256: [u8; 32],
    /// Bytes in all.
    pub bytes: u64,
}

impl Lines {
    /// Fails with the first refused line.
    pub fn refuse_bad(&self) -> Result<()> {
        match self.bad.first() {
            None => Ok(()),
            Some(bad) => {
                Err(TaskError::Input { path: self.path.clone(), line: bad.number, cause: bad.cause.clone() })
            }
        }
    }

    /// Lines that belong to no file, such as those of a base.
    pub(crate) fn of_bytes(bytes: &[u8], path: &Path, limits: Limits) -> Result<Self> {
        read_lines(&mut &*bytes, path, limits)
    }
}

/// Reads lines; an error is one of reading.
pub fn read_lines(source: &mut dyn Read, path: &Path, limits: Limits) -> Result<Lines> {
    let mut lines = Lines { path: path.to_path_buf(), ..Lines::default() };
    let mut reader = BufReader::with_capacity(BUFFER, Hashed { source, sha256: Sha256::new(), bytes: 0 });
    // The end of a line is not counted: CR and LF.
    let usual = limits.line_bytes.saturating_add(2);
    let mut buffer = Vec::new();
    let mut next = 0;
    for number in 1.. {
        buffer.clear();
        // A BOM is no part of the line either.
        let most = if number == 1 { usual.saturating_add(BOM.len() as u64) } else { usual };
        let read =
            (&mut reader).take(most).read_until(b'\n', &mut buffer).map_err(|error| unread(path, error))?;
        if read == 0 {
            break;
        }
        let ended = buffer.last() == Some(&b'\n');
        let (mut skipped, mut has_end) = (0, false);
        if !ended && read as u64 == most {
            (skipped, has_end) = skip(&mut reader).map_err(|error| unread(path, error))?;
        }
        let whole = if skipped > 0 { &buffer[..] } else { without_end(&buffer) };
        let line = if number == 1 { whole.strip_prefix(BOM).unwrap_or(whole) } else { whole };
        let offset = next + (whole.len() - line.len()) as u64;
        next += read as u64 + skipped;
        let bad = |cause, line: &[u8], length| BadLine {
            number,
            cause,
            offset,
            length,
            bytes: line.to_vec(),
            id: guess_id(line),
        };
        if line.len() as u64 > limits.line_bytes {
            // Its CR, where it ends with one, was not looked at: it stays.
            let length = line.len() as u64 + skipped - u64::from(has_end);
            lines.bad.push(bad(format!("longer than {} bytes", limits.line_bytes), cut(line), length));
        } else if !is_blank(line) {
            match parse(line) {
                Ok(good) => lines.good.push((number, good)),
                Err(flaw) => lines.bad.push(bad(flaw.to_string(), line, line.len() as u64)),
            }
        }
    }
    let hashed = reader.into_inner();
    lines.sha256 = hashed.sha256.finalize().into();
    lines.bytes = hashed.bytes;
    Ok(lines)
}

/// Reads a file or a pipe, which is neither changed nor locked. Devices are refused, for many of them never
/// end, but for `/dev/null`, which is how those who know git write a file that is not there.
pub fn read_file(path: &Path, limits: Limits) -> Result<Lines> {
    let found = std::fs::metadata(path).map_err(|error| unread(path, error))?;
    let kind = found.file_type();
    if (kind.is_char_device() && !is_null(&found)) || kind.is_block_device() {
        return Err(TaskError::invalid(format!("{} is a device, not a file", path.display())));
    }
    let mut file = File::open(path).map_err(|error| unread(path, error))?;
    read_lines(&mut file, path, limits)
}

/// Whether a character device is the one that has nothing to give, under whatever name.
fn is_null(device: &Metadata) -> bool {
    let null = std::fs::metadata("/dev/null");
    null.is_ok_and(|null| null.file_type().is_char_device() && null.rdev() == device.rdev())
}

fn unread(path: &Path, error: std::io::Error) -> TaskError {
    TaskError::io(format!("read {}", path.display()), error)
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Skips the rest of a line: its bytes, and whether its end is one of them.
fn skip(reader: &mut impl BufRead) -> std::io::Result<(u64, bool)> {
    let mut skipped = 0;
    loop {
        let read = reader.fill_buf()?;
        let (bytes, has_end) = match read.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (read.len(), false),
        };
        reader.consume(bytes);
        skipped += bytes as u64;
        if has_end || bytes == 0 {
            return Ok((skipped, has_end));
        }
    }
}

fn cut(line: &[u8]) -> &[u8] {
    line.get(..BEGINNING).unwrap_or(line)
}

/// The text behind the first `"id":`, whatever is wrong with the rest of the line.
fn guess_id(line: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\"id\"";
    let after = line.windows(KEY.len()).position(|part| part == KEY)? + KEY.len();
    let rest = line.get(after..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let mut escaped = false;
    let close = rest.iter().skip(1).position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })?;
    json::decode(rest.get(..close + 2)?).filter(|id| !id.is_empty())
}

/// Hashes and counts what passes through it.
struct Hashed<'source> {
    source: &'source mut dyn Read,
    sha256: Sha256,
    bytes: u64,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        if let Some(bytes) = buffer.get(..read) {
            self.sha256.update(bytes);
        }
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
