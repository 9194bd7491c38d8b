//! What a failure is: from status, JSON type and the few phrases of the table, in one place.

use std::time::Duration;

use super::Unread;
use crate::class::Class;
use crate::host::Dialect;
use crate::transport::TransportError;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    /// In words, not yet redacted: whoever shows it does that.
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
    /// What the server asked to wait, and whether it may be slept (up to an hour).
    pub(crate) retry_after: Option<Duration>,
    /// Whether it concerns this model alone (out of memory).
    pub(crate) of_model: bool,
    /// `x-should-retry: false`: the same host is not asked again.
    pub(crate) never_again: bool,
    /// The certificate, or the proxy's key: nothing that the fallback should hide.
    pub(crate) is_local_trust: bool,
    /// Refused because of `stream_options`: asked once more without.
    pub(crate) without_usage: bool,
    pub(crate) request_id: Option<String>,
}

/// An answer that is an error: its status, headers (lower-case names) and body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) status: u16,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: &'a [u8],
    /// Wall clock, ms since 1970, for dates.
    pub(crate) now_ms: i64,
}

/// What an error status means, or an error in an answer with status 200 (`unread`).
pub(crate) fn of_answer(heard: &Heard<'_>, unread: Option<&Unread>) -> Failure {
    let _ = (heard, unread);
    todo!("w")
}

/// What a failed exchange means.
pub(crate) fn of_transport(error: &TransportError) -> Failure {
    let _ = error;
    todo!("w")
}
