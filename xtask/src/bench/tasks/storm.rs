//! Processes that claim, one task after the other, until nothing is left.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::ValueEnum;
use conclave_retry::{Clock, SystemClock};
use conclave_tasks::read::ReadyQuery;
use conclave_tasks::work;
use serde::{Deserialize, Serialize};

use super::{file, millis};
use crate::bench::child::{Started, wait_for_go};
use crate::bench::harness::Harness;
use crate::bench::peers::tasks::{self as peer, Store};
use crate::bench::row::{Measured, Target, real};
use crate::outcome::Outcome;
use crate::output;

const TASKS: usize = 2000;
const WAIT: &str = "tasks, claims, worst wait";
const LATE: &str = "tasks, claims, p99 wait";
const SHARE: &str = "tasks, claims, smallest share";
const TIME: &str = "tasks, claims, until all are taken";
const ERRORS: &str = "tasks, claims, errors and tasks without one owner";

/// Who claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Claimant {
    Ours,
    Plain,
}

/// What one process is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    claimant: Claimant,
    path: PathBuf,
    who: String,
}

/// What one process has had.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Claims {
    ids: Vec<String>,
    /// Of each claim, the last in vain, in µs.
    waits: Vec<u64>,
    error: Option<String>,
}

/// What all have had.
#[derive(Debug)]
struct Storm {
    worst_ms: f64,
    p99_ms: f64,
    share: f64,
    took_ms: f64,
    /// Failed processes, and tasks that nobody or more than one has.
    errors: f64,
    first_error: Option<String>,
}

/// The child's side.
pub(crate) fn child(options: &Options) -> Outcome<ExitCode> {
    let who = options.who.as_str();
    let claims = match options.claimant {
        Claimant::Ours => {
            let db = super::open(&options.path)?;
            wait_for_go()?;
            claim_all(|| {
                let claimed = work::claim_ready(&db, who, &ReadyQuery::default(), None)?;
                Ok(claimed.first().map(|row| row.id().to_owned()))
            })
        }
        Claimant::Plain => {
            let store = Store::open(&options.path)?;
            wait_for_go()?;
            claim_all(|| store.claim(who))
        }
    };
    output::line(serde_json::to_string(&claims)?);
    Ok(ExitCode::SUCCESS)
}

fn claim_all(mut claim: impl FnMut() -> Outcome<Option<String>>) -> Claims {
    let mut claims = Claims::default();
    loop {
        let begun = SystemClock.monotonic();
        let claimed = claim();
        let waited = SystemClock.monotonic().saturating_sub(begun).as_micros();
        claims.waits.push(u64::try_from(waited).unwrap_or(u64::MAX));
        match claimed {
            Ok(Some(id)) => claims.ids.push(id),
            Ok(None) => return claims,
            Err(error) => {
                claims.error = Some(error.to_string());
                return claims;
            }
        }
    }
}

/// Measures the storms.
pub(super) fn run(harness: &mut Harness) -> Outcome {
    for (processes, wait) in [(8, 1.0 / 5.0), (64, 1.0 / 3.0)] {
        let condition = format!("2,000 tasks, {processes} processes");
        if [WAIT, LATE, SHARE, TIME, ERRORS].iter().any(|row| harness.wants(row, &condition)) {
            storms(harness, &condition, processes, Target::RatioAtMost(wait))?;
        }
    }
    Ok(())
}

fn storms(harness: &mut Harness, condition: &str, processes: usize, wait: Target) -> Outcome {
    let repeats = if harness.quick { 3 } else { 7 };
    let storms = Harness::in_turns(repeats, 2, |contender| {
        let claimant = if contender == 0 { Claimant::Ours } else { Claimant::Plain };
        let folder = Harness::folder()?;
        let source = folder.path().join("tasks.jsonl");
        std::fs::write(&source, file::free(TASKS).bytes)?;
        let path = folder.path().join("tasks.db");
        match claimant {
            Claimant::Ours => super::ours_imports(&super::open(&path)?, &source)?,
            Claimant::Plain => Store::create(&path)?.import(&source)?,
        };
        storm(claimant, &path, processes)
    })?;
    let of = |contender: usize, value: fn(&Storm) -> f64| {
        storms[contender].iter().map(value).collect::<Vec<f64>>()
    };
    for (row, unit, value, target) in [
        (WAIT, "ms", (|storm| storm.worst_ms) as fn(&Storm) -> f64, wait),
        (LATE, "ms", |storm| storm.p99_ms, Target::None),
        (SHARE, "of fair", |storm| storm.share, Target::OursAtLeast(0.25)),
        (TIME, "ms", |storm| storm.took_ms, Target::None),
    ] {
        let (ours, theirs) = (of(0, value), of(1, value));
        harness.add(Measured::beside((row, condition, unit), &ours, (peer::CLAIMS, &theirs), target));
    }
    let errors: f64 = of(0, |storm| storm.errors).iter().sum();
    harness.add(Measured::alone((ERRORS, condition, "errors"), &[errors], Target::OursAtMost(0.0)));
    for (storms, name) in storms.iter().zip(["ours", peer::CLAIMS]) {
        if let Some(first) = storms.iter().find_map(|storm| storm.first_error.as_deref()) {
            harness.note(format!("{condition}, {name}: {first}"));
        }
    }
    Ok(())
}

/// All at once, until nothing is left.
fn storm(claimant: Claimant, path: &Path, processes: usize) -> Outcome<Storm> {
    let word = claimant.to_possible_value().ok_or("a claimant without a word")?;
    let program = std::env::current_exe()?;
    let mut started = (0..processes)
        .map(|number| {
            let mut command = Command::new(&program);
            command.args(["bench-claims", word.get_name()]).arg(path).arg(format!("agent-{number}"));
            Started::new(&mut command)
        })
        .collect::<Outcome<Vec<_>>>()?;
    for child in &mut started {
        child.expect_ready()?;
    }
    let begun = SystemClock.monotonic();
    for child in &mut started {
        child.go()?;
    }
    let claims = started.into_iter().map(Started::answer).collect::<Outcome<Vec<Claims>>>()?;
    let took = SystemClock.monotonic().saturating_sub(begun);
    Ok(summed(&claims, millis(took)))
}

fn summed(claims: &[Claims], took_ms: f64) -> Storm {
    let mut waits: Vec<u64> = claims.iter().flat_map(|claims| claims.waits.iter().copied()).collect();
    waits.sort_unstable();
    let late = (waits.len() * 99).div_ceil(100).saturating_sub(1);
    let mut ids: Vec<&str> = claims.iter().flat_map(|claims| &claims.ids).map(String::as_str).collect();
    let claimed = ids.len();
    ids.sort_unstable();
    ids.dedup();
    let failed = claims.iter().filter(|claims| claims.error.is_some()).count();
    let wrong = (claimed - ids.len()) + TASKS.abs_diff(ids.len()) + failed;
    let fair = real(TASKS as u64) / real(claims.len() as u64);
    let least = claims.iter().map(|claims| claims.ids.len()).min().unwrap_or(0);
    Storm {
        worst_ms: real(waits.last().copied().unwrap_or(0)) / 1e3,
        p99_ms: real(waits.get(late).copied().unwrap_or(0)) / 1e3,
        share: real(least as u64) / fair,
        took_ms,
        errors: real(wrong as u64),
        first_error: claims.iter().find_map(|claims| claims.error.clone()),
    }
}

#[cfg(test)]
mod tests;
