//! The words of `cargo xtask`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{bench, crash, output, tidy};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Tasks of those who work on Conclave")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// The same words as `conclave migrate`, and the same functions
    #[command(disable_help_flag = true)]
    Migrate {
        /// What `conclave migrate` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Measure Conclave beside its peers; writes docs/benchmarks.md
    Bench(bench::Options),
    /// Check the invariants of ARCHITECTURE.md; `cargo test --workspace` does it too
    Tidy,
    /// Print what the migrations make, compare docs/schema.md with it, or write it
    Schema(tidy::SchemaOptions),
    /// Kill processes of both ages at random moments, and check what they have left
    Crash(crash::Options),
    /// One process of a crash loop
    #[command(hide = true)]
    CrashWorker(crash::worker::Options),
    /// One process of a benchmark
    #[command(hide = true)]
    BenchChild(bench::child::Options),
    /// The process of a benchmark that backfills
    #[command(hide = true)]
    BenchBackfill(bench::backfill::Options),
    /// A process of a benchmark that writes to a cache
    #[command(hide = true)]
    BenchCacheWriter(bench::cache::writer::Options),
    /// A process of a benchmark that claims tasks
    #[command(hide = true)]
    BenchClaims(bench::tasks::storm::Options),
    /// The same words as `conclave`: a process of a benchmark
    #[command(hide = true, disable_help_flag = true)]
    BenchProgram {
        /// What `conclave` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// A process of a benchmark that asks a model without any client
    #[command(hide = true)]
    BenchBare(bench::models::bare::Options),
}

/// Runs the task that the command line asks for.
pub(crate) fn run() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Migrate { words } => Ok(migrate(words)),
        Task::Bench(options) => bench::run(&options),
        Task::Tidy => tidy::run(),
        Task::Schema(options) => tidy::schema(&options),
        Task::Crash(options) => crash::run(&options),
        Task::CrashWorker(options) => crash::worker::run(&options),
        Task::BenchChild(options) => bench::child::run(&options),
        Task::BenchBackfill(options) => bench::backfill::child(&options),
        Task::BenchCacheWriter(options) => bench::cache::writer::child(&options),
        Task::BenchClaims(options) => bench::tasks::storm::child(&options),
        Task::BenchProgram { words } => Ok(program(words)),
        Task::BenchBare(options) => bench::models::bare::child(&options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            output::note(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs the words as the program itself would: its exit codes, its output.
fn migrate(words: Vec<OsString>) -> ExitCode {
    program(std::iter::once("migrate".into()).chain(words))
}

fn program(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    conclave::cli::run(std::iter::once("conclave".into()).chain(words))
}
