//! Lines of a file: LF or CRLF, with or without a last one, a BOM and blank lines.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::record::Line;

/// What is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line, at most.
    pub line_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 64 * 1024 * 1024 }
    }
}

/// A line that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: u64,
    /// What is wrong.
    pub cause: String,
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
        todo!("B4")
    }
}

/// Reads lines; an error is one of reading.
pub fn read_lines(source: &mut dyn Read, path: &Path, limits: Limits) -> Result<Lines> {
    let _ = (source, path, limits);
    todo!("B4")
}

/// Reads a file, which is neither changed nor locked.
pub fn read_file(path: &Path, limits: Limits) -> Result<Lines> {
    let _ = (path, limits);
    todo!("B4")
}
