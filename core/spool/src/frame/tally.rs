//! How many lines a segment has.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;

use super::inflate::{Inflate, Step};
use super::member::{HEADER, TRAILER, hint};
use super::read::is_blank;
use crate::error::{Result, SpoolError};

/// More lines than this cannot be in a byte: deflate makes 1,032 bytes of one at most (258 of two bits, RFC 1951, 3.2.5),
/// and a line that is not blank has two.
const DENSEST: u64 = 516;

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Lines that are not blank, in whole members.
    pub(crate) lines: u64,
    /// Where the last whole member ends.
    pub(crate) whole_bytes: u64,
    /// Something comes after that.
    pub(crate) has_rest: bool,
    /// Whole lines that can be read out of what comes after, where that is a member that is torn or damaged.
    pub(crate) rest_lines: u64,
}

/// Counts the lines: by hopping over members of ours, by inflating all others. With `inflate` nothing is believed.
pub(crate) fn tally(file: &File, inflate: bool) -> Result<Tally> {
    let size = file.metadata().map_err(failed)?.len();
    let mut found = Tally::default();
    if !inflate {
        hop(file, size, &mut found)?;
    }
    if found.whole_bytes < size {
        count(file, &mut found)?;
    }
    Ok(found)
}

fn failed(error: std::io::Error) -> SpoolError {
    SpoolError::io("read a segment", None, error)
}

/// Hops over the members of ours at the beginning, as long as each ends where another member or the file's end is, and has
/// a size: a member whose end never reached the disk reads as zeros there.
fn hop(file: &File, size: u64, found: &mut Tally) -> Result<()> {
    let mut header = [0; HEADER];
    if size < HEADER as u64 {
        return Ok(());
    }
    file.read_exact_at(&mut header, 0).map_err(failed)?;
    while let Some((length, count)) = hint(&header) {
        let end = found.whole_bytes.saturating_add(length);
        if end > size || count > length.saturating_mul(DENSEST) {
            return Ok(());
        }
        // The end of this one and the beginning of the next, in one look.
        let mut look = [0; TRAILER + HEADER];
        let bytes = usize::try_from(size - end).unwrap_or(usize::MAX).min(HEADER) + TRAILER;
        let Some(look) = look.get_mut(..bytes) else { return Ok(()) };
        match file.read_exact_at(look, end - TRAILER as u64) {
            Ok(()) => {}
            // It was cut meanwhile.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(failed(error)),
        }
        let (trailer, next) = look.split_at(TRAILER);
        if trailer.ends_with(&[0; 4]) || !(next.is_empty() || next.starts_with(&[0x1f, 0x8b, 8])) {
            return Ok(());
        }
        found.whole_bytes = end;
        found.lines = found.lines.saturating_add(count);
        let Some(whole) = next.first_chunk::<HEADER>() else { return Ok(()) };
        header = *whole;
    }
    Ok(())
}

/// Counts what comes after `found`, which ends with a newline.
fn count(file: &File, found: &mut Tally) -> Result<()> {
    let mut inflate = Inflate::new(At { file, offset: found.whole_bytes });
    let before = *found;
    // Lines since `before`, and whether one that is not blank has begun.
    let (mut lines, mut begun) = (0_u64, false);
    loop {
        match inflate.step()? {
            Step::Data => {
                for piece in inflate.data().split_inclusive(|byte| *byte == b'\n') {
                    begun |= !is_blank(piece);
                    if piece.ends_with(b"\n") {
                        lines += u64::from(std::mem::take(&mut begun));
                    }
                }
            }
            Step::Member => {
                found.lines = before.lines + lines + u64::from(begun);
                found.whole_bytes = before.whole_bytes + inflate.whole_bytes();
            }
            Step::End(end) => {
                found.has_rest = !matches!(end, super::End::Clean | super::End::Empty);
                found.rest_lines = (before.lines + lines).saturating_sub(found.lines);
                return Ok(());
            }
        }
    }
}

/// Reads a file from an offset of its own, so that a file that others read too stays where it is.
struct At<'f> {
    file: &'f File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let bytes = self.file.read_at(into, self.offset)?;
        self.offset += bytes as u64;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
