//! Lines out of chunks of bytes.

/// Takes chunks apart at line feeds. Of a line that is longer than the limit one byte more is kept, so that whoever takes
/// it sees that it is too long, and no more than that is ever in memory.
#[derive(Debug)]
pub(super) struct Splitter {
    partial: Vec<u8>,
    most: usize,
}

impl Splitter {
    pub(super) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { partial: Vec::new(), most: limit.saturating_add(1) }
    }

    /// Hands over the lines that end in this chunk, without their line feeds.
    pub(super) fn feed(&mut self, chunk: &[u8], mut take: impl FnMut(&[u8])) {
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            if self.partial.is_empty() {
                take(line.get(..self.most).unwrap_or(line));
            } else {
                self.keep(line);
                take(&self.partial);
                self.partial.clear();
            }
            rest = after.get(1..).unwrap_or_default();
        }
        self.keep(rest);
    }

    /// Hands over the last line, where it has no line feed.
    pub(super) fn finish(self, take: impl FnOnce(&[u8])) {
        if !self.partial.is_empty() {
            take(&self.partial);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let room = self.most - self.partial.len();
        self.partial.extend_from_slice(part.get(..room).unwrap_or(part));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Splitter;

    fn lines(chunks: &[&[u8]], limit: u64) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::new(limit);
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line.to_vec()));
            assert!(splitter.partial.len() as u64 <= limit + 1);
        }
        splitter.finish(|line| lines.push(line.to_vec()));
        lines
    }

    #[test]
    fn lines_end_at_line_feeds_and_at_the_end() {
        for (chunks, wanted) in [
            (&[][..], &[][..]),
            (&[b"a\nb\n"], &[b"a", b"b"]),
            (&[b"a\n", b"b"], &[b"a", b"b"]),
            (&[b"a", b"b\nc", b"\n"], &[b"ab", b"c"]),
            (&[b"\n\n"], &[b"", b""]),
            (&[b"a\r\nb\0c\n"], &[b"a\r", b"b\0c"]),
            (
                "x\u{2028}y\u{85}z\n".as_bytes().chunks(1).collect::<Vec<_>>().as_slice(),
                &["x\u{2028}y\u{85}z".as_bytes()],
            ),
            (&[b"12345678", b"9\nok\n"], &[b"123456", b"ok"]),
            (&[b"123456789\n123456789"], &[b"123456", b"123456"]),
        ] as [(&[&[u8]], &[&[u8]]); 9]
        {
            assert_eq!(lines(chunks, if wanted.iter().any(|line| line.len() > 6) { 99 } else { 5 }), wanted);
        }
    }

    proptest! {
        #[test]
        fn however_it_comes_it_is_the_same(
            text in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
            size in 1_usize..20,
        ) {
            let whole: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            let wanted: Vec<&[u8]> = match whole.split_last() {
                Some((last, lines)) if last.is_empty() => lines.to_vec(),
                _ => whole,
            };
            prop_assert_eq!(lines(&text.chunks(size).collect::<Vec<_>>(), 1000), wanted);
        }
    }
}
