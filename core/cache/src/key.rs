//! What an entry is found by.

use std::path::Path;

use crate::error::Result;

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
    /// A key of a user's: a namespace of its own, 1 to 1,024 bytes of any text.
    ///
    /// # Errors
    /// [`Invalid`](crate::CacheError::Invalid).
    pub fn user(text: &str) -> Result<Self> {
        let _ = text;
        todo!("c1")
    }

    /// The symbols of a file: its path below the project's root (NFC, by bytes), the BLAKE3 hash of its content, and the
    /// version of grammar, extraction and codec together.
    pub fn symbols(path: &Path, content: &[u8; 32], maker: u32) -> Self {
        let _ = (path, content, maker);
        todo!("c1")
    }
}
