//! Names of leases, and labels of their holders.

use std::fmt;

use crate::error::Result;

/// The name of a lease: 1 to 128 bytes in NFC without control characters; upper and lower case differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct LeaseName(String);

impl LeaseName {
    /// Brings it to NFC and checks it.
    ///
    /// # Errors
    /// [`LeaseErrorKind::InvalidName`](crate::LeaseErrorKind::InvalidName).
    pub fn parse(_text: &str) -> Result<Self> {
        todo!("L1")
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
    pub fn parse(_text: &str) -> Result<Self> {
        todo!("L1")
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
