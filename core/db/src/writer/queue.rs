//! The hand-over of the lead: who waits, who leads, who is next. Knows nothing of SQLite.
//!
//! As in RocksDB's write groups there is at most one leader. Whoever comes while nobody leads, leads; everyone
//! else waits in order of arrival. A leader takes what it runs from the front, answers it, and passes the
//! lead to the first who still waits. Waiters leave by themselves when their time is up or their future is
//! dropped, unless they were taken: then the answer comes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// Where a waiter stands. Changed under the queue's lock, except for the last step to `Answered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In the queue.
    Queued,
    /// A leader runs its job; the answer will come.
    Taken,
    /// It leads now, and has its job back.
    Leads,
    /// The answer is there.
    Answered,
    /// It left before anyone took it.
    Left,
}

/// Someone in the queue.
#[derive(Debug)]
pub(crate) struct Waiter<J> {
    state: Mutex<(Phase, Option<J>)>,
    /// Who is woken; `None` for an async caller, who never leads.
    thread: Option<Thread>,
    /// Whether it wants the lead for itself instead of having a job run.
    wants_lead: bool,
}

impl<J> Waiter<J> {
    fn state(&self) -> MutexGuard<'_, (Phase, Option<J>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().0
    }

    /// The job of a waiter that leads now.
    pub(crate) fn reclaim(&self) -> Option<J> {
        self.state().1.take()
    }

    /// Says that the answer is there, and wakes who waits for it.
    pub(crate) fn answered(&self) {
        self.state().0 = Phase::Answered;
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}

/// What came of entering.
#[derive(Debug)]
pub(crate) enum Entered<J> {
    /// Nobody led: the caller leads, with its job in hand.
    Leads(Option<J>),
    /// Somebody leads: the caller waits.
    Waits(Arc<Waiter<J>>),
}

/// Who leads after the lead was passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Nobody waits; the next to enter leads.
    ToNobody,
    /// The thread of the first waiter, already woken.
    ToWaiter,
    /// The first waiter is async: a helper thread must lead for it. The lead stays taken.
    NeedsHelper,
}

#[derive(Debug)]
struct State<J> {
    waiting: VecDeque<Arc<Waiter<J>>>,
    led: bool,
}

/// The queue of writers of one file.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    /// How many wait, for those who only look. Written under the lock.
    length: AtomicUsize,
}

impl<J> Queue<J> {
    pub(crate) const fn new() -> Self {
        Self {
            state: Mutex::new(State { waiting: VecDeque::new(), led: false }),
            length: AtomicUsize::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters with a job from a thread that can lead.
    pub(crate) fn enter(&self, job: J) -> Entered<J> {
        self.enter_as(Some(job), false)
    }

    /// Enters to lead alone, without a job.
    pub(crate) fn enter_to_lead(&self) -> Entered<J> {
        self.enter_as(None, true)
    }

    fn enter_as(&self, job: Option<J>, wants_lead: bool) -> Entered<J> {
        let mut state = self.state();
        if !state.led {
            state.led = true;
            return Entered::Leads(job);
        }
        let thread = Some(std::thread::current());
        let waiter = Arc::new(Waiter { state: Mutex::new((Phase::Queued, job)), thread, wants_lead });
        state.waiting.push_back(Arc::clone(&waiter));
        self.note_length(&state);
        Entered::Waits(waiter)
    }

    /// Enters with a job of an async caller. `true` when a helper thread must lead for it.
    pub(crate) fn enter_async(&self, job: J) -> (Arc<Waiter<J>>, bool) {
        let mut state = self.state();
        let waiter = Arc::new(Waiter {
            state: Mutex::new((Phase::Queued, Some(job))),
            thread: None,
            wants_lead: false,
        });
        state.waiting.push_back(Arc::clone(&waiter));
        self.note_length(&state);
        let helper = !state.led;
        state.led = true;
        (waiter, helper)
    }

    /// Takes the first waiter's job if `fits` it. For the leader alone.
    pub(crate) fn take(&self, fits: impl FnOnce(&J) -> bool) -> Option<(Arc<Waiter<J>>, J)> {
        let mut state = self.state();
        let front = state.waiting.front()?;
        if front.wants_lead {
            return None;
        }
        let mut at_front = front.state();
        if !at_front.1.as_ref().is_some_and(fits) {
            return None;
        }
        at_front.0 = Phase::Taken;
        let job = at_front.1.take();
        drop(at_front);
        let waiter = state.waiting.pop_front()?;
        self.note_length(&state);
        Some((waiter, job?))
    }

    /// Takes every job that `overdue` says; their callers are answered by the leader. Those who wait on a
    /// thread of their own leave by themselves.
    pub(crate) fn take_overdue(&self, overdue: impl Fn(&J) -> bool) -> Vec<(Arc<Waiter<J>>, J)> {
        let mut state = self.state();
        let mut taken = Vec::new();
        state.waiting.retain(|waiter| {
            if waiter.thread.is_some() {
                return true;
            }
            let mut inner = waiter.state();
            match inner.1.take() {
                Some(job) if overdue(&job) => {
                    inner.0 = Phase::Taken;
                    taken.push((Arc::clone(waiter), job));
                    false
                }
                job => {
                    inner.1 = job;
                    true
                }
            }
        });
        self.note_length(&state);
        taken
    }

    /// Ends the caller's lead. For the leader alone.
    pub(crate) fn pass(&self) -> Passed {
        let mut state = self.state();
        let Some(front) = state.waiting.front() else {
            state.led = false;
            return Passed::ToNobody;
        };
        if front.thread.is_none() {
            return Passed::NeedsHelper;
        }
        front.state().0 = Phase::Leads;
        let next = state.waiting.pop_front();
        self.note_length(&state);
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
        Passed::ToWaiter
    }

    /// Leaves the queue; gives the job back if nobody had taken it.
    pub(crate) fn leave(&self, waiter: &Arc<Waiter<J>>) -> Result<Option<J>, Phase> {
        let mut state = self.state();
        let mut inner = waiter.state();
        if inner.0 != Phase::Queued {
            return Err(inner.0);
        }
        inner.0 = Phase::Left;
        let job = inner.1.take();
        drop(inner);
        state.waiting.retain(|other| !Arc::ptr_eq(other, waiter));
        self.note_length(&state);
        Ok(job)
    }

    /// Waits on the current thread until the waiter is answered or leads, or until `left` says that the time
    /// is up and it is still queued. A waiter that was taken waits for its answer however long it takes.
    pub(crate) fn wait(&self, waiter: &Arc<Waiter<J>>, left: impl Fn() -> Duration) -> Waited<J> {
        loop {
            match waiter.phase() {
                Phase::Answered => return Waited::Answered,
                Phase::Leads => return Waited::Leads(waiter.reclaim()),
                Phase::Taken => std::thread::park(),
                Phase::Left => return Waited::TimedOut,
                Phase::Queued => {
                    let left = left();
                    if !left.is_zero() {
                        std::thread::park_timeout(left);
                    } else if self.leave(waiter).is_ok() {
                        return Waited::TimedOut;
                    }
                }
            }
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    fn note_length(&self, state: &State<J>) {
        self.length.store(state.waiting.len(), Ordering::Relaxed);
    }
}

/// How waiting ended.
#[derive(Debug)]
pub(crate) enum Waited<J> {
    /// The answer is there.
    Answered,
    /// The waiter leads, with its job.
    Leads(Option<J>),
    /// The time was up before anyone took the job; it was not run.
    TimedOut,
}

#[cfg(test)]
mod tests;
