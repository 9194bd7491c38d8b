//! The options of what reads and writes files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use conclave_tasks::exchange::Order;

/// `conclave task import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file, JSONL; `-` reads standard input
    pub(crate) file: PathBuf,
    /// Import the good lines and keep the bad ones in this folder, with their numbers and reasons
    #[arg(long, value_name = "DIR")]
    pub(crate) quarantine: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// When everything is durable, rename the file to FILE.backup
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) archive: bool,
}

/// `conclave task export`
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The file, replaced as a whole; standard output by default. Written under --read-only too: no state changes
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The order of the lines
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = FileOrder::Id)]
    pub(crate) order: FileOrder,
    /// Also over a file that holds what is not here
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// `conclave task sync`
#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The file, JSONL; it is made where it is missing
    pub(crate) file: PathBuf,
    /// The order of the lines that are written
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = FileOrder::Id)]
    pub(crate) order: FileOrder,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Put texts that both sides have changed one after the other, instead of taking the later one
    #[arg(long)]
    pub(crate) concat: bool,
    /// Also with a file that has no task of its last sync, or would remove more than half of them here
    #[arg(long)]
    pub(crate) force: bool,
}

/// `conclave task merge`
#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The file that both sides came from
    #[arg(required_unless_present = "install", requires = "left", value_name = "BASE")]
    pub(crate) base: Option<PathBuf>,
    /// Our side
    #[arg(requires = "right", value_name = "LEFT")]
    pub(crate) left: Option<PathBuf>,
    /// Their side
    #[arg(requires = "output", value_name = "RIGHT")]
    pub(crate) right: Option<PathBuf>,
    /// Where the merged file goes; it may be one of the three. Written under --read-only too: no state changes
    #[arg(short, long, value_name = "OUT", requires = "right")]
    pub(crate) output: Option<PathBuf>,
    /// The order of the lines
    #[arg(long, value_name = "ORDER", value_enum, default_value_t = FileOrder::Id)]
    pub(crate) order: FileOrder,
    /// Put texts that both sides have changed one after the other, instead of taking the later one
    #[arg(long)]
    pub(crate) concat: bool,
    /// Make git merge files of these patterns with Conclave; `.beads/*.jsonl` by default
    #[arg(
        long,
        value_name = "PATTERN",
        num_args = 0..,
        conflicts_with_all = ["base", "left", "right", "output", "order", "concat"]
    )]
    pub(crate) install: Option<Vec<String>>,
}

/// The order of the lines of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileOrder {
    /// Headers, then by id, byte by byte; lines without one last
    Id,
    /// As they were read; new ones last
    File,
}

impl From<FileOrder> for Order {
    fn from(order: FileOrder) -> Self {
        match order {
            FileOrder::Id => Self::Id,
            FileOrder::File => Self::File,
        }
    }
}
