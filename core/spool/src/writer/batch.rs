//! Lines on their way to a member.

use std::time::Duration;

/// Lines with their newlines, one after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    lines: u32,
    /// When the first one came.
    since: Duration,
}

impl Batch {
    /// Lines that waited elsewhere.
    pub(super) fn of(lines: &[Vec<u8>], now: Duration) -> Self {
        let mut batch = Self::default();
        for line in lines {
            batch.push(line, now);
        }
        batch
    }

    /// Adds a line, which has no newline.
    pub(super) fn push(&mut self, line: &[u8], now: Duration) {
        if self.lines == 0 {
            self.since = now;
        }
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.lines += 1;
    }

    /// Empties it; what it has of memory stays for the next lines.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.lines = 0;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Lines in it.
    pub(super) const fn lines(&self) -> u32 {
        self.lines
    }

    /// All of it.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Bytes of it.
    pub(super) fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// When the oldest line in it came.
    pub(super) const fn since(&self) -> Duration {
        self.since
    }

    /// One line after the other, without its newline.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }
}
