//! Writes from async code, repeated where that may help: an answer that cannot be stored is lost.

use conclave_db::{Db, ErrorKind, WriteTx};
use conclave_retry::{RetryPolicy, SystemRandom};

use crate::error::{ConsensusError, ConsensusErrorKind, Result};
use crate::record;

/// Runs a write that may be run again, also where nobody knows whether it was committed. A difference between the
/// sides is kept. How long it took, from the call until it was durable, is traced.
pub(super) async fn write<T, F>(db: &Db, label: &'static str, closure: F) -> Result<T>
where
    T: Send + 'static,
    F: FnMut(&WriteTx<'_>) -> Result<T> + Clone + Send + 'static,
{
    let mut attempt = 0;
    let begun = db.clock().monotonic();
    loop {
        let error = match db.write_async(label, closure.clone()).await {
            Ok(written) => {
                let took = db.clock().monotonic().saturating_sub(begun);
                tracing::trace!(write = label, micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
                return Ok(written);
            }
            Err(error) => error,
        };
        let unknown = error.kind() == ConsensusErrorKind::Storage(ErrorKind::Ambiguous);
        let delay = RetryPolicy::DATABASE.delays(&SystemRandom).nth(attempt);
        let Some(delay) = delay.filter(|_| error.is_retryable() || unknown) else {
            return keep_difference(db, error).await;
        };
        attempt += 1;
        tracing::warn!(%error, label, "a write is tried again");
        tokio::time::sleep(delay).await;
    }
}

/// The failure of a write; where its sides differed, that is stored first.
async fn keep_difference<T: Send + 'static>(db: &Db, error: ConsensusError) -> Result<T> {
    if !matches!(error, ConsensusError::SidesDiffer(_)) {
        return Err(error);
    }
    let own = db.clone();
    let told = tokio::task::spawn_blocking(move || record::told(&own, Err(error))).await;
    told.unwrap_or_else(|join| Err(ConsensusError::Invalid(format!("a write that differed: {join}"))))
}
