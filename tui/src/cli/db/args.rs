//! The words of `conclave db …`, as data.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::values;

/// `conclave db` and what follows.
#[derive(Debug, Args)]
pub(crate) struct DbLine {
    #[command(subcommand)]
    pub(crate) command: DbCommand,
    /// The machine-wide file in place of the project's state
    #[arg(long, global = true)]
    pub(crate) global: bool,
}

/// `conclave db …`
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Print the schema version of the file, `version=N`
    SchemaVersion,
    /// Print every table as one JSON object
    Dump,
    /// Answer one SELECT as a JSON array; nothing that is given to it can change anything
    ///
    /// The rows are printed as they come. Where it fails or its time is over after the first of them, the array stays
    /// without its closing bracket, so that nobody takes a part for the whole; the error stands on standard error, and the
    /// exit code is not 0.
    Query {
        /// One statement that only reads
        #[arg(allow_hyphen_values = true)]
        sql: String,
        /// Give up after this time
        #[arg(long, value_name = "TIME", value_parser = crate::durations::parse)]
        timeout: Option<Duration>,
    },
    /// Sizes, pragmas, versions and row counts of the database file
    Stats,
    /// Begin anew: a verified backup is made first, the numbers of leases go on; on a terminal it asks first
    Reset {
        /// Do not ask
        #[arg(long)]
        force: bool,
    },
    /// All checks, each ok, warn or fail with advice
    Check,
    /// Write a verified copy, and keep the newest ones
    Backup {
        /// A folder, or a file to be written; `.conclave/backups` by default
        ///
        /// A name of a folder that is there, one that ends in a slash, and one without an extension is a folder: the
        /// copy gets a name with the time in it, and older ones beyond `--keep` go. Anything else is the file itself,
        /// which must not be there yet. Folders that are missing are made.
        to: Option<PathBuf>,
        /// Copies to keep in the folder
        #[arg(long, value_name = "N", value_parser = values::limit, default_value = "7")]
        keep: usize,
    },
    /// Put a backup in the place of the state
    Restore {
        /// The backup; the newest of `.conclave/backups` by default
        from: Option<PathBuf>,
        /// Also while a lease is held
        #[arg(long)]
        force: bool,
    },
    /// Give free pages back to the file system, in slices beside other writers
    Vacuum {
        /// Rewrite the whole file at once; other users wait
        #[arg(long)]
        full: bool,
    },
    /// Copy the write-ahead log into the file
    Checkpoint {
        /// Also wait for readers, and cut the log to nothing
        #[arg(long)]
        truncate: bool,
    },
    /// Rewrite an old file so that it can give free pages back
    Convert,
}

impl DbCommand {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self, Self::SchemaVersion | Self::Dump | Self::Query { .. } | Self::Stats | Self::Check)
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::SchemaVersion => "db schema-version",
            Self::Dump => "db dump",
            Self::Query { .. } => "db query",
            Self::Stats => "db stats",
            Self::Reset { .. } => "db reset",
            Self::Check => "db check",
            Self::Backup { .. } => "db backup",
            Self::Restore { .. } => "db restore",
            Self::Vacuum { .. } => "db vacuum",
            Self::Checkpoint { .. } => "db checkpoint",
            Self::Convert => "db convert",
        }
    }
}
