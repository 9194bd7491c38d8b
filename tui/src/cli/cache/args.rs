//! The words of `conclave cache …`, as data.

use std::path::PathBuf;

use clap::Subcommand;

/// `conclave cache …`
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Write the value of a key to standard output
    Get {
        /// The key: 1 to 1,024 bytes
        key: String,
    },
    /// Store standard input as the value of a key
    Put {
        /// The key: 1 to 1,024 bytes
        key: String,
    },
    /// Remove a key
    Delete {
        /// The key
        key: String,
    },
    /// List the symbols of source files, parsed once for all processes
    Symbols {
        /// Source files: Rust, Python, TypeScript, JavaScript, Go
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Entries, bytes and what was counted
    Stats {
        /// Set what was counted to zero
        #[arg(long)]
        reset: bool,
    },
    /// Remove all entries
    Clear,
    /// Check the cache file and say what to do
    Check {
        /// Put right what can be put right
        #[arg(long)]
        fix: bool,
    },
}

impl Cache {
    /// Whether it only reads. `symbols` keeps what it parsed, but works without that under `--read-only`.
    pub(crate) const fn reads(&self) -> bool {
        matches!(
            self,
            Self::Get { .. }
                | Self::Symbols { .. }
                | Self::Stats { reset: false }
                | Self::Check { fix: false }
        )
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } => "cache get",
            Self::Put { .. } => "cache put",
            Self::Delete { .. } => "cache delete",
            Self::Symbols { .. } => "cache symbols",
            Self::Stats { .. } => "cache stats",
            Self::Clear => "cache clear",
            Self::Check { .. } => "cache check",
        }
    }
}
