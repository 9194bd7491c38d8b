//! A process of the work: says what it begins and, after the call has returned, what is done.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use conclave_retry::{Sleeper, SystemSleeper};

use super::work::cacher::Cacher;
use super::work::care::Caretaker;
use super::work::drive::Driver;
use super::work::importer::Importer;
use super::work::leaser::Leaser;
use super::work::older::Older;
use super::work::own::Own;
use super::work::registrar::Registrar;
use super::work::spooler::Spooler;
use super::work::steps::Migrator;
use super::work::tasker::Tasker;
use super::work::{Role, Work, Worker};
use crate::chance::Chance;
use crate::outcome::Outcome;
use crate::output;

/// What one process is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    role: Role,
    folder: PathBuf,
    seed: u64,
    place: u64,
    /// The number of the first operation
    first: u64,
}

/// Works until the parent closes this process' input, or until it is killed.
pub(crate) fn run(options: &Options) -> Outcome<ExitCode> {
    let worker = Worker {
        role: options.role,
        place: options.place,
        seed: options.seed,
        folder: options.folder.clone(),
    };
    let ended = Arc::new(AtomicBool::new(false));
    let is_ended = Arc::clone(&ended);
    std::thread::spawn(move || {
        // The end of the input and a failure to read it are the same: nobody is there any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        is_ended.store(true, Ordering::Relaxed);
    });
    let mut number = options.first;
    let mut work = start(&worker, number)?;
    while !ended.load(Ordering::Relaxed) {
        output::line(format_args!("begin {number}"));
        match work.act(number) {
            Ok(words) => output::line(format_args!("done {number} {words}")),
            Err(error) => return Ok(failed(number, &*error)),
        }
        // Writers that never rest would only fill the file.
        let micros = Chance::of(worker.seed, &[worker.place, number, 2]).below(3000);
        SystemSleeper.sleep(Duration::from_micros(micros));
        number += 1;
    }
    Ok(ExitCode::SUCCESS)
}

fn start(worker: &Worker, first: u64) -> Outcome<Box<dyn Work>> {
    let worker = worker.clone();
    Ok(match worker.role {
        Role::Own => Box::new(Own::new(worker)?),
        Role::Older => Box::new(Older::new(worker, first)?),
        Role::Migrator => Box::new(Migrator::new(worker)?),
        Role::Caretaker => Box::new(Caretaker::new(worker)?),
        Role::Driver => Box::new(Driver::new(worker)?),
        Role::Tasker => Box::new(Tasker::new(worker)?),
        Role::Leaser => Box::new(Leaser::new(worker)?),
        Role::Registrar => Box::new(Registrar::new(worker)?),
        Role::Spooler => Box::new(Spooler::new(worker, first)?),
        Role::Importer => Box::new(Importer::new(worker)?),
        Role::Cacher => Box::new(Cacher::new(worker)?),
    })
}

fn failed(number: u64, error: &dyn std::error::Error) -> ExitCode {
    output::line(format_args!("failed {number} {}", error.to_string().replace('\n', " ")));
    ExitCode::FAILURE
}
