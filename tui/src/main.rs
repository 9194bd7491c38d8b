//! The binary `conclave`: everything is in the library, so that `cargo xtask` can call the same functions.

use std::process::ExitCode;

fn main() -> ExitCode {
    conclave::cli::program(std::env::args_os())
}
