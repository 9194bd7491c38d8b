//! Whether a leader that has run everyone waits a moment for those who were just answered.
//!
//! Callers who write one thing after the other come back a few microseconds after their answer, just too late
//! for the group that commits meanwhile; without a pause they fall into two groups that take turns, each half
//! as large as it could be. So a leader expects as many as were there in the last round, and waits a fraction
//! of a commit for them. A lone writer is never waited for, and who waits in vain stops doing so for a while.

use std::time::Duration;

/// The share of the usual commit time that a pause may take.
const SHARE: u32 = 2;
/// No pause is longer, however slow the disk is.
const LONGEST: Duration = Duration::from_millis(2);
/// For how many groups at most a vain pause is remembered.
const MOST_SKIPPED: u32 = 64;

/// What the last groups were like.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    expected: usize,
    usual_commit: Duration,
    skip: u32,
    next_skip: u32,
}

impl Gather {
    /// How long the leader of a group of `members` may wait for more.
    pub(crate) fn pause(&self, members: usize) -> Duration {
        if self.skip > 0 || members == 0 || members >= self.expected {
            return Duration::ZERO;
        }
        (self.usual_commit / SHARE).min(LONGEST)
    }

    /// Whether everyone is here.
    pub(crate) const fn is_complete(&self, members: usize) -> bool {
        members >= self.expected
    }

    /// A group has committed: `paused` for more, with `members`, while `waiting` came too late.
    pub(crate) fn committed(&mut self, paused: bool, members: usize, waiting: usize, took: Duration) {
        if paused {
            if members >= self.expected {
                self.next_skip = 0;
            } else {
                self.next_skip = (self.next_skip * 2).clamp(1, MOST_SKIPPED);
                self.skip = self.next_skip;
            }
        } else {
            self.skip = self.skip.saturating_sub(1);
        }
        self.expected = members + waiting;
        // An eighth of the new value: one slow commit does not make the next pauses long.
        self.usual_commit = (self.usual_commit * 7 + took) / 8;
    }
}

#[cfg(test)]
mod tests;
