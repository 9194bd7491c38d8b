//! The header of a member of any origin (RFC 1952, 2.3), read byte by byte as they come.

/// Where in a header the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// The ten bytes that are always there.
    Fixed(u8),
    /// The length of what is extra: the low byte, then the high one, which brings the low one along.
    ExtraLow,
    ExtraHigh(u8),
    /// What is extra: so many bytes are left.
    Extra(u16),
    /// A text that ends with 0: the name, then the comment.
    Name,
    Comment,
    /// The checksum of the header, which is not checked: gzip does not either, and the data has its own.
    ChecksumLow,
    ChecksumHigh,
    /// Behind it.
    End,
}

/// What a byte has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// More is to come.
    More,
    /// It was the last one: deflated data follows.
    Whole,
    /// This is no gzip member.
    Not,
    /// It is one, but says something that the RFC does not have.
    Wrong,
}

const CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Reads a header.
#[derive(Debug)]
pub(super) struct Header {
    at: At,
    flags: u8,
}

impl Header {
    pub(super) const fn new() -> Self {
        Self { at: At::Fixed(0), flags: 0 }
    }

    /// Nothing of it has come.
    pub(super) fn is_new(&self) -> bool {
        self.at == At::Fixed(0)
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self, byte: u8) -> Taken {
        match (self.at, byte) {
            // The magic, and deflate, which is the only method there is.
            (At::Fixed(0), 0x1f) | (At::Fixed(1), 0x8b) | (At::Fixed(2), 8) => {}
            (At::Fixed(0..=2), _) => return Taken::Not,
            (At::Fixed(3), flags) if flags & RESERVED != 0 => return Taken::Wrong,
            (At::Fixed(3), flags) => self.flags = flags,
            _ => {}
        }
        self.at = match (self.at, byte) {
            (At::Fixed(number @ 0..9), _) => At::Fixed(number + 1),
            (At::Fixed(_), _) => self.after_fixed(),
            (At::ExtraLow, low) => At::ExtraHigh(low),
            (At::ExtraHigh(low), high) => match u16::from_le_bytes([low, high]) {
                0 => self.after_extra(),
                left => At::Extra(left),
            },
            (At::Extra(1), _) => self.after_extra(),
            (At::Extra(left), _) => At::Extra(left.saturating_sub(1)),
            (At::Name, 0) => self.after_name(),
            (At::Comment, 0) => self.after_comment(),
            (At::ChecksumLow, _) => At::ChecksumHigh,
            (At::ChecksumHigh | At::End, _) => At::End,
            (within, _) => within,
        };
        if self.at == At::End { Taken::Whole } else { Taken::More }
    }

    fn after_fixed(&self) -> At {
        if self.flags & EXTRA != 0 { At::ExtraLow } else { self.after_extra() }
    }

    fn after_extra(&self) -> At {
        if self.flags & NAME != 0 { At::Name } else { self.after_name() }
    }

    fn after_name(&self) -> At {
        if self.flags & COMMENT != 0 { At::Comment } else { self.after_comment() }
    }

    fn after_comment(&self) -> At {
        if self.flags & CHECKSUM != 0 { At::ChecksumLow } else { At::End }
    }
}
