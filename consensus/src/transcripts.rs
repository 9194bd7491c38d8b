//! What the agents of a run print, as events of the monitor `agent` in the spool.
//!
//! An attempt is a session of its own: `started`, then `output` as it comes, then `ended`. An event of `output` has whole
//! lines that came together (of a line that does not end, 16 KiB at a time), so that the texts of one stream, in the order
//! of their ids, are what the agent wrote, but for bytes that are no UTF-8.
//!
//! A monitor has one writer at a time, and several runs go on at once. So events wait in memory, and a thread writes what
//! waits as one segment, at the end of an attempt and in between every five seconds or 8 MiB: the lock is held for as long
//! as that takes. Whoever is killed loses what had not been written.
//!
//! A run never waits for its transcripts before its end, and never fails for them. Where another process writes to the
//! monitor, or the spool is broken, events wait within a bound and are tried again every five seconds, and at the end of the
//! run once more. What is lost is counted ([`Kept`]), and among the drops of the spool: as `busy` for want of the monitor,
//! otherwise as `disk_full` or `io`. Where the spool is full, events are dropped at once, and counted there as those of any writer.

mod attempt;
mod keeper;
mod text;
mod ulid;

use std::sync::Arc;

use conclave_retry::{Clock, SystemRandom};
use conclave_spool::Spool;

use self::attempt::Sink;
pub(crate) use self::attempt::{About, Transcript};
use self::keeper::Keeper;

/// The monitor that the events are of.
pub const MONITOR: &str = "agent";

/// Takes the streams of agents to a spool. Clones share what waits; the last one that goes writes it.
#[derive(Debug, Clone)]
pub struct Transcripts {
    keeper: Arc<Keeper>,
}

/// What became of events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Durable in the spool.
    pub stored: u64,
    /// Dropped, for whatever reason.
    pub dropped: u64,
    /// What went wrong last, in words.
    pub problem: Option<String>,
}

impl Transcripts {
    /// Into this spool. Touches nothing before there is something to write.
    pub fn new(spool: Spool) -> Self {
        Self { keeper: Arc::new(Keeper::new(spool)) }
    }

    /// Writes what waits, and gives what became of all events. Blocks until that is done, which takes some seconds where
    /// others write just then. What comes later is dropped.
    pub fn finish(&self) -> Kept {
        self.keeper.finish()
    }

    /// For one attempt.
    pub(crate) fn of_attempt(&self, about: About, clock: Arc<dyn Clock>) -> Transcript {
        let random = Arc::new(SystemRandom);
        Transcript::begin(about, Arc::clone(&self.keeper) as Arc<dyn Sink>, clock, random)
    }
}
