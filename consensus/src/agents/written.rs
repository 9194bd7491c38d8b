//! What is known of an attempt's output, of which the middle may be missing.

/// The bytes of one output; where a part of them is missing, nothing may be read across the gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written<'a> {
    /// All of it, or its beginning and its end.
    pub bytes: &'a [u8],
    /// Where the end follows on the beginning, where something between them is missing.
    pub cut: Option<usize>,
}

impl<'a> Written<'a> {
    /// Output of which nothing is missing.
    pub const fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, cut: None }
    }

    pub(super) const fn is_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// The whole lines before the gap; all of it where there is none.
    pub(super) fn beginning(&self) -> &'a [u8] {
        let Some(beginning) = self.cut.and_then(|cut| self.bytes.get(..cut)) else { return self.bytes };
        let end = beginning.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        beginning.get(..end).unwrap_or_default()
    }

    /// The whole lines behind the gap, where there is one.
    pub(super) fn end(&self) -> Option<&'a [u8]> {
        let end = self.bytes.get(self.cut?..).unwrap_or_default();
        // The first one began in what is missing, or may have.
        let begin = end.iter().position(|byte| *byte == b'\n').map_or(end.len(), |at| at + 1);
        end.get(begin..)
    }
}
