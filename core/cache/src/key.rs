//! What an entry is found by.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::error::{CacheError, Result};

/// Bits of a maker that are its version.
const VERSION_BITS: u32 = 16;

/// A key: BLAKE3 over fields that each have their length before them, so that no two lists of fields are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey {
    pub(crate) hash: [u8; 32],
    /// What the value is about, whatever its content: an entry with this and another `hash` is stale.
    pub(crate) subject: Option<[u8; 32]>,
    /// The version of what made the value; entries of the same maker with a lower one are of no use any more. 0 for
    /// values of users.
    pub(crate) maker: u32,
}

impl CacheKey {
    /// Most bytes of a user's key.
    pub const MOST_USER_BYTES: usize = 1024;

    /// A key of a user's: a namespace of its own, 1 to 1,024 bytes of any text.
    ///
    /// # Errors
    /// [`Invalid`](crate::CacheError::Invalid).
    pub fn user(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > Self::MOST_USER_BYTES {
            let (most, is) = (Self::MOST_USER_BYTES, text.len());
            return Err(CacheError::Invalid(format!("a key has 1 to {most} bytes, not {is}")));
        }
        Ok(Self { hash: hash(&[b"user", text.as_bytes()]), subject: None, maker: 0 })
    }

    /// The symbols of a file: its path below the project's root (NFC, by bytes), the BLAKE3 hash of its content, and the
    /// version of grammar, extraction and codec together, from [`CacheKey::maker`].
    ///
    /// Two files whose names differ only in how Unicode writes them share a key where their content is the same too:
    /// symbols say nothing of the path. What one of them is has no say in whether the other is stale.
    pub fn symbols(path: &Path, content: &[u8; 32], maker: u32) -> Self {
        Self {
            hash: hash(&[b"symbols", &composed(path), content, &maker.to_le_bytes()]),
            subject: Some(hash(&[b"symbols of", path.as_os_str().as_bytes()])),
            maker,
        }
    }

    /// The number of a maker of this kind (a grammar, from 1) in this version. Of two numbers of one kind the lower is the
    /// older: its entries go in the next pass of maintenance.
    pub const fn maker(kind: u16, version: u16) -> u32 {
        (kind as u32) << VERSION_BITS | version as u32
    }
}

/// The lowest number of the maker's kind.
pub(crate) const fn first_of_kind(maker: u32) -> u32 {
    maker >> VERSION_BITS << VERSION_BITS
}

/// Bytes that are no text stay as they are.
fn composed(path: &Path) -> Cow<'_, [u8]> {
    match path.to_str() {
        Some(text) if !text.is_ascii() && !is_nfc(text) => {
            Cow::Owned(text.nfc().collect::<String>().into_bytes())
        }
        _ => Cow::Borrowed(path.as_os_str().as_bytes()),
    }
}

fn hash(fields: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
