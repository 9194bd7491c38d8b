//! A request to end children: asked once they may end in order, asked twice they are killed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use conclave_retry::CancelToken;

/// A stop that several can ask for and many listen to. Clones are the same stop.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    own: Level,
    above: Vec<Level>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    is_asked: Arc<AtomicBool>,
    asked: CancelToken,
    at_once: CancelToken,
}

impl Stop {
    /// A stop that nobody has asked for.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stop of its own that is also asked for when `self` is: of one run within a session, say.
    pub fn below(&self) -> Self {
        let above = self.levels().cloned().collect();
        Self { own: Level::default(), above }
    }

    /// Asks to stop. The second time: at once.
    pub fn cancel(&self) {
        if self.own.is_asked.swap(true, Ordering::AcqRel) {
            self.own.at_once.cancel();
        }
        self.own.asked.cancel();
    }

    /// Asks to stop at once.
    pub fn kill(&self) {
        self.cancel();
        self.own.at_once.cancel();
    }

    /// Whether anybody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.levels().any(|level| level.asked.is_cancelled())
    }

    /// Whether anybody asked a second time.
    pub fn is_killed(&self) -> bool {
        self.levels().any(|level| level.at_once.is_cancelled())
    }

    /// Completes when it is asked for; at once if it was.
    pub async fn cancelled(&self) {
        first(self.levels().map(|level| &level.asked)).await;
    }

    /// Completes when it is asked for a second time.
    pub async fn killed(&self) {
        first(self.levels().map(|level| &level.at_once)).await;
    }

    fn levels(&self) -> impl Iterator<Item = &Level> {
        self.above.iter().chain([&self.own])
    }
}

async fn first(tokens: impl Iterator<Item = &CancelToken>) {
    let mut waiting: Vec<_> = tokens.map(CancelToken::cancelled).collect();
    poll_fn(|context| {
        // All are polled, so that each knows whom to wake.
        let mut is_ready = false;
        for token in &mut waiting {
            is_ready |= Pin::new(token).poll(context).is_ready();
        }
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[cfg(test)]
mod tests;
