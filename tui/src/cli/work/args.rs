//! The words of `conclave work`.

use clap::Args;

use crate::cli::values;
use crate::config::MOST_JOBS;

/// `conclave work`
#[derive(Debug, Args)]
pub(crate) struct WorkLine {
    /// Whom to give tasks, by their names with commas between; by default `[work] agents`, else all that are configured
    /// for the stage `work`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = values::filled)]
    pub(crate) agents: Option<Vec<String>>,
    /// How many tasks at a time; by default `[work] jobs`, else one
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<usize>,
    /// Only tasks with this label; several, with commas between, must all be there
    #[arg(long = "label", value_name = "LABEL", value_delimiter = ',', value_parser = values::filled)]
    pub(crate) labels: Vec<String>,
    /// Only tasks of this type; by default all but epics, which are done by their children
    #[arg(long = "type", value_name = "TYPE", value_parser = values::filled)]
    pub(crate) issue_type: Option<String>,
    /// End when nothing is ready; without it new tasks are waited for
    #[arg(long)]
    pub(crate) once: bool,
    /// End after so many tasks
    #[arg(long, value_name = "N", value_parser = values::rows)]
    pub(crate) max: Option<u64>,
    /// Try those that have failed too often (label work-failed) once more, and no others
    #[arg(long)]
    pub(crate) retry: bool,
    /// Say what would be taken now, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn jobs(text: &str) -> Result<usize, String> {
    let most = usize::try_from(MOST_JOBS).unwrap_or(usize::MAX);
    match values::limit(text)? {
        number if number > most => Err(format!("must be {most} at most")),
        number => Ok(number),
    }
}
