//! Closing a run: its rows are read and judged without holding up any writer, then written if they still stand.

use std::sync::Arc;

use conclave_db::process::ProcessIdentity;
use conclave_db::{Db, DbError};

use super::writing::write;
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::store::workflow::{self as store, Closed};
use crate::verdict::{self, Case, Verdict};

/// Closes a run that `me` drives with what is there; gives its verdict.
pub(super) async fn close(db: &Db, run: RunId, me: &ProcessIdentity) -> Result<Verdict> {
    loop {
        let material = db.read_async(move |conn| store::material(conn, run)).await?;
        let ending = Arc::new(aside(move || material.judge(run)).await??);
        let (me, judged) = (me.clone(), Arc::clone(&ending));
        match write(db, "close run", move |tx| store::close(tx, run, &me, &judged)).await? {
            Closed::Yes => return Ok(ending.verdict.clone()),
            // Somebody else, an older program say, has added to it: it is judged again.
            Closed::Outdated => {}
        }
    }
}

/// The verdict on a run that is closed; nothing for one that is not.
pub(super) async fn verdict(db: &Db, run: RunId) -> Result<Option<Verdict>> {
    match db.read_async(move |conn| store::closed(conn, run)).await? {
        None => Ok(None),
        Some(case) => aside(move || verdict::judge(&case)).await.map(Some),
    }
}

/// What the agents of a closed run agree on of the decisions that the stages know, by field.
pub(super) async fn decided(db: &Db, run: RunId) -> Result<Vec<verdict::Decided>> {
    let case: Option<Case> = db.read_async(move |conn| store::closed(conn, run)).await?;
    aside(move || case.map(|case| verdict::decided(&case)).unwrap_or_default()).await
}

/// Long work, off the tasks of the runtime.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        ConsensusError::Storage(DbError::Panicked { label: "judge", message: error.to_string() })
    })
}
