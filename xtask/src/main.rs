//! `cargo xtask`: the tasks of those who work on Conclave. One module per task.

use std::process::ExitCode;

mod bench;
mod chance;
mod cli;
mod crash;
mod outcome;
mod output;
mod tidy;
mod workspace;

fn main() -> ExitCode {
    cli::run()
}
