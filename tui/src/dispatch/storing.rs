//! Calls of the store from async code, repeated where that may help: an answer that cannot be stored is lost.

use conclave_db::{Db, DbError, ErrorKind};
use conclave_retry::{RetryPolicy, SystemRandom};
use conclave_tasks::{TaskError, TaskErrorKind};

/// Runs a call that may be run again, also where nobody knows whether it was committed, on a thread that may be held up.
pub(super) async fn stored<T: Send + 'static>(
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
