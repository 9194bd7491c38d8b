//! The words of `conclave ports …`, as data.

use std::path::PathBuf;

use clap::Subcommand;

/// `conclave ports …`
#[derive(Debug, Subcommand)]
pub(crate) enum Ports {
    /// Print the first port of this project's block, which is allocated where there is none
    Get,
    /// List the blocks of all projects
    List,
    /// Free the blocks of projects that are gone
    Cleanup,
    /// Free the block of a project
    Release {
        /// The project's folder; this one by default
        path: Option<PathBuf>,
    },
}

impl Ports {
    /// Whether it only reads.
    pub(crate) const fn reads(&self) -> bool {
        matches!(self, Self::List)
    }

    /// It in the words of the user, for messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Get => "ports get",
            Self::List => "ports list",
            Self::Cleanup => "ports cleanup",
            Self::Release { .. } => "ports release",
        }
    }
}
