//! The secret of a holder: only its hash is stored.

use std::fmt;

use crate::error::Result;

/// 128 bits from the system's random source, as 32 lower-case hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one.
    pub(crate) fn random() -> Result<Self> {
        todo!("L1")
    }

    /// Takes what somebody says is one. Any text that is not empty can be asked about: one that is not 32 lower-case
    /// hexadecimal digits is simply nobody's.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidToken`](crate::LeaseErrorKind::InvalidToken) for an empty one.
    pub fn parse(_text: &str) -> Result<Self> {
        todo!("L1")
    }

    /// The secret itself: for the acquirer alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of it: what is stored.
    pub(crate) fn hash(&self) -> [u8; 32] {
        todo!("L1")
    }

    /// Whether it is the one that was hashed; takes the same time whatever the answer.
    pub(crate) fn is(&self, _hash: &[u8]) -> bool {
        todo!("L1")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}
