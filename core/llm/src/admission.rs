//! Being let through to a host: candidates, tickets, answers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::answer::Skipped;
use crate::change::Entry;
use crate::shared::{Place, Shared};

/// One host that could take a call.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// Its place in the caller's list, given back in the ticket.
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    /// The canonical URL.
    pub(crate) endpoint: &'a str,
    pub(crate) dialect: &'static str,
    pub(crate) model: &'a str,
    pub(crate) priority: i64,
    /// `max_concurrent`; where `None` what the host said, else the default of its dialect (S2).
    pub(crate) slots: Option<u32>,
    /// `breaker = "off"`: it is asked whatever its breaker says (unless somebody opened it by hand), and its failures are
    /// only recorded.
    pub(crate) breaker: bool,
    /// The key in use, of which a salted hash stands in the blocks.
    pub(crate) key: Option<&'a str>,
    /// Of the fallback: calls in any hour, tokens in any 24 hours.
    pub(crate) calls_per_hour: Option<u32>,
    pub(crate) tokens_per_day: Option<u64>,
    /// What this call may take, kept free in the budget while it runs.
    pub(crate) reserved_tokens: u64,
}

impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the key.
        f.debug_struct("Candidate")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// Where a ticket's row is. The row of a call that was let through while the file could not be used is brought there
/// later, by another thread.
#[derive(Debug)]
pub(crate) struct Seat(Mutex<Sitting>);

#[derive(Debug, Clone, Copy)]
struct Sitting {
    place: Place,
    row: i64,
    /// Of the host and of the model; the first token of a probe begins new ones.
    generations: (i64, i64),
    /// Whether its row is gone, or another ticket's.
    is_over: bool,
}

/// The generation of a call that the file did not let through: none of its own, so that its result counts for nothing
/// there but its numbers (B6).
const FOREIGN: i64 = -1;

impl Seat {
    /// The row in this process's memory, while it is there.
    pub(crate) fn stray(&self) -> Option<i64> {
        let at = self.lock();
        (at.place == Place::Twin && !at.is_over).then_some(at.row)
    }

    /// It has this row in the file now; false where the call is over.
    pub(crate) fn move_to_file(&self, row: i64) -> bool {
        let mut at = self.lock();
        if !at.is_over {
            *at = Sitting { place: Place::File, row, generations: (FOREIGN, FOREIGN), is_over: false };
        }
        !at.is_over
    }

    fn lock(&self) -> MutexGuard<'_, Sitting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A row in the list of calls: it goes when this is dropped, and with its process, however that ends (B10).
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) index: usize,
    /// Whether it tries out a host that was open. Where the check before it fails, [`Shared::conclude`] it with that
    /// failure and `attempt: 0`.
    pub(crate) is_probe: bool,
    pub(super) shared: Shared,
    entry: Box<Entry>,
    seat: Arc<Seat>,
}

impl Ticket {
    pub(crate) fn new(entry: Entry, place: Place, shared: Shared) -> Self {
        let generations = (entry.generation, entry.pair_generation);
        let at = Sitting { place, row: entry.row, generations, is_over: false };
        let seat = Arc::new(Seat(Mutex::new(at)));
        shared.begun(&seat);
        let is_probe = entry.kind == crate::ledger::Kind::Probe;
        Self { index: entry.index, is_probe, shared, entry: Box::new(entry), seat }
    }

    /// What is remembered of its admission, as it stands now, and where.
    pub(crate) fn entry_and_place(&self) -> (Entry, Place) {
        let at = *self.seat.lock();
        let mut entry = Entry::clone(&self.entry);
        (entry.generation, entry.pair_generation) = at.generations;
        entry.row = at.row;
        (entry, at.place)
    }

    /// Its model became known after it was let through.
    pub(crate) fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.entry.model);
    }

    pub(crate) fn entry(&self) -> Entry {
        self.entry_and_place().0
    }

    pub(crate) fn place(&self) -> Place {
        self.seat.lock().place
    }

    pub(crate) fn set_generations(&self, generations: (i64, i64)) {
        self.seat.lock().generations = generations;
    }

    /// Its row is gone, or belongs to another ticket; it stays where it is from now on. Says whether it was so before.
    pub(crate) fn end(&self) -> bool {
        std::mem::replace(&mut self.seat.lock().is_over, true)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.end() {
            let (entry, place) = self.entry_and_place();
            self.shared.give_up(entry.row, place);
        }
        self.shared.ended();
    }
}

/// What an asker hears.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It may call; those before it were passed over.
    Go { ticket: Ticket, skipped: Vec<Skipped> },
    /// All that could be asked have as many calls as they take; `shortest` has the shortest queue.
    /// `ahead` wait before this caller, where the fewest do.
    Full { shortest: usize, ahead: u32, skipped: Vec<Skipped> },
    /// Nobody may be asked now; who is passed over for a time says until when.
    Nobody { skipped: Vec<Skipped> },
}
