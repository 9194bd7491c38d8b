//! The limits of one request.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_retry::{CancelToken, Clock};

use super::TransportError;

/// How long a thread may be inside of the system before it looks again whether it is cancelled.
const SLICE: Duration = Duration::from_millis(50);

/// Limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
    pub(crate) total: Duration,
    /// What is left of the caller's time.
    pub(crate) deadline: Option<Duration>,
}

/// Which of the host's limits was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    FirstByte,
    Idle,
    Total,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Connecting, encryption and the proxy's consent included.
    Connect,
    /// Connected; no byte of the answer has come.
    Asked,
    /// The answer comes.
    Answer,
}

impl Phase {
    /// What it means that its own limit is reached.
    fn reached(self, limit: Duration) -> TransportError {
        match self {
            Self::Connect => TransportError::Unreachable(format!("not connected within {}", words(limit))),
            Self::Asked => TransportError::TimedOut(Limit::FirstByte),
            Self::Answer => TransportError::TimedOut(Limit::Idle),
        }
    }
}

/// Measures one request, shared by everything that waits for it.
pub(super) struct Meter {
    clock: Arc<dyn Clock>,
    cancel: CancelToken,
    limits: Limits,
    began: Duration,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// When the limit in force began to run.
    since: Duration,
    connect: Duration,
    first_byte: Duration,
    /// Whether all of the request was written before the answer was waited for.
    sent: bool,
    /// Why writing is in vain.
    refused: Option<String>,
    /// The answer is whole but for some counts: until then they are waited for.
    ending: Option<Duration>,
    /// What ended it: ureq has no words for it.
    fault: Option<TransportError>,
}

impl Meter {
    /// Begins to measure.
    pub(super) fn new(limits: Limits, clock: Arc<dyn Clock>, cancel: CancelToken) -> Self {
        let began = clock.monotonic();
        let state = State {
            phase: Phase::Connect,
            since: began,
            connect: Duration::ZERO,
            first_byte: Duration::ZERO,
            sent: false,
            refused: None,
            ending: None,
            fault: None,
        };
        Self { clock, cancel, limits, began, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is left of the limit that ends first, or which one has ended. Where two end at once it is the caller's.
    pub(super) fn left(&self) -> Result<Duration, TransportError> {
        if self.cancel.is_cancelled() {
            return Err(TransportError::Cancelled);
        }
        let now = self.clock.monotonic();
        let (phase, since, ending) = {
            let state = self.state();
            (state.phase, state.since, state.ending)
        };
        let own = match phase {
            Phase::Connect => self.limits.connect,
            Phase::Asked => self.limits.first_byte,
            Phase::Answer => self.limits.idle,
        };
        let (mut until, mut reached) = (since.saturating_add(own), phase.reached(own));
        let total = self.began.saturating_add(self.limits.total);
        if total < until {
            (until, reached) = (total, TransportError::TimedOut(Limit::Total));
        }
        let deadline = self.limits.deadline.map(|left| self.began.saturating_add(left));
        if let Some(deadline) = deadline.filter(|deadline| *deadline <= until) {
            (until, reached) = (deadline, TransportError::Deadline);
        }
        // Who is ending asks no more which limit it was.
        let until = ending.map_or(until, |ending| ending.min(until));
        match until.saturating_sub(now) {
            Duration::ZERO => Err(reached),
            left => Ok(left),
        }
    }

    /// How long may be waited at once; never nothing, which would be no limit for a socket.
    pub(super) fn slice(&self) -> Result<Duration, TransportError> {
        Ok(self.left()?.clamp(Duration::from_millis(1), SLICE))
    }

    /// The same for the functions of `std::io`; the reason is kept.
    pub(super) fn io_slice(&self) -> io::Result<Duration> {
        self.slice().map_err(|error| {
            self.fail(error);
            io::Error::other("a limit of the request")
        })
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Connected: from now on the first byte is waited for.
    pub(super) fn connected(&self) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.phase = Phase::Asked;
        state.since = now;
        state.connect = now.saturating_sub(self.began);
    }

    /// Writing is in vain; what the server said before may still be read.
    pub(super) fn refused(&self, why: &str) {
        self.state().refused.get_or_insert_with(|| why.to_owned());
    }

    /// The answer is waited for: what was to be sent is sent.
    pub(super) fn waits_for_answer(&self) {
        let mut state = self.state();
        state.sent = state.refused.is_none();
    }

    /// Bytes of the answer came.
    pub(super) fn answered(&self) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.phase == Phase::Asked {
            state.phase = Phase::Answer;
            state.first_byte = now.saturating_sub(state.since);
        }
        state.since = now;
    }

    /// Bytes came, perhaps not yet whole: a record of TLS may take long.
    pub(super) fn alive(&self) {
        let now = self.clock.monotonic();
        let mut state = self.state();
        if state.phase == Phase::Answer {
            state.since = now;
        }
    }

    /// From now on at most this long is read.
    pub(super) fn end_within(&self, left: Duration) {
        let until = self.clock.monotonic().saturating_add(left);
        self.state().ending = Some(until);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.state().ending.is_some()
    }

    /// Until connected, and from then to the first byte.
    pub(super) fn took(&self) -> (Duration, Duration) {
        let state = self.state();
        (state.connect, state.first_byte)
    }

    /// Whether all of the request was written, and if not, why.
    pub(super) fn sent(&self) -> (bool, Option<String>) {
        let state = self.state();
        (state.sent, state.refused.clone())
    }

    /// Keeps why it ended; the first reason is the true one.
    pub(super) fn fail(&self, error: TransportError) {
        self.state().fault.get_or_insert(error);
    }

    /// Why it ended, where that is known here.
    pub(super) fn fault(&self) -> Option<TransportError> {
        self.state().fault.take()
    }
}

/// A limit for people: `2 s`, `1.5 s`, `300 ms`. What is left of one may be a nanosecond less.
fn words(limit: Duration) -> String {
    match limit.saturating_add(Duration::from_micros(500)).as_millis() {
        ms @ 0..1000 => format!("{ms} ms"),
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        ms => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("limits", &self.limits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_words_for_people() {
        for (limit, expected) in [
            (Duration::from_nanos(1_999_999_939), "2 s"),
            (Duration::from_millis(1500), "1.5 s"),
            (Duration::from_millis(300), "300 ms"),
            (Duration::ZERO, "0 ms"),
        ] {
            let TransportError::Unreachable(said) = Phase::Connect.reached(limit) else {
                panic!("{limit:?}")
            };
            assert_eq!(said, format!("not connected within {expected}"));
        }
    }
}
