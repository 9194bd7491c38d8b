//! sqlx links a SQLite of its own, so it is a program of its own: built on demand, a process in each repeat.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::child::Started;
use crate::bench::load::{Load, Window};
use crate::outcome::Outcome;
use crate::{output, workspace};

/// Named in the table.
pub(crate) const NAME: &str = "sqlx pool (10), BEGIN IMMEDIATE, own process";

fn folder() -> PathBuf {
    workspace::target().join("peers/sqlx")
}

/// Builds the program, or says why there is none. Takes minutes the first time, so a quick run does not.
pub(crate) fn build(quick: bool) -> Result<(), String> {
    if quick && !program().exists() {
        return Err("a quick run does not build it".to_owned());
    }
    output::note("building the sqlx peer");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // From the root, so that it gets the same flags for SQLite as we do.
    cargo.current_dir(workspace::root()).args(["build", "--quiet", "--release", "--locked"]);
    cargo.arg("--manifest-path").arg(workspace::root().join("xtask/peers/sqlx/Cargo.toml"));
    cargo.arg("--target-dir").arg(folder());
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo build: {status}")),
        Err(error) => Err(format!("cargo build: {error}")),
    }
}

fn program() -> PathBuf {
    folder().join("release/conclave-bench-sqlx")
}

/// Durable one-row writes of as many tasks.
pub(crate) fn write(path: &Path, tasks: usize, window: Window) -> Outcome<Load> {
    let mut command = Command::new(program());
    command.arg(path).arg(tasks.to_string()).arg(window.measured.as_millis().to_string());
    let mut started = Started::new(&mut command)?;
    started.expect_ready()?;
    started.go()?;
    started.answer()
}
