//! The words of `conclave spool …`, as data.

use clap::Subcommand;

use crate::durations;

/// `conclave spool …`
#[derive(Debug, Subcommand)]
pub(crate) enum Spool {
    /// Store events: one JSON object per line on standard input
    Write {
        /// The monitor that they are of
        monitor: String,
        /// Make each line durable before the next is read, and print `synced=N` after each
        #[arg(long)]
        sync: bool,
        /// How long to wait while another process writes to the monitor; 5s where nothing is said
        #[arg(long, value_name = "DURATION", value_parser = durations::parse)]
        wait: Option<std::time::Duration>,
    },
    /// Store sample events
    Generate {
        /// The monitor that they are of
        monitor: String,
        /// How many
        #[arg(long, value_name = "N", default_value_t = 10)]
        count: u64,
    },
    /// Recover, import into the state, and trim what is imported where the quota asks for it
    Flush {
        /// Only this monitor
        #[arg(short, long, value_name = "MONITOR")]
        monitor: Option<String>,
    },
    /// Make segments of what writers left that are gone
    Recover,
    /// Read every file, and say what is wrong with it
    Verify,
    /// Remove imported files, the oldest first, until there is room
    Trim {
        /// Say what would go, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
}

impl Spool {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self, Self::Verify | Self::Trim { dry_run: true })
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Write { .. } => "spool write",
            Self::Generate { .. } => "spool generate",
            Self::Flush { .. } => "spool flush",
            Self::Recover => "spool recover",
            Self::Verify => "spool verify",
            Self::Trim { .. } => "spool trim",
        }
    }
}
