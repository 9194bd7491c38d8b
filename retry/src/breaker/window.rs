//! The latest calls, and how many of them failed or were slow.

use std::collections::VecDeque;

use super::policy::WindowSettings;

/// What is remembered of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// A ring of calls with running sums, so that a decision does not count them again.
#[derive(Debug, Default)]
pub(super) struct Window {
    calls: VecDeque<Call>,
    failed: u32,
    slow: u32,
}

impl Window {
    pub(super) fn push(&mut self, call: Call, size: u32) {
        self.calls.push_back(call);
        self.failed += u32::from(call.failed);
        self.slow += u32::from(call.slow);
        while self.calls.len() > usize::try_from(size).unwrap_or(usize::MAX) {
            if let Some(old) = self.calls.pop_front() {
                self.failed -= u32::from(old.failed);
                self.slow -= u32::from(old.slow);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether there are calls enough, and too many of them failed or were slow.
    pub(super) fn opens(&self, settings: &WindowSettings) -> bool {
        let calls = u64::try_from(self.calls.len()).unwrap_or(u64::MAX);
        let reached = |count: u32, percent: u32| u64::from(count) * 100 >= u64::from(percent) * calls;
        calls >= u64::from(settings.minimum)
            && (reached(self.failed, settings.failure_percent)
                || settings.slow.is_some_and(|slow| reached(self.slow, slow.percent)))
    }

    /// One letter a call, the oldest first: `o` and `x` for a success and a failure, `O` and `X` for slow ones.
    pub(super) fn to_letters(&self) -> String {
        self.calls
            .iter()
            .map(|call| match (call.failed, call.slow) {
                (false, false) => 'o',
                (true, false) => 'x',
                (false, true) => 'O',
                (true, true) => 'X',
            })
            .collect()
    }

    /// The window that these letters stand for, or the first letter that stands for nothing.
    pub(super) fn from_letters(letters: &str, size: u32) -> Result<Self, char> {
        let mut window = Self::default();
        for letter in letters.chars() {
            let (failed, slow) = match letter {
                'o' => (false, false),
                'x' => (true, false),
                'O' => (false, true),
                'X' => (true, true),
                unknown => return Err(unknown),
            };
            window.push(Call { failed, slow }, size);
        }
        Ok(window)
    }
}
