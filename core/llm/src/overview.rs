//! The hosts as lists and screens show them. Reading changes nothing (L10).

use conclave_db::Db;
use serde::Serialize;

use crate::error::Result;
use crate::host::{Dialect, Hosts};

/// A breaker, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerView {
    /// `closed`, `open`, `half_open`, `forced_open` or `disabled`.
    pub state: String,
    /// Failures in a row.
    pub failures: i64,
    /// When it is tried out at the earliest, wall clock, ms since 1970.
    pub retry_at: Option<i64>,
}

/// One call of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// When it ended, wall clock, ms since 1970.
    pub at: i64,
    /// The model.
    pub model: String,
    /// The type of the task.
    pub task: Option<String>,
    /// The run that asked.
    pub run: Option<String>,
    /// Which attempt of its question.
    pub attempt: i64,
    /// Why it failed; `None` where it answered.
    pub class: Option<String>,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// Until the first token.
    pub first_ms: Option<u64>,
    /// All of it.
    pub total_ms: u64,
    /// In the queue.
    pub queued_ms: Option<u64>,
    /// Of the prompt and of the answer.
    pub tokens_in: Option<u64>,
    /// Of the answer.
    pub tokens_out: Option<u64>,
}

/// One host, or the fallback.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// Its URL, without user information.
    pub url: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Its models, as configured.
    pub models: Vec<String>,
    /// Whether the newest sign of it was a good one; `None` where there is none.
    pub healthy: Option<bool>,
    /// Calls that run.
    pub in_flight: u64,
    /// Callers that wait.
    pub waiting: u64,
    /// Calls at once.
    pub slots: u32,
    /// Its breaker.
    pub breaker: BreakerView,
    /// Until when its key is not used, and why.
    pub blocked_until: Option<i64>,
    /// Why.
    pub blocked_why: Option<String>,
    /// The newest failure.
    pub last_error: Option<String>,
    /// Of the last 200 calls of 24 hours that answered, by nearest rank; `None` of fewer than 5.
    pub p50_ms: Option<u64>,
    /// The same.
    pub p95_ms: Option<u64>,
    /// The same, to the first token.
    pub first_p50_ms: Option<u64>,
    /// The same, to the first token.
    pub first_p95_ms: Option<u64>,
    /// The last 30 calls, the oldest first.
    pub recent: Vec<CallView>,
    /// When its breaker opened, wall clock, ms since 1970, where it is open.
    pub opened_at: Option<i64>,
    /// The class of the newest failure.
    pub last_class: Option<String>,
    /// Calls of the last hour.
    pub calls_last_hour: u64,
    /// Tokens of 24 hours.
    pub tokens_last_day: u64,
    /// Whether it is the fallback.
    pub fallback: bool,
}

/// All hosts of the configuration, the fallback last. Without a machine-wide file nothing is known of them.
pub fn overview(global: Option<&Db>, hosts: &Hosts) -> Result<Vec<HostView>> {
    let _ = (global, hosts);
    todo!("s")
}

/// The calls of a host, the newest first.
pub fn calls(global: &Db, host: &crate::host::Host, limit: usize) -> Result<Vec<CallView>> {
    let _ = (global, host, limit);
    todo!("s")
}
