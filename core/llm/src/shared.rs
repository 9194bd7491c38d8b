//! What all processes know together, in `global.db`; in this process alone where that cannot be used (B13).

use std::sync::Arc;

use conclave_db::Db;
use conclave_db::clock::BootClock;
use conclave_retry::{Clock, Random};

use crate::admission::{Admission, Candidate, Ticket};
use crate::answer::Skipped;
use crate::class::Class;

/// The shared state. Clones are the same. Its writes survive kill -9 (`Durability::Process`); a power cut may undo the
/// last of them.
#[derive(Debug, Clone)]
pub struct Shared {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    _db: Option<Db>,
    _clock: Arc<dyn Clock>,
    _boot: Arc<dyn BootClock>,
    _random: Arc<dyn Random>,
}

/// What came of an admitted call, for breaker, block, statistics and budget.
#[derive(Debug, Clone)]
pub(crate) struct Outcome<'a> {
    /// `None` where it answered.
    pub(crate) class: Option<Class>,
    /// Whether the failure concerns this model alone.
    pub(crate) of_model: bool,
    pub(crate) status: Option<u16>,
    /// At most 200 characters, redacted.
    pub(crate) message: &'a str,
    pub(crate) retry_after: Option<std::time::Duration>,
    pub(crate) task: Option<&'a str>,
    pub(crate) run: Option<&'a str>,
    pub(crate) connect_ms: Option<u64>,
    pub(crate) first_ms: Option<u64>,
    pub(crate) total_ms: u64,
    pub(crate) queued_ms: u64,
    pub(crate) waited_ms: u64,
    pub(crate) tokens: crate::answer::Tokens,
    pub(crate) attempt: u32,
    /// The context of the model, where the host says it.
    pub(crate) context: Option<u64>,
}

impl Shared {
    /// Over a machine-wide file, or in this process alone. Where the file fails later (locked for more than 200 ms, full,
    /// read-only, damaged), calls go on with what this process knows, and [`warning`](Self::warning) says so once.
    pub fn new(
        db: Option<Db>,
        clock: Arc<dyn Clock>,
        boot: Arc<dyn BootClock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { inner: Arc::new(Inner { _db: db, _clock: clock, _boot: boot, _random: random }) }
    }

    /// What to tell the user once, where the file could not be used.
    pub fn warning(&self) -> Option<String> {
        let _ = &self.inner;
        todo!("s")
    }

    /// Chooses one of the candidates and notes the call, in one transaction (B7, S1–S3). `waiting` is the row of a caller
    /// that waits in a queue, which becomes the call.
    pub(crate) fn admit(&self, candidates: &[Candidate<'_>], waiting: Option<&Ticket>) -> Admission {
        let _ = (candidates, waiting);
        todo!("s")
    }

    /// Takes a place in the queue of a candidate that is full: first come, first served (S3).
    pub(crate) fn queue(&self, candidate: &Candidate<'_>) -> Ticket {
        let _ = candidate;
        todo!("s")
    }

    /// The first token of a probe: the breaker closes (B9). Nothing for other calls.
    pub(crate) fn first_token(&self, ticket: &Ticket) {
        let _ = ticket;
        todo!("s")
    }

    /// The call is over: its row goes, and its result counts where its generation is current (B6).
    pub(crate) fn conclude(&self, ticket: Ticket, outcome: &Outcome<'_>) {
        let _ = (ticket, outcome);
        todo!("s")
    }

    /// The check of a host succeeded or failed, outside of a call. A success makes an open host's next call a probe; it
    /// never closes (B11).
    pub(crate) fn checked(
        &self,
        endpoint: &str,
        dialect: &str,
        name: &str,
        failure: Option<(Class, &str)>,
        slots: Option<u32>,
    ) {
        let _ = (endpoint, dialect, name, failure, slots);
        todo!("s")
    }

    /// How old the newest sign is that the host is well, ms; `None` where there is none (R10).
    pub(crate) fn evidence_age_ms(&self, endpoint: &str) -> Option<u64> {
        let _ = endpoint;
        todo!("s")
    }

    pub(crate) fn is_open(&self, endpoint: &str) -> bool {
        let _ = endpoint;
        todo!("s")
    }

    /// Marks a model as absent from a host for a minute; `absent` false takes the mark away.
    pub(crate) fn mark_absent(&self, endpoint: &str, model: &str, absent: bool) {
        let _ = (endpoint, model, absent);
        todo!("s")
    }

    /// Pays for one retry out of the budget of the host; false where that is spent.
    pub(crate) fn pay_retry(&self, endpoint: &str) -> bool {
        let _ = endpoint;
        todo!("s")
    }

    /// The candidates that nobody may ask now, each with why; changes nothing.
    pub(crate) fn refused(&self, candidates: &[Candidate<'_>]) -> Vec<Skipped> {
        let _ = candidates;
        todo!("s")
    }
}
