//! Ending a child where it least expects it, the same way each time for one seed.

use std::time::Duration;

use conclave_retry::{Sleeper, SystemSleeper};

use crate::{Child, Random};

/// Kills children at moments that follow from a seed.
#[derive(Debug)]
pub struct KillDriver {
    random: Random,
}

/// A child that was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Killed {
    /// Everything that it acknowledged.
    pub lines: Vec<String>,
    /// Whether it had ended by itself before it could be killed.
    pub ended: bool,
}

impl KillDriver {
    /// The moments of this seed.
    pub const fn new(seed: u64) -> Self {
        Self { random: Random::new(seed) }
    }

    /// The moments of this sequence.
    pub const fn with(random: Random) -> Self {
        Self { random }
    }

    /// Releases the child, lets it acknowledge up to `most_lines` lines and then go on for up to
    /// `most_after`, which it mostly does not survive: it gets SIGKILL. Both are chosen anew each time.
    pub fn run_and_kill(&mut self, mut child: Child, most_lines: u64, most_after: Duration) -> Killed {
        let wanted = self.random.below(most_lines + 1);
        let after = self.random.below(u64::try_from(most_after.as_micros()).unwrap_or(u64::MAX));
        child.release();
        let mut lines = Vec::new();
        while (lines.len() as u64) < wanted {
            match child.line() {
                Some(line) => lines.push(line),
                None => return Killed { lines, ended: true },
            }
        }
        SystemSleeper.sleep(Duration::from_micros(after));
        child.kill();
        // What it said between the last line read and its end was acknowledged too.
        lines.extend(child.lines());
        Killed { lines, ended: false }
    }
}
