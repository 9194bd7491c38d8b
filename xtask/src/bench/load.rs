//! Closed-loop load: each worker does one thing after the other for a while, and every wait is kept.

use std::future::Future;
use std::sync::Barrier;
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use super::row::real;
use crate::outcome::Outcome;

/// How long one measurement warms up and lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) warm: Duration,
    pub(crate) measured: Duration,
}

impl Window {
    pub(crate) fn of(measured: Duration) -> Self {
        Self { warm: measured / 10, measured }
    }
}

/// What one measurement gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Things done inside the window, by worker.
    pub(crate) done: Vec<u64>,
    /// Length of the window.
    pub(crate) seconds: f64,
    /// Waits of everything begun inside the window, in microseconds.
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) worst_us: u64,
    /// Things that failed, and how the first one did.
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

impl Load {
    pub(crate) fn per_second(&self) -> f64 {
        real(self.done.iter().sum()) / self.seconds
    }

    /// The smallest worker's part of what would be fair, 1 when all did the same.
    pub(crate) fn smallest_share(&self) -> f64 {
        let fair = real(self.done.iter().sum()) / real(self.done.len() as u64);
        let smallest = self.done.iter().min().copied().unwrap_or(0);
        if fair > 0.0 { real(smallest) / fair } else { 0.0 }
    }

    /// Several processes' loads as one, a worker each.
    pub(crate) fn of_processes(loads: &[Self]) -> Self {
        let largest = |value: fn(&Self) -> u64| loads.iter().map(value).max().unwrap_or(0);
        Self {
            done: loads.iter().map(|load| load.done.iter().sum()).collect(),
            seconds: loads.first().map_or(0.0, |load| load.seconds),
            p50_us: largest(|load| load.p50_us),
            p99_us: largest(|load| load.p99_us),
            worst_us: largest(|load| load.worst_us),
            errors: loads.iter().map(|load| load.errors).sum(),
            first_error: loads.iter().find_map(|load| load.first_error.clone()),
        }
    }
}

/// One worker's record.
#[derive(Debug, Default)]
struct Record {
    done: u64,
    waits_us: Vec<u32>,
    errors: u64,
    first_error: Option<String>,
}

impl Record {
    fn keep(&mut self, run: &Run, begun: Duration, ended: Duration, outcome: Outcome) {
        if begun < run.from {
            return;
        }
        let waited = ended.saturating_sub(begun).as_micros();
        self.waits_us.push(u32::try_from(waited).unwrap_or(u32::MAX));
        match outcome {
            Ok(()) if ended <= run.until => self.done += 1,
            Ok(()) => {}
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}

/// The window on the clock.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: Duration,
    until: Duration,
}

impl Run {
    fn starting_now(window: Window) -> Self {
        let from = SystemClock.monotonic() + window.warm;
        Self { from, until: from + window.measured }
    }
}

/// Lets `workers` threads do `work` (given the worker's number) over and over.
pub(crate) fn on_threads<W, S>(
    workers: usize,
    window: Window,
    make: impl Fn(usize) -> Outcome<S>,
    work: W,
) -> Outcome<Load>
where
    W: Fn(&mut S) -> Outcome + Sync,
    S: Send,
{
    let states = (0..workers).map(make).collect::<Outcome<Vec<S>>>()?;
    let barrier = Barrier::new(workers);
    let records = std::thread::scope(|scope| {
        let threads: Vec<_> = states
            .into_iter()
            .map(|mut state| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    let mut record = Record::default();
                    barrier.wait();
                    let run = Run::starting_now(window);
                    loop {
                        let begun = SystemClock.monotonic();
                        if begun >= run.until {
                            return record;
                        }
                        let outcome = work(&mut state);
                        record.keep(&run, begun, SystemClock.monotonic(), outcome);
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a worker panicked".into())).collect()
    });
    summed(records, window)
}

/// The same by the thread that asks for it.
pub(crate) fn by_one(window: Window, mut work: impl FnMut() -> Outcome) -> Outcome<Load> {
    let mut record = Record::default();
    let run = Run::starting_now(window);
    loop {
        let begun = SystemClock.monotonic();
        if begun >= run.until {
            return summed(Ok(vec![record]), window);
        }
        let outcome = work();
        record.keep(&run, begun, SystemClock.monotonic(), outcome);
    }
}

/// The same with as many tasks on a runtime of as many threads as there are cores.
pub(crate) fn on_tasks<F, T>(tasks: usize, window: Window, work: F) -> Outcome<Load>
where
    F: Fn() -> T + Clone + Send + 'static,
    T: Future<Output = Outcome> + Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().build()?;
    let records = runtime.block_on(async {
        let run = Run::starting_now(window);
        let started: Vec<_> = (0..tasks)
            .map(|_| {
                let work = work.clone();
                tokio::spawn(async move {
                    let mut record = Record::default();
                    loop {
                        let begun = SystemClock.monotonic();
                        if begun >= run.until {
                            return record;
                        }
                        let outcome = work().await;
                        record.keep(&run, begun, SystemClock.monotonic(), outcome);
                    }
                })
            })
            .collect();
        let mut records = Vec::with_capacity(tasks);
        for task in started {
            records.push(task.await.map_err(|error| error.to_string().into()));
        }
        records.into_iter().collect()
    });
    summed(records, window)
}

fn summed(records: Outcome<Vec<Record>>, window: Window) -> Outcome<Load> {
    let records = records?;
    let mut waits: Vec<u32> = records.iter().flat_map(|record| record.waits_us.iter().copied()).collect();
    waits.sort_unstable();
    let quantile = |permille: usize| {
        let place = (waits.len() * permille).div_ceil(1000).saturating_sub(1);
        waits.get(place).copied().map_or(0, u64::from)
    };
    Ok(Load {
        done: records.iter().map(|record| record.done).collect(),
        seconds: window.measured.as_secs_f64(),
        p50_us: quantile(500),
        p99_us: quantile(990),
        worst_us: quantile(1000),
        errors: records.iter().map(|record| record.errors).sum(),
        first_error: records.into_iter().find_map(|record| record.first_error),
    })
}

#[cfg(test)]
mod tests;
