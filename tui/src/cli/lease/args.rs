//! The words of `conclave lease …`, as data.

use clap::Subcommand;

/// `conclave lease …`
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    /// Show every name that is held or awaited
    List,
}

impl Lease {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        match self {
            Self::List => true,
        }
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::List => "lease list",
        }
    }
}
