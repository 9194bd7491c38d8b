//! One member.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::error::{Result, SpoolError};

/// Bytes of our header: the ten of every member, two for the length of what is extra, four and eight of our subfield.
pub(super) const HEADER: usize = 24;
/// CRC and size.
pub(super) const TRAILER: usize = 8;
/// What every one of our members begins with: gzip, deflate, FEXTRA; no time; no hint about the effort; of no known
/// system (RFC 1952, 2.3.1). Then twelve bytes that are extra, which are the subfield `CV` of eight.
const BEGIN: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0, b'C', b'V', 8, 0];

/// A whole gzip member: `lines` with their newlines, `count` of them. Deterministic: no time and no name in it.
pub(crate) fn member(lines: &[u8], count: u32, level: u32) -> Result<Vec<u8>> {
    MemberMaker::new(level).member(lines, count)
}

/// Makes members one after the other, and keeps the compressor's memory (some 260 kB) meanwhile.
#[derive(Debug)]
pub(crate) struct MemberMaker {
    compress: Compress,
}

impl MemberMaker {
    /// For members that are compressed so hard: 1 to 9.
    pub(crate) fn new(level: u32) -> Self {
        Self { compress: Compress::new(Compression::new(level.clamp(1, 9)), false) }
    }

    /// [`member`].
    pub(crate) fn member(&mut self, lines: &[u8], count: u32) -> Result<Vec<u8>> {
        self.compress.reset();
        let mut made = Vec::with_capacity(HEADER + TRAILER + 512 + lines.len() / 3);
        made.extend_from_slice(&BEGIN);
        made.extend_from_slice(&[0; HEADER - BEGIN.len()]);
        loop {
            let taken = usize::try_from(self.compress.total_in()).unwrap_or(usize::MAX);
            let rest = lines.get(taken..).unwrap_or_default();
            if made.capacity() - made.len() < 64 {
                made.reserve(made.len().max(4_096));
            }
            match self.compress.compress_vec(rest, &mut made, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(_) => {}
                Err(error) => return Err(SpoolError::io("compress lines", None, error.into())),
            }
        }
        let mut crc = Crc::new();
        crc.update(lines);
        made.extend_from_slice(&crc.sum().to_le_bytes());
        // The size modulo 2^32, as the RFC has it.
        made.extend_from_slice(&crc.amount().to_le_bytes());
        // A member that is too long for the field says 0, and is inflated by whoever counts.
        let length = u32::try_from(made.len()).unwrap_or(0);
        made[16..20].copy_from_slice(&length.to_le_bytes());
        made[20..24].copy_from_slice(&count.to_le_bytes());
        Ok(made)
    }
}

/// What the header of a member of ours says: its length and its lines. `None` where it is another's, or says nothing.
pub(super) fn hint(header: &[u8]) -> Option<(u64, u64)> {
    let rest = header.strip_prefix(&BEGIN)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (count, _) = rest.split_first_chunk::<4>()?;
    let (length, count) = (u64::from(u32::from_le_bytes(*length)), u64::from(u32::from_le_bytes(*count)));
    (length >= (HEADER + TRAILER) as u64 + 2).then_some((length, count))
}

#[cfg(test)]
mod tests;
