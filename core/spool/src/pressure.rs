//! What waits in memory for room on the disk: all monitors of a process together, within a hard bound.

use crate::monitor::{MonitorName, Priority};

/// Lines in memory, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Memory {
    #[expect(dead_code, reason = "skeleton")]
    per_monitor: u64,
}

/// What had to go so that something could be kept: by monitor, how many lines.
pub(crate) type Evicted = Vec<(MonitorName, u64)>;

impl Memory {
    /// Room for so many bytes of lines per monitor that takes part ([`Memory::join`]).
    pub(crate) fn new(per_monitor: u64) -> Self {
        Self { per_monitor }
    }

    /// A monitor takes part, and brings its share of room; until [`Memory::leave`].
    pub(crate) fn join(&self, monitor: &MonitorName, priority: Priority) {
        let _ = (monitor, priority);
        todo!("s2")
    }

    /// A monitor ends: gives what it still has in here, and takes its share of room along.
    pub(crate) fn leave(&self, monitor: &MonitorName) -> Vec<Vec<u8>> {
        let _ = monitor;
        todo!("s2")
    }

    /// Keeps a line. Where there is no room, lines of low priority go first, the oldest first, then the oldest of all; but
    /// a line of low priority drives out none of normal priority, and one that fits nowhere goes itself. The bound holds
    /// at any time.
    pub(crate) fn keep(&self, monitor: &MonitorName, line: &[u8]) -> Evicted {
        let _ = (monitor, line);
        todo!("s2")
    }

    /// Takes the oldest lines of a monitor out, up to so many lines and bytes (one at least, where there is one).
    pub(crate) fn take(&self, monitor: &MonitorName, lines: usize, bytes: u64) -> Vec<Vec<u8>> {
        let _ = (monitor, lines, bytes);
        todo!("s2")
    }

    /// Puts lines back that were taken and could not be written: before all others of the monitor.
    pub(crate) fn put_back(&self, monitor: &MonitorName, lines: Vec<Vec<u8>>) {
        let _ = (monitor, lines);
        todo!("s2")
    }

    /// Lines of a monitor that wait.
    pub(crate) fn waiting(&self, monitor: &MonitorName) -> u64 {
        let _ = monitor;
        todo!("s2")
    }

    /// Bytes of all lines.
    pub(crate) fn bytes(&self) -> u64 {
        todo!("s2")
    }
}
