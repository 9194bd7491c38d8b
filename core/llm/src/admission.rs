//! Being let through to a host: candidates, tickets, answers.

use crate::answer::Skipped;
use crate::shared::Shared;

/// One host that could take a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// Its place in the caller's list, given back in the ticket.
    pub(crate) index: usize,
    pub(crate) name: &'a str,
    /// The canonical URL.
    pub(crate) endpoint: &'a str,
    pub(crate) dialect: &'static str,
    pub(crate) model: &'a str,
    pub(crate) priority: i64,
    /// `max_concurrent`, else what the host said, else the default of its dialect (S2).
    pub(crate) slots: Option<u32>,
    /// `breaker = "off"`: it is asked whatever its breaker says, and its failures are only recorded.
    pub(crate) breaker: bool,
    /// The key in use, of which a salted hash stands in the blocks.
    pub(crate) key: Option<&'a str>,
    /// Of the fallback: calls in any hour, tokens in any 24 hours.
    pub(crate) calls_per_hour: Option<u32>,
    pub(crate) tokens_per_day: Option<u64>,
    /// What this call may take, kept free in the budget while it runs.
    pub(crate) reserved_tokens: u64,
}

/// A row in the list of calls: it goes when this is dropped, and with its process, however that ends (B10).
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) index: usize,
    /// Whether it tries out a host that was open.
    pub(crate) is_probe: bool,
    pub(crate) row: i64,
    pub(crate) generation: i64,
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) shared: Shared,
}

/// What an asker hears.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It may call; those before it were passed over.
    Go { ticket: Ticket, skipped: Vec<Skipped> },
    /// All that could be asked have as many calls as they take; `shortest` has the shortest queue.
    Full { shortest: usize, skipped: Vec<Skipped> },
    /// Nobody may be asked now; `retry_at` is when the first may be, wall clock, ms since 1970.
    Nobody { retry_at: Option<i64>, skipped: Vec<Skipped> },
}
