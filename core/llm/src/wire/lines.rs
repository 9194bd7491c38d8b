//! Lines that end with LF, CRLF or CR, out of chunks that end anywhere.

use super::{LINE_LIMIT, Unread};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What came of a line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: Vec<u8>,
    /// The last line ended with CR: an LF that follows belongs to it, also in the next chunk.
    after_return: bool,
    /// Whether a line was given: a byte order mark stands before the first one alone.
    has_given: bool,
}

impl Lines {
    /// The next line that is whole, without its end; takes what it reads from the front of `bytes`.
    pub(super) fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Unread> {
        if self.after_return
            && let Some((first, rest)) = bytes.split_first()
        {
            self.after_return = false;
            if *first == b'\n' {
                *bytes = rest;
            }
        }
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        // Before it is kept: a line without an end fills no memory.
        if self.open.len() + line.len() > LINE_LIMIT {
            return Err(Unread::Garbage(format!("a line is longer than {LINE_LIMIT} bytes")));
        }
        self.open.extend_from_slice(line);
        let Some((ending, rest)) = rest.split_first() else {
            *bytes = rest;
            return Ok(None);
        };
        *bytes = rest;
        self.after_return = *ending == b'\r';
        Ok(Some(self.give()))
    }

    /// What came of the last line, which has no end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.give()
    }

    fn give(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.open);
        if !std::mem::replace(&mut self.has_given, true) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: &[&[u8]]) -> (Vec<String>, String) {
        let mut lines = Lines::default();
        let mut given = Vec::new();
        for chunk in chunks {
            let mut bytes = *chunk;
            while let Some(line) = lines.take(&mut bytes).expect("short lines") {
                given.push(String::from_utf8(line).expect("text"));
            }
            assert!(bytes.is_empty(), "all of a chunk is read");
        }
        let rest = String::from_utf8(lines.rest()).expect("text");
        (given, rest)
    }

    #[test]
    fn ends_of_lines_in_every_chunking() {
        let text = "\u{feff}one\r\ntwo\rthree\n\n\r\n\r\rfour \u{feff}\nfive".as_bytes();
        let expected = ["one", "two", "three", "", "", "", "", "four \u{feff}"].map(str::to_owned).to_vec();
        for size in 1..=text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(all(&chunks), (expected.clone(), "five".to_owned()), "chunks of {size}");
        }
    }

    // llm L31
    #[test]
    fn a_line_without_end_is_refused_and_not_kept() {
        let chunk = vec![b'x'; 64 << 10];
        let mut lines = Lines::default();
        for place in 0..LINE_LIMIT / chunk.len() {
            assert_eq!(lines.take(&mut chunk.as_slice()), Ok(None), "chunk {place}");
        }
        assert!(matches!(lines.take(&mut b"x".as_slice()), Err(Unread::Garbage(_))));
        assert!(lines.open.capacity() <= 2 * LINE_LIMIT);
    }
}
