//! The secret of a holder: only its hash is stored.

use std::fmt::{self, Write};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{LeaseError, LeaseErrorKind, Result};
use crate::name::HolderId;

/// SHA-256 of a token.
pub(crate) type TokenHash = [u8; 32];

/// 128 bits from the system's random source, as 32 lower-case hexadecimal digits.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A new one, and 8 digits for a holder without a label: one question to the system for both.
    pub(crate) fn random() -> Result<(Self, HolderId)> {
        let mut bytes = [0_u8; 20];
        getrandom::fill(&mut bytes).map_err(|error| LeaseError::Io {
            what: "ask the system for random bytes".to_owned(),
            source: std::io::Error::other(error),
        })?;
        let (secret, label) = bytes.split_at(16);
        Ok((Self(hexadecimal(secret)), HolderId::stored(hexadecimal(label))))
    }

    /// Takes what somebody says is one. Any text that is not empty can be asked about: one that is not 32 lower-case
    /// hexadecimal digits is simply nobody's.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidToken`](crate::LeaseErrorKind::InvalidToken) for an empty one.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            let text = "the owner's token is empty".to_owned();
            return Err(LeaseError::Invalid { kind: LeaseErrorKind::InvalidToken, text });
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret itself: for the acquirer alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of it: what is stored.
    pub(crate) fn hash(&self) -> TokenHash {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// Whether both are of one token; takes the same time whatever the answer.
pub(crate) fn same(one: &TokenHash, other: &TokenHash) -> bool {
    one.ct_eq(other).into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests;
