//! What is kept of a stream: its beginning, up to a bound, and the count of all of it.

/// The least that is taken at a time, so that a talkative child does not cost an allocation a line.
const LEAST: usize = 4 << 10;

/// What a child wrote to one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capture {
    /// The beginning of it, byte for byte.
    pub bytes: Vec<u8>,
    /// How many bytes it wrote.
    pub total: u64,
    /// Whether `bytes` is less than all of it.
    pub truncated: bool,
}

impl Capture {
    /// Takes the next piece, and keeps of it what fits in `limit` bytes altogether.
    pub(super) fn take(&mut self, piece: &[u8], limit: usize) {
        self.total = self.total.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let kept = piece.get(..limit.saturating_sub(self.bytes.len())).unwrap_or(piece);
        self.truncated |= kept.len() < piece.len();
        let needed = self.bytes.len() + kept.len();
        if needed > self.bytes.capacity() {
            // Doubled as ever, but never beyond the bound.
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2)).max(LEAST).min(limit);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(kept);
    }

    /// Gives back what was taken and not used.
    pub(super) fn finish(mut self) -> Self {
        self.bytes.shrink_to_fit();
        self
    }
}

#[cfg(test)]
mod tests;
