//! The last line that a child wrote, for people who watch: bounded in length and in number, whatever it writes.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// Longer lines are cut here, in bytes.
const LONGEST: usize = 512;
/// Nobody reads more than ten lines a second.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives lines on: the first at once, then the newest of each pause.
pub(super) struct Progress<F> {
    lines: F,
    /// Empty when it was given on.
    newest: Vec<u8>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<F: FnMut(&str)> Progress<F> {
    pub(super) const fn new(lines: F) -> Self {
        Self { lines, newest: Vec::new(), pause: None }
    }

    /// Gives on what is due, and wakes the task when more will be.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) {
        while !self.newest.is_empty() {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return;
                }
                self.pause = None;
            }
            self.finish();
            self.pause = Some(Box::pin(sleep(PAUSE)));
        }
    }

    /// Gives on the last line, due or not.
    pub(super) fn finish(&mut self) {
        if !self.newest.is_empty() {
            (self.lines)(&String::from_utf8_lossy(&self.newest));
            self.newest.clear();
        }
    }
}

/// One stream, cut into lines. A carriage return ends one too, as progress bars have it; empty lines are none.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    pub(super) fn take(&mut self, piece: &[u8], progress: &mut Progress<impl FnMut(&str)>) {
        let mut parts = piece.split(|byte| matches!(byte, b'\n' | b'\r'));
        self.begin(parts.next().unwrap_or_default());
        for part in parts {
            self.end(progress);
            self.begin(part);
        }
    }

    /// The line ends here, if one was begun.
    pub(super) fn end<F>(&mut self, progress: &mut Progress<F>) {
        if !self.begun.trim_ascii().is_empty() {
            std::mem::swap(&mut self.begun, &mut progress.newest);
        }
        self.begun.clear();
    }

    fn begin(&mut self, part: &[u8]) {
        let free = LONGEST.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(part.get(..free).unwrap_or(part));
    }
}

#[cfg(test)]
mod tests;
