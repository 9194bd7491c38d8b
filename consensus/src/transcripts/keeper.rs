//! What waits to be written, and the thread that writes it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};
use conclave_spool::drops::Reason;
use conclave_spool::{Spool, SpoolError};

use super::attempt::Sink;
use super::{Kept, MONITOR};

/// What waits is written at the latest after this time…
const PAUSE: Duration = Duration::from_secs(5);
/// …or when it is so much, in bytes.
const MUCH: usize = 8 << 20;
/// More does not wait, in bytes: what comes then is dropped.
const MOST: usize = 16 << 20;
/// What an event takes beside its bytes.
const BESIDE: usize = 32;
/// How long the monitor's lock is waited for. Whoever has it has it for as long as one segment takes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a batch of events goes.
pub(super) trait Store: Send + 'static {
    /// Stores them, and what it could not store puts back; gives what became of the others, and why those are back.
    fn store(&mut self, lines: &mut Vec<Vec<u8>>) -> (Kept, Option<Reason>);
    /// Counts events that never came to it as dropped, where every process sees it; `false` where that cannot be done now.
    fn count(&mut self, reason: Reason, events: u64) -> bool;
}

/// Keeps what waits.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    spool: Spool,
    /// Started with the first event.
    begun: Once,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    clock: Arc<dyn Clock>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), clock: Arc::new(SystemClock) }
    }
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// An attempt has ended.
    asked: bool,
    /// Since when something waits, or when it was tried last, by a monotonic clock.
    since: Duration,
    /// Why it could not be stored the last time: it is tried again after a pause, and not before.
    failed: Option<Reason>,
    /// What was dropped here, and is counted nowhere else.
    uncounted: BTreeMap<Reason, u64>,
    /// Nothing more is taken.
    closed: bool,
    kept: Kept,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there is something to be done at once.
    const fn is_due(&self) -> bool {
        self.closed || self.failed.is_none() && !self.lines.is_empty() && (self.asked || self.bytes >= MUCH)
    }

    /// When it is due by time alone; never while nothing waits. What comes meanwhile puts nothing off.
    fn due_in(&self, now: Duration) -> Option<Duration> {
        (!self.lines.is_empty()).then(|| self.since.saturating_add(PAUSE).saturating_sub(now))
    }

    fn dropped(&mut self, events: u64) {
        self.kept.dropped += events;
        // What comes faster than it can be written is kept out by the writing, too.
        *self.uncounted.entry(self.failed.unwrap_or(Reason::Busy)).or_default() += events;
    }

    /// Puts back what could not be stored, before what came meanwhile; what is too much is dropped, the oldest first.
    fn put_back(&mut self, lines: Vec<Vec<u8>>, why: Option<Reason>, now: Duration) {
        self.failed = why.filter(|_| !lines.is_empty());
        self.since = now;
        let came = std::mem::replace(&mut self.lines, lines);
        self.lines.extend(came);
        self.bytes = self.lines.iter().map(|line| line.len() + BESIDE).sum();
        let mut gone = 0;
        for line in &self.lines {
            if self.bytes <= MOST {
                break;
            }
            self.bytes -= line.len() + BESIDE;
            gone += 1;
        }
        self.lines.drain(..gone);
        if gone > 0 {
            self.dropped(gone as u64);
        }
    }
}

impl Keeper {
    pub(super) fn new(spool: Spool) -> Self {
        Self { shared: Arc::default(), spool, begun: Once::new(), thread: Mutex::new(None) }
    }

    /// Writes what waits, ends the thread, and gives what became of everything.
    pub(super) fn finish(&self) -> Kept {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = thread.map(JoinHandle::join);
        let mut state = self.shared.lock();
        if let Some(Err(_)) = ended {
            state.kept.problem = Some("the thread that writes them failed by a defect".to_owned());
        }
        // Of a thread that was not there, or failed.
        let left = std::mem::take(&mut state.lines).len() as u64;
        if left > 0 {
            state.dropped(left);
        }
        let uncounted = std::mem::take(&mut state.uncounted);
        let kept = state.kept.clone();
        drop(state);
        let mut store = ToSpool { spool: self.spool.clone() };
        for (reason, events) in uncounted {
            store.count(reason, events);
        }
        kept
    }

    fn begin_thread(&self) {
        let (shared, store) = (Arc::clone(&self.shared), ToSpool { spool: self.spool.clone() });
        let started =
            std::thread::Builder::new().name("transcripts".to_owned()).spawn(move || serve(&shared, store));
        match started {
            Ok(thread) => *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
            Err(error) => {
                let mut state = self.shared.lock();
                state.closed = true;
                state.kept.problem =
                    Some(format!("the thread that writes them could not be started: {error}"));
            }
        }
    }
}

