//! One computation per key and process: who comes while it goes on gets its result.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::cache::{Cache, Found};
use crate::error::{CacheError, Result};
use crate::key::CacheKey;

/// A cache, by where it is in memory as long as somebody uses it, and a key in it.
type Which = (usize, CacheKey);

/// The computations of this process.
static FLIGHTS: Mutex<Flights> = Mutex::new(Flights { going: None, landed: 0 });

struct Flights {
    going: Option<HashMap<Which, Arc<Flight>>>,
    /// How many have ended so far.
    landed: u64,
}

/// A computation that somebody is at.
#[derive(Debug, Default)]
struct Flight {
    outcome: Mutex<Option<Outcome>>,
    landed: Condvar,
}

/// What came out of it, for those who waited.
#[derive(Debug, Clone)]
enum Outcome {
    Value(Arc<[u8]>),
    Failed(String),
}

/// Gives the value of `key` to `read`, from the cache or from `compute`, which runs once however many threads ask at the
/// same time; its value is put into the cache, as far as that can be done. Where it fails or panics, all who wait get an
/// error.
///
/// # Errors
/// [`Compute`](crate::CacheError::Compute), and what the cache says when it is read.
pub fn get_or_compute(
    cache: &dyn Cache,
    key: &CacheKey,
    compute: impl FnOnce() -> Result<Vec<u8>>,
    read: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let landed_before = flights().landed;
    if cache.get(key, read)? == Found::Hit {
        return Ok(());
    }
    let which = (std::ptr::from_ref(cache).cast::<()>().addr(), *key);
    let (flight, landed) = match board(which) {
        Boarded::Waits(flight) => {
            return match flight.wait() {
                Outcome::Value(value) => {
                    read(&value);
                    Ok(())
                }
                Outcome::Failed(why) => Err(CacheError::Compute(why)),
            };
        }
        Boarded::Leads(flight, landed) => (flight, landed),
    };
    let mut landing = Landing { which, flight, outcome: None };
    // Somebody may have put it in between our look and our boarding.
    if landed != landed_before {
        let mut found = None;
        let seen = cache.get(key, &mut |value| found = Some(Arc::from(value)));
        if let Some(value) = found {
            read(&value);
            landing.outcome = Some(Outcome::Value(value));
            return Ok(());
        }
        landing.note_failure(&seen);
        seen?;
    }
    let computed = compute();
    landing.note_failure(&computed);
    let value: Arc<[u8]> = computed?.into();
    // Without it the value is as good.
    if let Err(error) = cache.put(key, &value) {
        tracing::debug!(%error, "a computed value is not kept");
    }
    landing.outcome = Some(Outcome::Value(Arc::clone(&value)));
    drop(landing);
    read(&value);
    Ok(())
}

fn flights() -> MutexGuard<'static, Flights> {
    FLIGHTS.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Boarded {
    /// It is ours; so many had ended before it began.
    Leads(Arc<Flight>, u64),
    Waits(Arc<Flight>),
}

fn board(which: Which) -> Boarded {
    let mut flights = flights();
    let landed = flights.landed;
    match flights.going.get_or_insert_default().entry(which) {
        Entry::Occupied(there) => Boarded::Waits(Arc::clone(there.get())),
        Entry::Vacant(free) => Boarded::Leads(Arc::clone(free.insert(Arc::default())), landed),
    }
}

impl Flight {
    fn wait(&self) -> Outcome {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                None => outcome = self.landed.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Tells all who wait, also when it ends by a panic.
struct Landing {
    which: Which,
    flight: Arc<Flight>,
    outcome: Option<Outcome>,
}

impl Landing {
    fn note_failure<T>(&mut self, outcome: &Result<T>) {
        if let Err(error) = outcome {
            self.outcome = Some(Outcome::Failed(error.to_string()));
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        let outcome = outcome.unwrap_or_else(|| Outcome::Failed("whoever computed it panicked".to_owned()));
        {
            let mut flights = flights();
            flights.landed += 1;
            if let Some(going) = &mut flights.going {
                going.remove(&self.which);
            }
        }
        *self.flight.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.flight.landed.notify_all();
    }
}

#[cfg(test)]
mod tests;
