//! The words of `conclave ask` and `conclave host …`, as data.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::values;

/// `conclave ask`
#[derive(Debug, Args)]
pub(crate) struct AskLine {
    /// What is asked; without it and `--prompt`, standard input
    pub(crate) question: Option<OsString>,
    /// A file that holds what is asked; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "question")]
    pub(crate) prompt: Option<PathBuf>,
    /// The type of the task, which chooses the hosts
    #[arg(long, value_name = "TYPE", value_parser = values::filled)]
    pub(crate) task: Option<String>,
    /// The model; any that the host has by default
    #[arg(long, value_name = "MODEL", value_parser = values::filled)]
    pub(crate) model: Option<String>,
    /// This host and no other
    #[arg(long, value_name = "HOST", value_parser = values::filled)]
    pub(crate) host: Option<String>,
    /// What the model is told before the question
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Print the answer as it comes, as on a terminal; not with `--json`
    #[arg(long)]
    pub(crate) stream: bool,
    /// Never the fallback
    #[arg(long)]
    pub(crate) local: bool,
    /// Where no host may be asked now, wait for the first that may
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long all of it may take, such as 90s or 5m (a bare number is seconds); each host has limits of its own
    #[arg(long, value_name = "DURATION", value_parser = values::time)]
    pub(crate) timeout: Option<Duration>,
    /// The run that asks, for statistics
    #[arg(long, value_name = "KEY", hide = true, value_parser = values::filled)]
    pub(crate) run: Option<String>,
}

/// `conclave host …`
#[derive(Debug, Subcommand)]
pub(crate) enum Host {
    /// List the hosts of the configuration with what is known of them
    List {
        /// The fallback, too
        #[arg(long)]
        all: bool,
    },
    /// Ask hosts whether they are well, all where none is named; one that is open and answers is tried out by its next call
    Check(Named),
    /// Refuse all calls to hosts, until `host close` or `host reset`
    Open(Named),
    /// Ask hosts again that were opened, by hand or by failures; with all counts at zero
    Close(Named),
    /// The same, and forget which keys and models they refused
    Reset(Named),
}

/// Which hosts.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The hosts, by their names in the configuration
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
}

impl Host {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self, Self::List { .. })
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "host list",
            Self::Check(_) => "host check",
            Self::Open(_) => "host open",
            Self::Close(_) => "host close",
            Self::Reset(_) => "host reset",
        }
    }
}
