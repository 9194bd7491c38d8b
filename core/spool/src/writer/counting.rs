//! Drops of a writer, on their way to where every process sees them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::SpoolWriter;
use crate::drops::{self, Otherwise, Reason};
use crate::error::Result;
use crate::monitor::MonitorName;
use crate::notices;

type ByReason = BTreeMap<(MonitorName, Reason), u64>;

/// Drops that are not counted where others see them, and those that the log was not told of.
#[derive(Debug, Default)]
pub(super) struct Uncounted {
    drops: ByReason,
    unsaid: ByReason,
    /// When the log was told last.
    said: Option<Duration>,
}

impl Uncounted {
    pub(super) fn add(&mut self, monitor: &MonitorName, reason: Reason, lines: u64) {
        for all in [&mut self.drops, &mut self.unsaid] {
            *all.entry((monitor.clone(), reason)).or_default() += lines;
        }
    }

    /// All that are not counted.
    pub(super) fn lines(&self) -> u64 {
        self.drops.values().sum()
    }

    /// What the log is to be told now: the first drop, then what came in an interval, and all of it at the end.
    fn take_unsaid(&mut self, now: Duration, interval: Duration, is_end: bool) -> ByReason {
        let is_due = self.said.is_none_or(|said| said.saturating_add(interval) <= now);
        if self.unsaid.is_empty() || !(is_due || is_end) {
            return ByReason::new();
        }
        self.said = Some(now);
        std::mem::take(&mut self.unsaid)
    }
}

impl SpoolWriter {
    /// Counts drops where others see them; what cannot be counted now is counted later.
    pub(super) fn count_drops(&mut self) -> Result<()> {
        let now = self.now();
        let interval = self.shared().options.log_interval;
        for ((monitor, reason), lines) in self.uncounted.take_unsaid(now, interval, self.ended) {
            notices::dropped(&monitor, reason, lines);
        }
        if self.uncounted.drops.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        for ((monitor, reason), lines) in std::mem::take(&mut self.uncounted.drops) {
            // The lock of another monitor is another writer's, or was.
            let otherwise = match (monitor == self.monitor && !self.displaced, self.ended) {
                (true, _) => Otherwise::Added,
                (false, true) => Otherwise::Apart,
                (false, false) => Otherwise::Nowhere,
            };
            if let Err(error) = drops::count(self.shared(), &monitor, reason, lines, otherwise) {
                self.uncounted.drops.insert((monitor, reason), lines);
                result = Err(error);
            }
        }
        // Once another one is the writer, the file is that one's.
        if !self.displaced {
            drops::reserve(&self.shared().layout, &self.monitor);
        }
        result
    }

    pub(super) fn count_drops_if_possible(&mut self) {
        if let Err(error) = self.count_drops() {
            tracing::debug!(monitor = self.monitor.as_str(), %error, "drops are counted later");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ByReason, MonitorName, Reason, Uncounted};

    #[test]
    fn the_log_is_told_at_once_then_once_in_an_interval_and_at_the_end() {
        let monitor = MonitorName::parse("keyboard").unwrap();
        let of = |lines| ByReason::from([((monitor.clone(), Reason::Quota), lines)]);
        let (second, minute) = (Duration::from_secs(1), Duration::from_mins(1));
        let mut uncounted = Uncounted::default();
        assert_eq!(uncounted.take_unsaid(second, minute, true), ByReason::new());
        let mut add = |lines, now, is_end| {
            uncounted.add(&monitor, Reason::Quota, lines);
            uncounted.take_unsaid(now, minute, is_end)
        };
        assert_eq!(add(2, second, false), of(2));
        assert_eq!(add(3, second * 2, false), ByReason::new());
        assert_eq!(add(4, minute, false), ByReason::new());
        assert_eq!(add(5, minute + second, false), of(12));
        assert_eq!(add(6, minute + second, true), of(6));
        assert_eq!(uncounted.lines(), 20);
    }
}
