//! Lines out of a segment of any origin: several members, blank lines, a torn end. Byte-exact: split at 0x0A and nowhere
//! else, never decoded.

use std::io::Read;

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

/// Reads the lines of a segment one by one; blank ones are left out.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    #[expect(dead_code, reason = "skeleton")]
    source: R,
}

impl<R: Read> Lines<R> {
    /// `source` gives compressed bytes. Lines longer than `max_line` bytes are cut.
    pub(crate) fn new(source: R, max_line: u64) -> Self {
        let _ = max_line;
        Self { source }
    }

    /// Puts the next line into `line`, without its newline. `None` at the end; what it was, [`Lines::end`] says. A last line
    /// without a newline is one only where the stream ends cleanly.
    pub(crate) fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Line>> {
        let _ = line;
        todo!("s1")
    }

    /// How it ended, once `next` gave `None`.
    pub(crate) fn end(&self) -> End {
        todo!("s1")
    }

    /// Bytes of the source up to the end of the last whole member.
    pub(crate) fn whole_bytes(&self) -> u64 {
        todo!("s1")
    }
}
