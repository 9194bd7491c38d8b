//! A stream of bytes, cut where lines end.

/// A line that does not end is cut here, in bytes.
const LONGEST: usize = 16 << 10;

/// One stream of an agent.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// What waits for the end of its line.
    begun: Vec<u8>,
}

impl Text {
    /// Takes the next piece; gives all lines that are whole by now, with their ends.
    pub(super) fn take(&mut self, piece: &[u8]) -> Option<String> {
        let old = self.begun.len();
        self.begun.extend_from_slice(piece);
        let newline = piece.iter().rposition(|byte| *byte == b'\n').map(|at| old + at + 1);
        let cut = match newline {
            Some(cut) => cut,
            None if self.begun.len() >= LONGEST => whole_characters(&self.begun),
            None => return None,
        };
        let rest = self.begun.split_off(cut);
        let text = String::from_utf8_lossy(&self.begun).into_owned();
        self.begun = rest;
        Some(text)
    }

    /// What is left without an end.
    pub(super) fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.begun);
        (!rest.is_empty()).then(|| String::from_utf8_lossy(&rest).into_owned())
    }
}

/// How many bytes there are before a character at the end that is not whole; all of them, where there is none (RFC 3629).
fn whole_characters(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    let last = bytes.iter().enumerate().skip(from).rev().find(|(_, byte)| **byte & 0xc0 != 0x80);
    match last {
        Some((at, first)) => {
            let wanted = match first {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            if at + wanted > bytes.len() && at > 0 { at } else { bytes.len() }
        }
        None => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LONGEST, Text, whole_characters};

    #[test]
    fn lines_come_whole() {
        let mut text = Text::default();
        assert_eq!(text.take(b"one\ntw"), Some("one\n".into()));
        assert_eq!(text.take(b"o"), None);
        assert_eq!(text.take(b"\n\n"), Some("two\n\n".into()));
        assert_eq!(text.rest(), None);
        assert_eq!(text.take("ä".as_bytes()), None);
        assert_eq!(text.rest().as_deref(), Some("ä"));
        assert_eq!(text.rest(), None);
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let mut text = Text::default();
        let mut long = "x".to_owned();
        while long.len() < LONGEST {
            long.push('ä');
        }
        let (first, second) = long.as_bytes().split_at(LONGEST);
        let mut whole = text.take(first).unwrap();
        assert!(whole.len() == LONGEST - 1 && !whole.contains('\u{fffd}'));
        whole.extend(text.take(second));
        whole.extend(text.rest());
        assert_eq!(whole, long);
        assert_eq!(whole_characters(b"\x80\x80\x80\x80"), 4, "what is no text is not kept back");
    }

    proptest! {
        /// Wherever a stream is cut, its texts are the stream.
        #[test]
        fn nothing_is_lost(parts in prop::collection::vec("[a-zä€\u{10348}\n]{0,40}", 0..30), step in 1_usize..17) {
            let stream: String = parts.concat();
            let mut text = Text::default();
            let mut found = String::new();
            for piece in stream.as_bytes().chunks(step) {
                found.extend(text.take(piece));
            }
            found.extend(text.rest());
            prop_assert_eq!(found, stream);
        }

        #[test]
        fn what_is_held_is_bounded(pieces in prop::collection::vec((any::<u8>(), 1_usize..9_000), 0..20)) {
            let mut text = Text::default();
            for (byte, length) in pieces {
                let _ = text.take(&vec![byte; length]);
                prop_assert!(text.begun.len() < LONGEST);
            }
        }
    }
}
