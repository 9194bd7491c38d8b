//! The settings of a spool.

use std::time::Duration;

use crate::monitor::Monitors;
use crate::quota::Limits;

/// How a spool is run. The defaults are those of the original where it has them.
#[derive(Debug, Clone, PartialEq)]
pub struct SpoolOptions {
    /// How much of the disk it may have.
    pub limits: Limits,
    /// Which monitors are known.
    pub monitors: Monitors,
    /// A sync point comes after so many events…
    pub sync_events: u32,
    /// …or when the oldest that is not durable has waited for so long.
    pub sync_interval: Duration,
    /// A segment is finalised before it would grow beyond so many bytes of lines, newlines included. An event that alone
    /// is larger has a segment of its own.
    pub segment_bytes: u64,
    /// A segment to which nothing was written for so long is finalised.
    pub idle: Duration,
    /// What may wait in memory for room on the disk, per monitor that is written by the process: bytes of lines.
    pub memory_bytes: u64,
    /// How long a flush is put off above the soft limit.
    pub soft_delay: Duration,
    /// At most one line about pressure goes to the log in so long.
    pub log_interval: Duration,
    /// How hard is compressed: 1 to 9.
    pub level: u32,
    /// A longer line is not stored, but counted as dropped.
    pub max_line_bytes: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            monitors: Monitors::default(),
            sync_events: 1_000,
            sync_interval: Duration::from_millis(500),
            segment_bytes: 8 << 20,
            idle: Duration::from_millis(1_500),
            memory_bytes: 16 << 20,
            soft_delay: Duration::from_millis(300),
            log_interval: Duration::from_mins(1),
            level: 6,
            max_line_bytes: 64 << 20,
        }
    }
}
