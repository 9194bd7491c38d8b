//! Being let through to a host: candidates, tickets, answers.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

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

/// A row in the list of calls: it goes when this is dropped, and with its process, however that ends (B10).
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) index: usize,
    /// Whether it tries out a host that was open. Where the check before it fails, [`Shared::conclude`] it with that
    /// failure and `attempt: 0`.
    pub(crate) is_probe: bool,
    pub(super) shared: Shared,
    pub(super) place: Place,
    entry: Box<Entry>,
    /// Of the host and of the model; the first token of a probe begins new ones.
    generations: (AtomicI64, AtomicI64),
    /// Whether its row is gone, or another ticket's.
    over: AtomicBool,
}

impl Ticket {
    pub(crate) fn new(entry: Entry, place: Place, shared: Shared) -> Self {
        shared.begun(place);
        Self {
            index: entry.index,
            is_probe: entry.kind == crate::ledger::Kind::Probe,
            shared,
            place,
            generations: (AtomicI64::new(entry.generation), AtomicI64::new(entry.pair_generation)),
            entry: Box::new(entry),
            over: AtomicBool::new(false),
        }
    }

    /// What is remembered of its admission, as it stands now.
    pub(crate) fn entry(&self) -> Entry {
        let mut entry = Entry::clone(&self.entry);
        entry.generation = self.generations.0.load(Ordering::Relaxed);
        entry.pair_generation = self.generations.1.load(Ordering::Relaxed);
        entry
    }

    pub(crate) fn set_generations(&self, (host, pair): (i64, i64)) {
        self.generations.0.store(host, Ordering::Relaxed);
        self.generations.1.store(pair, Ordering::Relaxed);
    }

    /// Its row is gone, or belongs to another ticket. Says whether it was so before.
    pub(crate) fn end(&self) -> bool {
        self.over.swap(true, Ordering::Relaxed)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.end() {
            self.shared.give_up(self.entry.row, self.place);
        }
        self.shared.ended(self.place);
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
