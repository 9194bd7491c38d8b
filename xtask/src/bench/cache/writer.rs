//! Processes that put values into the same cache file, one after the other, until they are told to stop.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use conclave_cache::{Cache as _, CacheKey};

use crate::bench::child::{Started, wait_for_go};
use crate::outcome::Outcome;
use crate::output;

/// Keys that each process writes over and over: all together stay below the limit of entries.
const KEYS: usize = 500;
/// Bytes of a value: as much as the symbols of a file.
const BYTES: usize = 2048;

/// What one process is to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    path: PathBuf,
    number: usize,
}

/// The child's side: writes until its stdin ends.
pub(crate) fn child(options: &Options) -> Outcome<ExitCode> {
    let cache = super::open(&options.path)?;
    let value = vec![u8::try_from(options.number).unwrap_or_default(); BYTES];
    wait_for_go()?;
    let stop = AtomicBool::new(false);
    let written = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut word = String::new();
            // Also when the parent is gone.
            let _ = std::io::stdin().read_line(&mut word);
            stop.store(true, Ordering::Relaxed);
        });
        let mut written = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            for key in 0..KEYS {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                cache.put(&CacheKey::user(&format!("{} {key}", options.number))?, &value)?;
                written += 1;
            }
        }
        Ok::<_, crate::outcome::Failure>(written)
    })?;
    output::line(written);
    Ok(ExitCode::SUCCESS)
}

/// The parent's side.
pub(super) struct Writers(Vec<Started>);

impl Writers {
    /// Starts so many, and lets them write.
    pub(super) fn start(file: &Path, processes: usize) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let start = |number: usize| {
            Started::new(Command::new(&program).arg("bench-cache-writer").arg(file).arg(number.to_string()))
        };
        let mut started = (0..processes).map(start).collect::<Outcome<Vec<_>>>()?;
        for child in &mut started {
            child.expect_ready()?;
        }
        for child in &mut started {
            child.go()?;
        }
        Ok(Self(started))
    }

    /// Ends them; gives how many values they wrote.
    pub(super) fn stop(self) -> Outcome<u64> {
        let mut all = self.0;
        for child in &mut all {
            child.go()?;
        }
        all.into_iter().map(Started::answer::<u64>).sum()
    }
}