impl Sink for Keeper {
    fn take(&self, line: Vec<u8>) {
        let mut state = self.shared.lock();
        let size = line.len() + BESIDE;
        if state.closed || state.bytes + size > MOST {
            state.dropped(1);
            return;
        }
        if state.lines.is_empty() {
            state.since = self.shared.clock.monotonic();
        }
        let (was_empty, was_due) = (state.lines.is_empty(), state.is_due());
        state.lines.push(line);
        state.bytes += size;
        let wakes = was_empty || !was_due && state.is_due();
        drop(state);
        self.begun.call_once(|| self.begin_thread());
        if wakes {
            self.shared.changed.notify_all();
        }
    }

    fn write_soon(&self) {
        self.shared.lock().asked = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let kept = self.finish();
        if kept.dropped > 0 {
            tracing::warn!(kept.dropped, problem = kept.problem, "events of transcripts were dropped");
        }
    }
}

/// Stores what waits when it is due, until nothing more comes. What is lost in the end is counted.
fn serve(shared: &Shared, mut store: impl Store) {
    loop {
        let mut state = wait_until_due(shared);
        let is_last = state.closed;
        let mut lines = std::mem::take(&mut state.lines);
        (state.bytes, state.asked) = (0, false);
        drop(state);
        let (kept, why) = if lines.is_empty() { Default::default() } else { store.store(&mut lines) };
        if let Some(problem) = &kept.problem {
            tracing::warn!(problem, waiting = lines.len(), "events of transcripts could not be stored");
        }
        let mut state = shared.lock();
        state.put_back(lines, why, shared.clock.monotonic());
        state.kept.stored += kept.stored;
        state.kept.dropped += kept.dropped;
        if kept.problem.is_some() {
            state.kept.problem = kept.problem;
        }
        if is_last {
            let left = std::mem::take(&mut state.lines).len() as u64;
            if left > 0 {
                state.dropped(left);
            }
        }
        let uncounted = std::mem::take(&mut state.uncounted);
        drop(state);
        for (reason, events) in uncounted {
            if !store.count(reason, events) {
                *shared.lock().uncounted.entry(reason).or_default() += events;
            }
        }
        if is_last {
            return;
        }
    }
}

/// Waits until what waits is to be stored; at its end, or five seconds after the first of it came, or after it was tried.
fn wait_until_due(shared: &Shared) -> MutexGuard<'_, State> {
    let mut state = shared.lock();
    while !state.is_due() {
        let Some(due) = state.due_in(shared.clock.monotonic()) else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        };
        if due.is_zero() {
            break;
        }
        (state, _) = shared.changed.wait_timeout(state, due).unwrap_or_else(PoisonError::into_inner);
    }
    state.failed = None;
    state
}

/// As one segment of the monitor's.
#[derive(Debug)]
struct ToSpool {
    spool: Spool,
}

impl Store for ToSpool {
    fn store(&mut self, lines: &mut Vec<Vec<u8>>) -> (Kept, Option<Reason>) {
        match self.write(lines) {
            Ok(kept) => {
                lines.clear();
                (kept, None)
            }
            // Nothing was written.
            Err(error) => {
                (Kept { problem: Some(in_words(&error)), ..Kept::default() }, Some(Reason::of(&error)))
            }
        }
    }

    fn count(&mut self, reason: Reason, events: u64) -> bool {
        let monitor = self.spool.options().monitors.find(MONITOR);
        let counted = monitor.and_then(|monitor| self.spool.count_dropped(&monitor, reason, events));
        if let Err(error) = &counted {
            tracing::warn!(%error, events, "events of transcripts that were dropped are not counted");
        }
        counted.is_ok()
    }
}

impl ToSpool {
    fn write(&self, lines: &[Vec<u8>]) -> Result<Kept, SpoolError> {
        let monitor = self.spool.options().monitors.find(MONITOR)?;
        let mut writer = self.spool.writer(&monitor, PATIENCE)?;
        let mut failure = None;
        for line in lines {
            // It is kept in the writer's memory, and tried again.
            failure = writer.append(line).err().or(failure);
        }
        let (finished, ended) = writer.end();
        let failure = ended.or_else(|| failure.filter(|_| finished.dropped > 0));
        Ok(Kept {
            stored: finished.durable,
            dropped: finished.dropped,
            problem: failure.as_ref().map(in_words),
        })
    }
}

fn in_words(error: &SpoolError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
