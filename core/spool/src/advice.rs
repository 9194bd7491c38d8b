//! What helps where there is no room.

use crate::error::Result;
use crate::layout::REJECTS;
use crate::monitor::MonitorName;
use crate::quota::{Gauge, Why};
use crate::spool::Spool;

/// What makes room in this spool as it is now, in words, and nothing that would not. Of a quarantine that cannot be read it
/// says nothing.
pub fn room(spool: &Spool, gauge: &Gauge) -> String {
    if gauge.why == Some(Why::KeepFree) {
        return "make room on the disk, or lower `[spool] keep_free_pct`".to_owned();
    }
    let is_known =
        |name: &&String| MonitorName::parse(name).is_ok_and(|name| spool.options().monitors.is_known(&name));
    let usage = &gauge.usage;
    let mut helps = Vec::new();
    if usage.pending.keys().any(|name| is_known(&name)) {
        helps.push("`conclave spool flush` imports what is pending");
    }
    if usage.pending.keys().any(|name| !is_known(&name)) {
        helps.push("`[spool] monitors` makes monitors known whose files wait");
    }
    if usage.trimmable > 0 {
        helps.push("`conclave spool trim` removes what is imported");
    } else if !usage.largest_done.is_empty() {
        helps.push("what is imported may be trimmed when its hour is over");
    }
    if quarantined(spool).is_ok_and(|found| found.segments + found.rejects > 0) {
        helps.push("look through `_quarantine`");
    }
    helps.push("raise `[spool] quota_mb`");
    helps.join("; ")
}

/// Files in quarantine, of all monitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quarantined {
    /// Files that could not be read to their end.
    pub segments: u64,
    /// Files of rejected lines.
    pub rejects: u64,
}

/// Counts what is in quarantine. Writes nothing.
///
/// # Errors
/// A folder that cannot be read.
pub fn quarantined(spool: &Spool) -> Result<Quarantined> {
    let mut found = Quarantined::default();
    for name in spool.layout().quarantined()? {
        if name.ends_with(REJECTS) {
            found.rejects += 1;
        } else {
            found.segments += 1;
        }
    }
    Ok(found)
}
