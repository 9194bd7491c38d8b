//! Calls of the store from async code, repeated where that may help: an answer that cannot be stored is lost.

use std::time::Duration;

use conclave_consensus::child::Stop;
use conclave_db::{Db, DbError, ErrorKind};
use conclave_retry::{RetryPolicy, SystemRandom};
use conclave_tasks::{TaskError, TaskErrorKind};

/// How long a store that is held up is waited for where somebody has asked to stop at once.
const LAST: Duration = Duration::from_secs(1);

/// Runs a call that may be run again, also where nobody knows whether it was committed, on a thread that may be held up.
/// Where `stop` was asked for twice, it is not waited for: then nobody knows, and the next dispatcher finds what is left.
pub(super) async fn stored<T: Send + 'static>(
    db: &Db,
    stop: &Stop,
    call: impl Fn(&Db) -> Result<T, TaskError> + Clone + Send + 'static,
) -> Result<T, TaskError> {
    tokio::select! {
        biased;
        stored = repeated(db, call) => stored,
        () = overdue(stop) => Err(DbError::Cancelled("dispatch").into()),
    }
}

async fn overdue(stop: &Stop) {
    stop.killed().await;
    tokio::time::sleep(LAST).await;
}

async fn repeated<T: Send + 'static>(
    db: &Db,
    call: impl Fn(&Db) -> Result<T, TaskError> + Clone + Send + 'static,
) -> Result<T, TaskError> {
    let mut delays = RetryPolicy::DATABASE.delays(&SystemRandom);
    loop {
        let (own, once) = (db.clone(), call.clone());
        let ran = tokio::task::spawn_blocking(move || once(&own)).await;
        let error = match ran {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(join) => {
                return Err(DbError::Panicked { label: "dispatch", message: join.to_string() }.into());
            }
        };
        let unknown = error.kind() == TaskErrorKind::Storage(ErrorKind::Ambiguous);
        let Some(delay) = delays.next().filter(|_| error.is_retryable() || unknown) else {
            return Err(error);
        };
        tracing::warn!(%error, "a write of the dispatcher is tried again");
        tokio::time::sleep(delay).await;
    }
}
