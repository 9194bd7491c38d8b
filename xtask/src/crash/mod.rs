//! `cargo xtask crash`: processes of both ages work on one project, are killed at random moments, and nothing that
//! was acknowledged may be lost, nothing may be half there, and both sides must agree.
//!
//! A project lives through some loops. What its processes do, who is killed and when follows from its seed, as far
//! as the machine's timing allows; a moment is a number of lines that a worker has said, and some microseconds.

mod agents;
mod cached;
mod check;
mod leases;
mod ledger;
mod look;
mod process;
mod project;
mod row;
mod spool;
mod tasks;
mod work;
pub(crate) mod worker;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};

use self::project::Project;
use crate::outcome::Outcome;
use crate::output;

/// A project lives through so many loops.
const LOOPS_OF_A_PROJECT: u64 = 20;
/// After the cleanup there is no way back: so many more loops are enough.
const LOOPS_AFTER_CLEANUP: u64 = 3;
/// Where nobody watches, a line is printed every so many loops.
const LOOPS_OF_A_LINE: u64 = 25;

/// The words of `cargo xtask crash`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How often the processes are started, killed and checked
    #[arg(long, default_value_t = 25)]
    loops: u64,
    /// What everything random follows from; a failure prints the one that repeats it
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What all loops have done.
#[derive(Debug, Default)]
struct Summary {
    loops: u64,
    projects: u64,
    kills: u64,
    stops: u64,
    cut_off: u64,
    acknowledged: BTreeMap<String, u64>,
    phases: BTreeMap<u8, u64>,
    took: Duration,
}

impl Summary {
    fn add(&mut self, project: &Project) {
        self.projects += 1;
        self.kills += project.counts.kills;
        self.stops += project.counts.stops;
        self.cut_off += project.ledger.cut_off;
        for (word, count) in &project.ledger.acknowledged {
            *self.acknowledged.entry(word.clone()).or_default() += count;
        }
    }

    fn print(&self) {
        let total: u64 = self.acknowledged.values().sum();
        output::line(format_args!(
            "{} loops in {} projects, {:.0} s: {} kills, {} stops, {total} acknowledged, {} cut off",
            self.loops,
            self.projects,
            self.took.as_secs_f64(),
            self.kills,
            self.stops,
            self.cut_off
        ));
        let words: Vec<String> =
            self.acknowledged.iter().map(|(word, count)| format!("{word} {count}")).collect();
        output::line(format_args!("acknowledged: {}", words.join(", ")));
        let phases: Vec<String> =
            self.phases.iter().map(|(phase, loops)| format!("{phase}: {loops}")).collect();
        output::line(format_args!("loops that ended in phase {}", phases.join(", ")));
    }
}

/// Runs the loops; fails with the first of them that finds something, and keeps its folder.
pub(crate) fn run(options: &Options) -> Outcome<ExitCode> {
    let begun = SystemClock.monotonic();
    let mut summary = Summary::default();
    let mut seed = options.seed;
    while summary.loops < options.loops {
        let folder = tempfile::Builder::new().prefix("conclave-crash-").tempdir()?;
        let mut project = Project::new(folder.path(), seed)?;
        let (mut number, mut cleaned) = (0, 0);
        while number < LOOPS_OF_A_PROJECT && cleaned < LOOPS_AFTER_CLEANUP && summary.loops < options.loops {
            number += 1;
            let checked = match project.run(number) {
                Ok(checked) => checked,
                Err(error) => {
                    let kept = project.folder().display().to_string();
                    drop(project);
                    let _ = folder.keep();
                    output::line(format_args!("loop {number} of seed {seed}: {error}"));
                    output::line(format_args!("the folder is kept: {kept}"));
                    output::line(format_args!("again: cargo xtask crash --seed {seed} --loops {number}"));
                    return Ok(ExitCode::FAILURE);
                }
            };
            summary.loops += 1;
            *summary.phases.entry(checked.phase).or_default() += 1;
            cleaned += u64::from(checked.phase == 5);
            if std::io::stdout().is_terminal() || summary.loops.is_multiple_of(LOOPS_OF_A_LINE) {
                output::line(format_args!(
                    "loop {}: seed {seed}, phase {}, {} rows, {} tasks, {} agents, {} events and {} cached as they should be",
                    summary.loops,
                    checked.phase,
                    checked.rows,
                    checked.tasks,
                    checked.agents,
                    checked.events,
                    checked.cached
                ));
            }
        }
        summary.add(&project);
        seed += 1;
    }
    summary.took = SystemClock.monotonic().saturating_sub(begun);
    summary.print();
    Ok(ExitCode::SUCCESS)
}
