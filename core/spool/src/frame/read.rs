//! Lines out of a segment of any origin: several members, blank lines, a torn end. Byte-exact: split at 0x0A and nowhere
//! else, never decoded.

use std::io::Read;

use super::inflate::{Inflate, Step};
use crate::error::Result;

/// How a segment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// After a whole member.
    Clean,
    /// In the middle of a member.
    Truncated,
    /// A member is damaged: its data or its checksum.
    Corrupt,
    /// After whole members comes something that is none.
    Garbage,
    /// It does not begin as gzip does.
    NotGzip,
    /// There is nothing in it.
    Empty,
}

/// A line as it stands in the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its physical number, from 1; blank lines count.
    pub(crate) number: u64,
    /// It is longer than the limit, and what is beyond that was read and thrown away.
    pub(crate) cut: bool,
}

/// Whether a line is none: empty, or white space alone.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// Reads the lines of a segment one by one; blank ones are left out.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    inflate: Inflate<R>,
    max_line: usize,
    /// What of the inflated bytes is still to be taken.
    from: usize,
    /// Lines that have ended, blank ones too.
    number: u64,
    end: Option<End>,
}

impl<R: Read> Lines<R> {
    /// `source` gives compressed bytes. Lines longer than `max_line` bytes are cut.
    pub(crate) fn new(source: R, max_line: u64) -> Self {
        let max_line = usize::try_from(max_line).unwrap_or(usize::MAX);
        Self { inflate: Inflate::new(source), max_line, from: 0, number: 0, end: None }
    }

    /// Puts the next line into `line`, without its newline. `None` at the end; what it was, [`Lines::end`] says. A last line
    /// without a newline is one only where all members are whole.
    pub(crate) fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Line>> {
        line.clear();
        let (mut cut, mut blank) = (false, true);
        while self.end.is_none() {
            let data = self.inflate.data().get(self.from..).unwrap_or_default();
            let newline = data.iter().position(|byte| *byte == b'\n');
            let piece = data.get(..newline.unwrap_or(data.len())).unwrap_or_default();
            let fits = piece.get(..self.max_line.saturating_sub(line.len())).unwrap_or(piece);
            line.extend_from_slice(fits);
            cut |= fits.len() < piece.len();
            blank = blank && is_blank(piece);
            if newline.is_some() {
                self.from += piece.len() + 1;
                self.number += 1;
                if blank {
                    line.clear();
                    cut = false;
                    blank = true;
                    continue;
                }
                return Ok(Some(Line { number: self.number, cut }));
            }
            // What was inflated is used up, whatever the step brings.
            self.from = usize::MAX;
            match self.inflate.step()? {
                Step::Data => self.from = 0,
                Step::Member => {}
                Step::End(end) => self.end = Some(end),
            }
        }
        if matches!(self.end, Some(End::Clean | End::Garbage)) && !blank {
            self.number += 1;
            return Ok(Some(Line { number: self.number, cut }));
        }
        line.clear();
        Ok(None)
    }

    /// How it ended, once `next` gave `None`.
    pub(crate) fn end(&self) -> End {
        self.end.unwrap_or(End::Truncated)
    }

    /// Bytes of the source up to the end of the last whole member.
    pub(crate) fn whole_bytes(&self) -> u64 {
        self.inflate.whole_bytes()
    }
}

#[cfg(test)]
mod tests;
