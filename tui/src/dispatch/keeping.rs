//! A claim that is kept for as long as its task is worked on.

use std::time::Duration;

use conclave_db::Db;
use conclave_tasks::work::dispatch::{self, AttemptId};

/// How often a claim is renewed before it would be over.
const TIMES: u32 = 3;
/// How soon a renewal that could not be stored is tried again.
const SOON: Duration = Duration::from_secs(1);

/// Renews the claim of an attempt again and again; completes when it is lost, and gives why.
pub(super) async fn keep(db: &Db, attempt: AttemptId, ttl: Duration) -> String {
    let mut wait = ttl / TIMES;
    loop {
        tokio::time::sleep(wait).await;
        let own = db.clone();
        let renewed = tokio::task::spawn_blocking(move || dispatch::renew(&own, attempt, ttl)).await;
        wait = match renewed {
            Ok(Ok(None)) => ttl / TIMES,
            Ok(Ok(Some(why))) => return why,
            // Whoever takes the task when the claim is over is seen by the next renewal that gets through.
            Ok(Err(error)) => {
                tracing::warn!(%error, "a claim could not be renewed");
                SOON.min(ttl / TIMES)
            }
            Err(error) => {
                tracing::warn!(%error, "a claim could not be renewed");
                SOON.min(ttl / TIMES)
            }
        };
    }
}
