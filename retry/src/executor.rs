//! Runs an operation until it succeeds, or until trying again makes no sense.

use std::fmt::Display;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::budget::RetryBudget;
use crate::cancel::CancelToken;
use crate::classify::Classify;
use crate::clock::{AsyncSleeper, Clock, Sleeper, SystemClock, SystemSleeper};
use crate::observe::Observer;
use crate::policy::RetryPolicy;
use crate::random::{Random, SystemRandom};

mod error;
mod race;
mod session;

pub use error::RetryError;
use race::unless_cancelled;
use session::Session;

/// A named operation with its policy and all it needs to be repeated. Reusable, cheap to clone, shared by threads.
///
/// ```
/// use conclave_retry::{ManualClock, Retry, RetryPolicy};
/// use std::io;
///
/// let clock = ManualClock::new(); // in production: leave it out
/// let retry = Retry::new("read the list", RetryPolicy::DATABASE).time(clock.clone());
///
/// let mut calls = 0;
/// let answer = retry.run(|attempt| {
///     calls += 1;
///     if attempt.number() < 3 { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok("a, b") }
/// });
/// assert!(matches!(answer, Ok("a, b")));
/// assert_eq!(calls, 3);
/// assert_eq!(clock.sleeps().len(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    operation: &'static str,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    sleeper: Arc<dyn Sleeper>,
    random: Arc<dyn Random>,
    budget: Option<Arc<RetryBudget>>,
    cancel: Option<CancelToken>,
    observers: Vec<Arc<dyn Observer>>,
}

impl Retry {
    /// With the system's clock and chance, without budget, cancellation and observers.
    ///
    /// `operation` names it in errors, logs and counters.
    pub fn new(operation: &'static str, policy: RetryPolicy) -> Self {
        Self {
            operation,
            policy,
            clock: Arc::new(SystemClock),
            sleeper: Arc::new(SystemSleeper),
            random: Arc::new(SystemRandom),
            budget: None,
            cancel: None,
            observers: Vec::new(),
        }
    }

    /// Measures time with `clock`.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Waits with `sleeper` in [`run`](Self::run); [`run_async`](Self::run_async) is given its own.
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// Measures time and waits with the same thing, such as a [`ManualClock`](crate::ManualClock).
    pub fn time(self, time: impl Clock + Sleeper) -> Self {
        let time = Arc::new(time);
        self.clock(Arc::clone(&time) as Arc<dyn Clock>).sleeper(time)
    }

