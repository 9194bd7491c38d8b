//! The shared state as records, wherever they lie: rows of `global.db`, or this process's memory. What is done with them
//! is written once, over these two traits.

use conclave_db::process::ProcessIdentity;

use crate::breaker::{Breaker, Until};

/// Tokens of a full retry budget, and what a retry takes (spec, section 4).
pub(crate) const RETRY_TOKENS: f64 = 500.0;

/// What is known of one host.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HostRow {
    /// The canonical URL.
    pub(crate) endpoint: String,
    pub(crate) dialect: String,
    pub(crate) last_name: String,
    pub(crate) breaker: Breaker,
    /// The newest good sign, wall clock.
    pub(crate) evidence_at: Option<i64>,
    pub(crate) ewma_first_ms: Option<f64>,
    /// Boot clock.
    pub(crate) ewma_at: Option<i64>,
    pub(crate) retry_tokens: f64,
    /// When the budget last changed, wall clock.
    pub(crate) retry_at: Option<i64>,
    /// Calls at once, as the host says.
    pub(crate) slots: Option<u32>,
}

impl HostRow {
    pub(crate) fn new(endpoint: &str, dialect: &str, name: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            dialect: dialect.to_owned(),
            last_name: name.to_owned(),
            breaker: Breaker::default(),
            evidence_at: None,
            ewma_first_ms: None,
            ewma_at: None,
            retry_tokens: RETRY_TOKENS,
            retry_at: None,
            slots: None,
        }
    }
}

/// What is known of one model on one host.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PairRow {
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) breaker: Breaker,
    /// Tokens of its context.
    pub(crate) context: Option<u64>,
    /// Wall clock.
    pub(crate) absent_until: Option<i64>,
}

impl PairRow {
    pub(crate) fn new(endpoint: &str, model: &str) -> Self {
        Self { endpoint: endpoint.to_owned(), model: model.to_owned(), ..Self::default() }
    }
}

/// A pause that a host asked for, or a key that it refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) endpoint: String,
    pub(crate) key_hash: String,
    pub(crate) until: Until,
    /// The word of a class.
    pub(crate) reason: String,
    /// How many in a row.
    pub(crate) n: i64,
}

/// What a row in the list of calls is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Wait,
    Call,
    Probe,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Call => "call",
            Self::Probe => "probe",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Wait, Self::Call, Self::Probe].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A call that runs, or a caller that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flight {
    /// 0 until it is entered.
    pub(crate) id: i64,
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) kind: Kind,
    pub(crate) process: ProcessIdentity,
    /// Boot clock.
    pub(crate) started: i64,
    /// Boot clock: the newest sign of life.
    pub(crate) beat: i64,
    pub(crate) generation: i64,
    pub(crate) reserved_tokens: u64,
}

/// A call of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Past {
    pub(crate) endpoint: String,
    pub(crate) model: String,
    /// When it ended, wall clock.
    pub(crate) at: i64,
    pub(crate) kind: Kind,
    /// Whether it was paid from a budget.
    pub(crate) budgeted: bool,
    pub(crate) task: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) class: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) connect_ms: Option<u64>,
    pub(crate) first_ms: Option<u64>,
    pub(crate) total_ms: u64,
    pub(crate) queued_ms: u64,
    pub(crate) waited_ms: u64,
    pub(crate) tokens_in: Option<u64>,
    pub(crate) tokens_out: Option<u64>,
    pub(crate) estimated: bool,
    pub(crate) attempt: u32,
}

/// What was used of a budget, without what runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    /// In the last hour.
    pub(crate) calls: u64,
    /// In the last 24 hours.
    pub(crate) tokens: u64,
}

/// Looks at the records; changes nothing.
pub(crate) trait Look {
    type Error;
    fn host(&self, endpoint: &str) -> Result<Option<HostRow>, Self::Error>;
    fn pair(&self, endpoint: &str, model: &str) -> Result<Option<PairRow>, Self::Error>;
    fn block(&self, endpoint: &str, key_hash: &str) -> Result<Option<Block>, Self::Error>;
    /// What the hashes of keys are salted with; `None` where no key was ever hashed.
    fn salt(&self) -> Result<Option<Vec<u8>>, Self::Error>;
    /// The calls and waits of a host, dead ones too, the oldest first.
    fn flights(&self, endpoint: &str) -> Result<Vec<Flight>, Self::Error>;
    fn usage(&self, endpoint: &str, now_wall_ms: i64) -> Result<Usage, Self::Error>;
}

/// Changes the records.
pub(crate) trait Ledger {
    type Error;
    type Seen<'a>: Look<Error = Self::Error>
    where
        Self: 'a;
    fn seen(&self) -> Self::Seen<'_>;
    fn put_host(&mut self, row: &HostRow) -> Result<(), Self::Error>;
    fn put_pair(&mut self, row: &PairRow) -> Result<(), Self::Error>;
    fn put_block(&mut self, row: &Block) -> Result<(), Self::Error>;
    fn remove_block(&mut self, endpoint: &str, key_hash: &str) -> Result<(), Self::Error>;
    fn put_salt(&mut self, salt: &[u8]) -> Result<(), Self::Error>;
    /// Gives the number of the new row; numbers are never given twice.
    fn enter(&mut self, flight: &Flight) -> Result<i64, Self::Error>;
    /// Puts another content under the number of `flight`; false where that row is gone.
    fn become_flight(&mut self, flight: &Flight) -> Result<bool, Self::Error>;
    fn leave(&mut self, id: i64) -> Result<(), Self::Error>;
    /// Writes a call down, and drops what is too old now and then.
    fn record(&mut self, past: &Past) -> Result<(), Self::Error>;
}
