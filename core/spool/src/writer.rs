//! The writer of a monitor: appends lines, makes them durable at sync points, finalises segments.
//!
//! It has no thread: whoever has it calls [`SpoolWriter::tick`] when [`SpoolWriter::due_in`] says so.

use std::time::Duration;

use crate::error::Result;
use crate::monitor::MonitorName;
use crate::spool::Spool;

/// The one writer of a monitor, as long as it lives (flock(2) on `<monitor>/.writer.lock`).
#[derive(Debug)]
pub struct SpoolWriter {}

/// What became of what a writer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Finished {
    /// Lines that were given, blank ones not counted.
    pub written: u64,
    /// Of these, durable.
    pub durable: u64,
    /// Of these, dropped and counted, by whatever reason.
    pub dropped: u64,
}

impl SpoolWriter {
    pub(crate) fn open(spool: &Spool, monitor: &MonitorName, patience: Duration) -> Result<Self> {
        let _ = (spool, monitor, patience);
        todo!("s1")
    }

    /// Takes a line, without its newline; a blank one is left out. It is durable after the next sync point, which may
    /// happen in here. `line` has no newline in it.
    ///
    /// # Errors
    /// A sync point that failed. The line is kept in memory (within its bound) and tried again at the next one.
    pub fn append(&mut self, line: &[u8]) -> Result<()> {
        let _ = line;
        todo!("s1")
    }

    /// A sync point: what was appended is durable when this returns `Ok`, but for what waits in memory because the quota
    /// is used up ([`SpoolWriter::waiting`]).
    pub fn sync(&mut self) -> Result<()> {
        todo!("s1")
    }

    /// Does what the time asks for: a sync point, or the end of an idle segment.
    pub fn tick(&mut self) -> Result<()> {
        todo!("s1")
    }

    /// How long until there is something to do; `None` while there is nothing.
    pub fn due_in(&self) -> Option<Duration> {
        todo!("s1")
    }

    /// Lines of this writer that are durable.
    pub fn durable(&self) -> u64 {
        todo!("s1")
    }

    /// Lines of this writer that wait in memory.
    pub fn waiting(&self) -> u64 {
        todo!("s1")
    }

    /// Ends: a last sync point, the segment finalised and catalogued, the lock freed. What still waits in memory is
    /// dropped and counted.
    pub fn finish(self) -> Result<Finished> {
        todo!("s1")
    }
}
