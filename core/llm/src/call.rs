//! One request to one host: written, sent, read to its marker.

use conclave_retry::{CancelToken, Clock};

use crate::host::Host;
use crate::secret::Secret;
use crate::transport::Limits;
use crate::wire::{Failure, Piece, Question, Reply};

/// How long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Took {
    pub(crate) connect_ms: Option<u64>,
    pub(crate) first_ms: Option<u64>,
    pub(crate) total_ms: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) reply: Result<Reply, Failure>,
    pub(crate) took: Took,
    pub(crate) request_id: Option<String>,
    /// The text that came, where it failed.
    pub(crate) partial: String,
}

/// Sends the question and hears the answer; `hear` gets each piece as it comes.
pub(crate) fn call(
    host: &Host,
    key: Option<&Secret>,
    proxy: Option<&str>,
    question: &Question<'_>,
    limits: &Limits,
    clock: &dyn Clock,
    cancel: &CancelToken,
    hear: &mut dyn FnMut(Piece),
) -> Called {
    let _ = (host, key, proxy, question, limits, clock, cancel, hear);
    todo!("c")
}
