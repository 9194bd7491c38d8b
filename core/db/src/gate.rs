//! Readers pass freely until someone needs the database alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conclave_retry::Clock;

/// Set in the count while the gate is closed.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Counts the readers inside; closing it keeps new ones out and waits for those inside.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    count: AtomicUsize,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Gate {
    /// Enters as a reader; waits while the gate is closed. `None` after `timeout`.
    pub(crate) fn enter(&self, timeout: Duration, clock: &dyn Clock) -> Option<Entered<'_>> {
        if self.count.fetch_add(1, Ordering::SeqCst) & CLOSED == 0 {
            return Some(Entered { gate: self });
        }
        self.leave();
        let until = clock.monotonic().saturating_add(timeout);
        let mut guard = self.locked();
        loop {
            // Only who closed the gate opens it, under this lock, so the bit cannot come back unseen.
            if self.count.load(Ordering::SeqCst) & CLOSED == 0 {
                self.count.fetch_add(1, Ordering::SeqCst);
                return Some(Entered { gate: self });
            }
            let left = until.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return None;
            }
            guard = self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Closes the gate and waits until all readers have left. `None`, and the gate open again, after `timeout`.
    pub(crate) fn close(&self, timeout: Duration, clock: &dyn Clock) -> Option<ClosedGate<'_>> {
        let until = clock.monotonic().saturating_add(timeout);
        let mut guard = self.locked();
        // Only the leader of the writers closes the gate, so it is never closed twice.
        self.count.fetch_or(CLOSED, Ordering::SeqCst);
        let closed = ClosedGate { gate: self };
        while self.count.load(Ordering::SeqCst) != CLOSED {
            let left = until.saturating_sub(clock.monotonic());
            if left.is_zero() {
                drop(guard);
                drop(closed);
                return None;
            }
            guard = self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(closed)
    }

    /// Whether new readers are kept out.
    pub(crate) fn is_closed(&self) -> bool {
        self.count.load(Ordering::SeqCst) & CLOSED != 0
    }

    /// Readers inside now.
    pub(crate) fn inside(&self) -> usize {
        self.count.load(Ordering::Relaxed) & !CLOSED
    }

    fn leave(&self) {
        if self.count.fetch_sub(1, Ordering::SeqCst) & CLOSED != 0 {
            let _guard = self.locked();
            self.changed.notify_all();
        }
    }

    fn locked(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader inside the gate.
#[derive(Debug)]
pub(crate) struct Entered<'gate> {
    gate: &'gate Gate,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.gate.leave();
    }
}

/// The closed gate; opens when dropped.
#[derive(Debug)]
pub(crate) struct ClosedGate<'gate> {
    gate: &'gate Gate,
}

impl Drop for ClosedGate<'_> {
    fn drop(&mut self) {
        let _guard = self.gate.locked();
        self.gate.count.fetch_and(!CLOSED, Ordering::SeqCst);
        self.gate.changed.notify_all();
    }
}
