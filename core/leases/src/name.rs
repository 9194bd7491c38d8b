//! Names of leases, and labels of their holders.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::error::{LeaseError, LeaseErrorKind, Result};

/// The longest name, in bytes of NFC.
const LONGEST_NAME: usize = 128;
/// Who gives more than this is not read to the end: no text grows this much shorter by composition.
const LONGEST_TEXT: usize = 16 * LONGEST_NAME;
/// The longest label.
const LONGEST_HOLDER: usize = 64;

/// The name of a lease: 1 to 128 bytes in NFC without control characters; upper and lower case differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct LeaseName(String);

impl LeaseName {
    /// Brings it to NFC and checks it. White space alone is no name, and what ends a line is a control character.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidName`](crate::LeaseErrorKind::InvalidName).
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |what: &str| {
            let text = format!("the name of a lease {what}");
            Err(LeaseError::Invalid { kind: LeaseErrorKind::InvalidName, text })
        };
        if text.len() > LONGEST_TEXT {
            return invalid("has at most 128 bytes");
        }
        let name: String = text.nfc().collect();
        if name.len() > LONGEST_NAME {
            return invalid("has at most 128 bytes");
        }
        if name.chars().any(|char| char.is_control() || matches!(char, '\u{2028}' | '\u{2029}')) {
            return invalid("has no control characters");
        }
        if name.trim().is_empty() {
            return invalid("is not empty");
        }
        Ok(Self(name))
    }

    /// One that was checked before it was stored.
    pub(crate) const fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Who holds, for people: a label that was chosen, else 8 hexadecimal digits by chance. No secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct HolderId(String);

impl HolderId {
    /// Checks a label: 1 to 64 of `[A-Za-z0-9._:@/+-]`.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidHolder`](crate::LeaseErrorKind::InvalidHolder).
    pub fn parse(text: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@/+-".contains(&byte);
        if text.is_empty() || text.len() > LONGEST_HOLDER || !text.bytes().all(fits) {
            let text = "a holder's label has 1 to 64 of A-Z a-z 0-9 . _ : @ / + -".to_owned();
            return Err(LeaseError::Invalid { kind: LeaseErrorKind::InvalidHolder, text });
        }
        Ok(Self(text.to_owned()))
    }

    /// One by chance, or one that was checked before it was stored.
    pub(crate) const fn stored(label: String) -> Self {
        Self(label)
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HolderId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