    /// Draws jitter from `random`.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Takes each retry from `budget`, which all callers of one dependency share.
    pub fn budget(mut self, budget: Arc<RetryBudget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Ends when `cancel` is cancelled.
    ///
    /// A wait ends at once. A running call is dropped in [`run_async`](Self::run_async); in [`run`](Self::run) it
    /// is the call's own business to look at [`Attempt::cancel`]. A result that is there is never thrown away.
    pub fn cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Reports each attempt to `observer` as well.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// The policy that decides how often and when.
    pub const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Calls `operation` until it succeeds or its errors give no reason to call it again.
    ///
    /// Blocks the thread between the calls. The error says why it ended, and carries the last error of `operation`.
    pub fn run<T, E, F>(&self, operation: F) -> Result<T, RetryError<E>>
    where
        E: Classify + Display,
        F: FnMut(&Attempt) -> Result<T, E>,
    {
        self.run_graded(operation, |_| Grade::Whole).map(|done| done.value)
    }

    /// Like [`run`](Self::run), for results that may be partial: `grade` judges them.
    ///
    /// A partial result is tried once more, then the better of the two is returned, with its grade. A success, if
    /// only a partial one, is not given up for an error, except for an ambiguous one.
    pub fn run_graded<T, E, F, G>(&self, mut operation: F, grade: G) -> Result<Done<T>, RetryError<E>>
    where
        E: Classify + Display,
        F: FnMut(&Attempt) -> Result<T, E>,
        G: Fn(&T) -> Grade,
    {
        let mut session = Session::new(self);
        loop {
            let Some(attempt) = session.begin() else { return session.cancelled() };
            let result = operation(&attempt);
            match session.settle(result, &grade) {
                ControlFlow::Break(end) => return end,
                ControlFlow::Continue(wait) if self.wait(wait) => {}
                ControlFlow::Continue(_) => return session.cancelled(),
            }
        }
    }

    /// Calls `operation` like [`run`](Self::run), as a task: awaits the futures it makes, and waits with `sleeper`.
    ///
    /// When cancelled it drops the future of a running call, which must leave things in order when it is dropped.
    /// Dropping the future of this function does the same, without a report to observers.
    ///
    /// ```
    /// use conclave_retry::{ManualClock, Retry, RetryPolicy};
    /// use std::io;
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut future = std::pin::pin!(future);
    /// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     loop {
    /// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
    /// #             return output;
    /// #         }
    /// #     }
    /// # }
    /// # block_on(async {
    /// let clock = ManualClock::new(); // with tokio: |wait| tokio::time::sleep(wait)
    /// let retry = Retry::new("ask", RetryPolicy::MODEL).time(clock.clone());
    /// let answer = retry
    ///     .run_async(&clock, |attempt| async move {
    ///         if attempt.number() == 1 { Err(io::Error::from(io::ErrorKind::ConnectionReset)) } else { Ok(42) }
    ///     })
    ///     .await;
    /// assert!(matches!(answer, Ok(42)));
    /// # });
    /// ```
    pub async fn run_async<T, E, F, Fut>(
        &self,
        sleeper: &impl AsyncSleeper,
        operation: F,
    ) -> Result<T, RetryError<E>>
    where
        E: Classify + Display,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let done = self.run_graded_async(sleeper, operation, |_| Grade::Whole).await?;
        Ok(done.value)
    }

    /// [`run_graded`](Self::run_graded) as a task; waits and cancellation as in [`run_async`](Self::run_async).
    pub async fn run_graded_async<T, E, F, Fut, G>(
        &self,
        sleeper: &impl AsyncSleeper,
        mut operation: F,
        grade: G,
    ) -> Result<Done<T>, RetryError<E>>
    where
        E: Classify + Display,
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        G: Fn(&T) -> Grade,
    {
        let mut session = Session::new(self);
        let cancel = self.cancel.as_ref();
        loop {
            let Some(attempt) = session.begin() else { return session.cancelled() };
            let Some(result) = unless_cancelled(cancel, operation(attempt)).await else {
                return session.cancelled();
            };
            let wait = match session.settle(result, &grade) {
                ControlFlow::Break(end) => return end,
                ControlFlow::Continue(wait) => wait,
            };
            if unless_cancelled(cancel, sleeper.sleep_async(wait)).await.is_none() {
                return session.cancelled();
            }
        }
    }

    /// Whether the wait came to its end.
    fn wait(&self, wait: Duration) -> bool {
        let Some(cancel) = &self.cancel else {
            self.sleeper.sleep(wait);
            return true;
        };
        self.sleeper.sleep_unless(wait, cancel)
    }
}

/// What a call is told about itself.
#[derive(Debug, Clone)]
pub struct Attempt {
    number: u32,
    limit: u32,
    remaining: Option<Duration>,
    cancel: Option<CancelToken>,
}

impl Attempt {
    /// The number of the call, from 1.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Calls that the policy allows.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Time left to the deadline when the call began, if there is one. Nothing stops a call that takes longer.
    pub const fn remaining(&self) -> Option<Duration> {
        self.remaining
    }

    /// The token by which somebody may ask the call to end.
    pub const fn cancel(&self) -> Option<&CancelToken> {
        self.cancel.as_ref()
    }
}

/// How much of a result is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// All of it.
    Whole,
    /// A part, which is enough to be accepted if trying once more does not help.
    Part {
        /// Parts that succeeded.
        succeeded: u32,
        /// Parts in all.
        total: u32,
    },
}

/// A result, and what it took to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done<T> {
    /// The result.
    pub value: T,
    /// How much of it is there.
    pub grade: Grade,
    /// Calls made.
    pub attempts: u32,
    /// Time from the start of the first call to the end of the last.
    pub elapsed: Duration,
}

#[cfg(test)]
mod tests;
