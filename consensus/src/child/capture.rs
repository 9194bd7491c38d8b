//! What is kept of a stream: its beginning and its end, up to a bound, and the count of all of it.

/// The least that is taken at a time, so that a talkative child does not cost an allocation a line.
const LEAST: usize = 4 << 10;

/// What a child wrote to one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capture {
    /// It, byte for byte; where it was longer than its bound, its beginning and then its end.
    pub bytes: Vec<u8>,
    /// How many bytes it wrote.
    pub total: u64,
    /// Where in `bytes` the end follows on the beginning and what stood between them is missing; absent where
    /// nothing is.
    pub cut: Option<usize>,
}

impl Capture {
    /// How many bytes are missing at the cut.
    pub fn missing(&self) -> u64 {
        self.total.saturating_sub(u64::try_from(self.bytes.len()).unwrap_or(u64::MAX))
    }

    /// The bytes; where some are missing, with a line that says so in their place.
    pub fn into_told(self) -> Vec<u8> {
        let Some(cut) = self.cut else { return self.bytes };
        let line = format!("\n[cut here: {} of {} bytes are missing]\n", self.missing(), self.total);
        let mut bytes = self.bytes;
        let cut = cut.min(bytes.len());
        bytes.splice(cut..cut, line.into_bytes());
        bytes
    }
}

/// A stream that is being kept. What comes when the bound is reached goes round in the second half of it.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    capture: Capture,
    /// Where in the second half the next byte goes: the oldest of it stands there.
    next: usize,
}

impl Keeping {
    /// Takes the next piece, and keeps at most `limit` bytes altogether.
    pub(super) fn take(&mut self, piece: &[u8], limit: usize) {
        let Capture { bytes, total, cut } = &mut self.capture;
        *total = total.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        let (fits, rest) = piece.split_at(limit.saturating_sub(bytes.len()).min(piece.len()));
        let needed = bytes.len() + fits.len();
        if needed > bytes.capacity() {
            // Doubled as ever, but never beyond the bound.
            let capacity = needed.max(bytes.capacity().saturating_mul(2)).max(LEAST).min(limit);
            bytes.reserve_exact(capacity - bytes.len());
        }
        bytes.extend_from_slice(fits);
        if rest.is_empty() {
            return;
        }
        let end = bytes.split_at_mut(*cut.get_or_insert(limit / 2)).1;
        // Of a piece that goes round more than once only the last round stays.
        let rest = rest.get(rest.len().saturating_sub(end.len())..).unwrap_or(rest);
        let (first, second) = rest.split_at(rest.len().min(end.len() - self.next));
        if let Some(place) = end.get_mut(self.next..self.next + first.len()) {
            place.copy_from_slice(first);
        }
        if let Some(place) = end.get_mut(..second.len()) {
            place.copy_from_slice(second);
        }
        self.next = (self.next + rest.len()).checked_rem(end.len()).unwrap_or(0);
    }

    /// That something is missing behind what was taken so far: it could not be read.
    pub(super) fn lose(&mut self) {
        self.capture.cut.get_or_insert(self.capture.bytes.len());
    }

    /// What was kept, in its order; gives back what was taken and not used.
    pub(super) fn finish(mut self) -> Capture {
        if let Some(cut) = self.capture.cut {
            self.capture.bytes.split_at_mut(cut).1.rotate_left(self.next);
        }
        self.capture.bytes.shrink_to_fit();
        self.capture
    }
}

#[cfg(test)]
mod tests;
