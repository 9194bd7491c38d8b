//! The command line. Each noun has its file; this one reads the line, runs the command and ends the process
//! with the exit code that the module `failure` decides.
//!
//! `run` never panics outwards, prints a failure as one line, and with `--json` prints exactly one document.

mod agents;
mod args;
mod ask;
mod auto;
mod cache;
mod complaint;
mod context;
mod db;
mod demo;
mod diag;
mod doctor;
mod init;
mod interrupt;
mod launched;
mod lease;
mod live;
mod manual;
mod migrate;
mod model;
mod output;
mod ports;
mod progress;
mod resume;
mod run;
mod runs;
mod sample_agent;
mod spool;
mod status;
mod table;
mod task;
mod values;
mod verdict;
mod work;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Parser as _;
use signal_hook::consts::{SIGCHLD, SIGXFSZ};

pub(crate) use self::agents::{SpawnLine, spawn_beside_ui};
use self::args::{Command, Line};
use self::context::Context;
pub(crate) use self::launched::{itself, launcher};
pub(crate) use self::output::{Output, Signs};
pub(crate) use self::sample_agent::WORD as SAMPLE_AGENT;
pub(crate) use self::task::known_type;
use crate::failure::{Exit, Failure};
use crate::logging;
use crate::project::Environment;

/// The program `conclave` itself, which its agents are started through; else as [`run`].
pub fn program(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line: Vec<OsString> = line.into_iter().collect();
    hear_of_children();
    launched::answer(&line).unwrap_or_else(|| run(line))
}

/// Runs one command line, the program's name first, and gives the exit code.
pub fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line: Vec<OsString> = line.into_iter().collect();
    survive_file_size_limit();
    ExitCode::from(caught(&line).code())
}

/// Whoever ignores SIGCHLD is told of no child how it ended, and many a caller hands that down. Caught, it is not
/// ignored, neither here nor in what is started from here. It is caught only then: a signal interrupts.
fn hear_of_children() {
    let is_ignored = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        Some(u64::from_str_radix(mask.trim(), 16).ok()? >> (SIGCHLD - 1) & 1 == 1)
    };
    if is_ignored().unwrap_or(true) {
        // Nobody asks the flag.
        let _ = signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)));
    }
}

/// Beyond the limit on file sizes (`ulimit -f`) a signal would end the process without a word. Caught, the
/// write fails with `EFBIG`, which is an error like any other. Unlike an ignored signal, a caught one is not
/// inherited by child processes.
fn survive_file_size_limit() {
    // Nobody asks the flag: the write says it.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// The panic of a defect, as its hook saw it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A defect ends as any other failure: one line, with the place in it. The terminal UI has put the terminal
/// in order by then.
fn caught(line: &[OsString]) -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(target: "conclave", "panic: {panic}");
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
    }));
    catch_unwind(AssertUnwindSafe(|| parse_and_run(line))).unwrap_or_else(|_| {
        let message = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failure = Failure::internal(message.unwrap_or_else(|| "panic".to_owned()));
        Output::plain(asks_for_json(line)).failure(&failure);
        failure.exit
    })
}

fn parse_and_run(line: &[OsString]) -> Exit {
    if let Some(exit) = sample_agent::answer(line) {
        return exit;
    }
    let parsed = match Line::try_parse_from(line) {
        Ok(parsed) => parsed,
        Err(error) => return complaint::answer(line, &error, &Output::plain(asks_for_json(line))),
    };
    let name = parsed.command.as_ref().map_or("", Command::name);
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(failure) => return told(name, &Output::plain(parsed.globals.json), &failure),
    };
    let output = Output::new(&parsed.globals, &environment);
    execute(parsed, environment, &output).unwrap_or_else(|failure| told(name, &output, &failure))
}

/// Tells a failure, as the command with this name does.
fn told(command: &str, output: &Output, failure: &Failure) -> Exit {
    if !lease::tell(command, output, failure) {
        output.failure(failure);
    }
    failure.exit
}

fn execute(line: Line, environment: Environment, output: &Output) -> Result<Exit, Failure> {
    let reads = line.command.as_ref().is_some_and(Command::reads);
    let Some(command) = line.command else {
        return context::terminal_ui(&line.globals, environment, output);
    };
    logging::start(
        logging::Wanted { verbose: line.globals.verbose, stderr: line.globals.log_stderr, reads },
        &environment,
    )?;
    if line.globals.read_only && command.changes_state() {
        return Err(Failure::read_only(command.name()));
    }
    interrupt::watch();
    let context = Context::new(&line.globals, environment, output.clone())?;
    context.run(command)
}

/// Whether the line asks for JSON, before it is understood.
fn asks_for_json(line: &[OsString]) -> bool {
    line.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}
