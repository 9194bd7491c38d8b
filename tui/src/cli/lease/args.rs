//! The words of `conclave lease …`, as data.
//!
//! What the parser itself would refuse (`-5`, nothing at all, bytes that are no text) is taken as it comes and checked
//! by the command, which answers with the line that scripts read.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::args::Limit;

/// `conclave lease …`
#[derive(Debug, Subcommand)]
pub(crate) enum Lease {
    /// Take names for a time; of several all or none
    Acquire(Acquire),
    /// Let a lease live on, never shorter than before
    Renew(Renew),
    /// Give names back
    Release(Release),
    /// Print what is known of a name as one JSON object
    Status(One),
    /// Show every name that is held or awaited, the newest first
    List(ListLine),
    /// Ask whether a number is that of a live grant: exit 0 or 1
    Guard(Guard),
    /// Hold names while a command runs
    Run(Run),
}

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// The name, 1 to 128 bytes; may be given more than once
    #[arg(long = "lock-name", value_name = "NAME", required = true, allow_hyphen_values = true)]
    pub(super) names: Vec<OsString>,
    /// How many seconds it lives, 1 to 86400; 300 by default
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(super) ttl_sec: Option<OsString>,
    /// Who holds it, for others to read: 1 to 64 of `A-Z a-z 0-9 . _ : @ / + -`; by chance without it
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(super) holder: Option<OsString>,
    /// Wait this long in the queue
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    pub(super) wait: Option<OsString>,
    /// Together with others that share it
    #[arg(long)]
    pub(super) shared: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Where the leases are kept.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Place {
    /// Of the whole machine, and not of this project
    #[arg(long)]
    pub(super) global: bool,
}

/// `conclave lease acquire`
#[derive(Debug, Args)]
pub(crate) struct Acquire {
    #[command(flatten)]
    pub(super) wish: Wish,
    /// The lease ends with this process
    #[arg(long, value_name = "PID", allow_hyphen_values = true)]
    pub(super) bind_pid: Option<OsString>,
    /// Write the token into this new file, for nobody else to read, and do not print it
    #[arg(long, value_name = "FILE")]
    pub(super) owner_token_file: Option<PathBuf>,
}

/// Where the token comes from.
#[derive(Debug, Args)]
pub(crate) struct TokenSource {
    /// The token; `-` reads standard input. On the command line others can see it [env: `CONCLAVE_OWNER_TOKEN`]
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true, conflicts_with = "owner_token_file")]
    pub(super) owner_token: Option<OsString>,
    /// The file with the token, which nobody else may read
    #[arg(long, value_name = "FILE")]
    pub(super) owner_token_file: Option<PathBuf>,
}

/// `conclave lease renew`
#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// Which; all of the token without it
    #[arg(long = "lock-name", value_name = "NAME", allow_hyphen_values = true)]
    pub(super) names: Vec<OsString>,
    #[command(flatten)]
    pub(super) token: TokenSource,
    /// How many seconds from now, 1 to 86400; 300 by default
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true)]
    pub(super) ttl_sec: Option<OsString>,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `conclave lease release`
#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Which; all of the token without it
    #[arg(long = "lock-name", value_name = "NAME", allow_hyphen_values = true)]
    pub(super) names: Vec<OsString>,
    #[command(flatten)]
    pub(super) token: TokenSource,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `conclave lease status`
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The name
    #[arg(long = "lock-name", value_name = "NAME", allow_hyphen_values = true)]
    pub(super) name: OsString,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `conclave lease list`
#[derive(Debug, Args)]
pub(crate) struct ListLine {
    #[command(flatten)]
    pub(super) limit: Limit,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `conclave lease guard`
#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// The name
    #[arg(long = "lock-name", value_name = "NAME", allow_hyphen_values = true)]
    pub(super) name: OsString,
    /// The number that the grant came with
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub(super) fence: OsString,
    #[command(flatten)]
    pub(super) place: Place,
}

/// `conclave lease run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(super) wish: Wish,
    /// What to end with when somebody else holds it; 1 by default
    #[arg(long, value_name = "N")]
    pub(super) conflict_exit_code: Option<u8>,
    /// What to run; it gets `CONCLAVE_LOCK_NAME` and `CONCLAVE_FENCE`
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

impl Lease {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self, Self::Status(_) | Self::List(_) | Self::Guard(_))
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Acquire(_) => "lease acquire",
            Self::Renew(_) => "lease renew",
            Self::Release(_) => "lease release",
            Self::Status(_) => "lease status",
            Self::List(_) => "lease list",
            Self::Guard(_) => "lease guard",
            Self::Run(_) => "lease run",
        }
    }
}
