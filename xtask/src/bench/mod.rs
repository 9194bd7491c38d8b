//! `cargo xtask bench`: Conclave beside its peers, in one run, on one disk.
//!
//! It measures and does not judge: a missed target is shown, and the exit code stays 0. Ours and each peer run
//! in turns, so that whatever else the machine does meets all of them; ratios count, absolute times are noise.

pub(crate) mod backfill;
pub(crate) mod cache;
pub(crate) mod child;
mod cleanup;
mod contender;
mod dual;
mod durable;
mod harness;
mod import;
mod leases;
mod load;
mod machine;
pub(crate) mod models;
mod peers;
mod reads;
mod report;
mod row;
mod runs;
mod spool;
mod store;
pub(crate) mod tasks;
mod vacuum;
mod writes;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use self::harness::Harness;
use crate::outcome::Outcome;
use crate::{output, workspace};

/// The words of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the rows whose "row: condition" contains this
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Short windows and few repeats: to see that it works, not to quote
    #[arg(long)]
    quick: bool,
    /// Write the result to this file as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Measures, prints the table, and writes it. A whole run writes `docs/benchmarks.md`.
pub(crate) fn run(options: &Options) -> Outcome<ExitCode> {
    if cfg!(debug_assertions) {
        return in_release(options);
    }
    let before = machine::Machine::look(&harness::folder())?;
    let mut harness = Harness::new(options.quick, options.only.as_deref());
    durable::run(&mut harness)?;
    reads::run(&mut harness)?;
    dual::run(&mut harness)?;
    vacuum::run(&mut harness)?;
    import::run(&mut harness)?;
    backfill::run(&mut harness)?;
    cleanup::run(&mut harness)?;
    runs::run(&mut harness)?;
    tasks::run(&mut harness)?;
    leases::run(&mut harness)?;
    spool::run(&mut harness)?;
    cache::run(&mut harness)?;
    models::run(&mut harness)?;
    let report = report::Report::new(before, harness);
    output::line(report.markdown());
    if let Some(file) = &options.json {
        std::fs::write(file, report.json()?)?;
    }
    if options.quick || options.only.is_some() {
        output::note("docs/benchmarks.md stays as it is: only a whole run writes it");
    } else {
        let docs = workspace::root().join("docs");
        std::fs::create_dir_all(&docs)?;
        std::fs::write(docs.join("benchmarks.md"), report.markdown())?;
        std::fs::write(docs.join("benchmarks.json"), report.json()?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A debug build would measure the compiler: builds this program in release, and runs that.
fn in_release(options: &Options) -> Outcome<ExitCode> {
    output::note("built for debugging: measuring with a release build of the same program");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    if let Some(only) = &options.only {
        cargo.arg("--only").arg(only);
    }
    if options.quick {
        cargo.arg("--quick");
    }
    if let Some(file) = &options.json {
        cargo.arg("--json").arg(file);
    }
    let status = cargo.status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}
