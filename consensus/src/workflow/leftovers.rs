//! What attempts without an end left behind: processes, and folders.

use std::time::Duration;

use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, DbError};
use tokio::task::JoinSet;

use super::scratch;
use crate::child::{self, Leftovers};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::store::workflow::{self as store, Past};

/// How long processes of a run that is deleted have to end by themselves.
const GRACE: Duration = Duration::from_secs(2);

/// What the processes of an attempt carry in their environment: other projects may have runs of the same key.
pub(super) fn mark(db: &Db, agent_id: &str) -> String {
    format!("{agent_id}@{}", db.path().display())
}

/// Ends what still lives of one attempt, and takes its folders away.
pub(super) async fn end_one(mark: String, process: Option<&ProcessIdentity>, grace: Duration) -> Leftovers {
    let ended = child::end_leftovers(&mark, process, grace).await;
    // A folder that stays is no reason to stop.
    let _ = tokio::task::spawn_blocking(move || scratch::clear(&mark)).await;
    ended
}

/// Ends what still lives of these attempts, whose owner is known to be dead or gone.
pub(super) async fn end(db: &Db, run: RunId, dangling: &[Past], grace: Duration) {
    let mut leftovers = JoinSet::new();
    for attempt in dangling {
        let (mark, process) = (mark(db, &attempt.agent_id), attempt.process.clone());
        leftovers.spawn(async move { end_one(mark, process.as_ref(), grace).await });
    }
    for ended in leftovers.join_all().await {
        if ended.left > 0 {
            tracing::warn!(%run, left = ended.left, "processes of a lost attempt could not be ended");
        }
    }
}

/// Ends what is left of the processes of a run that nobody drives any more and that is to go. Refused where somebody
/// alive drives it.
pub(crate) fn end_before_delete(db: &Db, run: RunId) -> Result<()> {
    let dangling = db.read(|conn| store::dangling(conn, run))?;
    if dangling.is_empty() {
        return Ok(());
    }
    let own = db.clone();
    // A thread of its own: the caller may be on a runtime, which cannot be entered twice.
    let ended = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(end(&own, run, &dangling, GRACE));
        Ok::<_, std::io::Error>(())
    });
    let failed =
        |message: String| ConsensusError::Storage(DbError::Panicked { label: "end leftovers", message });
    match ended.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("the thread that ends what is left has panicked".to_owned())),
    }
}
