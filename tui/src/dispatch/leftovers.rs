//! What dispatchers that are gone have left: processes of their agents, and tasks that nobody works on.

use std::collections::BTreeSet;

use conclave_consensus::child::Stop;
use conclave_consensus::workflow;
use conclave_db::Db;
use conclave_db::process::{self, Liveness, ProcessIdentity};
use conclave_tasks::TaskError;
use conclave_tasks::work::dispatch::{self, OpenAttempt};

use super::event::{Event, Tell};
use super::storing::stored;

/// Ends what still lives of the attempts of dead dispatchers, and gives their tasks back. `in_hand` are the
/// tasks that this process works on. Of a dispatcher of another container or machine nothing is known: its claim ends by itself.
pub(super) async fn take_back(
    db: &Db,
    who: &str,
    me: &ProcessIdentity,
    in_hand: impl Fn() -> BTreeSet<String>,
    tell: &Tell,
    stop: &Stop,
) -> Result<(), TaskError> {
    // What ends between the two was in hand, and is found to have ended.
    let open = stored(db, stop, dispatch::open).await?;
    let own = in_hand();
    for attempt in open {
        let is_lost = match &attempt.owner {
            // Its beginning was stored, and this process was told otherwise.
            Some(owner) if owner == me => !own.contains(&attempt.task),
            Some(owner) => process::liveness(owner) == Liveness::Dead,
            None => false,
        };
        if !is_lost {
            continue;
        }
        end(db, &attempt).await;
        let (by, id) = (who.to_owned(), attempt.id);
        if stored(db, stop, move |db| dispatch::lose(db, &by, id)).await? {
            tell(Event::TakenBack { task: attempt.task, agent: attempt.agent });
        }
    }
    Ok(())
}

/// Ends what still lives of an attempt that is lost.
pub(super) async fn end(db: &Db, attempt: &OpenAttempt) {
    let ended = workflow::end_lost(attempt.mark(db), attempt.child.as_ref()).await;
    if ended.left > 0 {
        tracing::warn!(task = %attempt.task, left = ended.left, "processes of a lost attempt could not be ended");
    }
}
