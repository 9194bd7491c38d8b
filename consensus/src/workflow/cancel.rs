//! Ending a run before its time.

use conclave_db::{Db, process};

use super::driving::{Driveable, is_driven_here};
use super::{Owner, Session, drive};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;
use crate::store::control;
use crate::store::workflow as store;
use crate::verdict::Verdict;

/// What came of asking for the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancel {
    /// Who drives it was asked, and closes it as soon as the agents have ended.
    Asked {
        /// The process.
        pid: u32,
    },
    /// Nobody drove it: it was closed here.
    Closed(Box<Verdict>),
    /// It had been closed before.
    AlreadyClosed,
}

/// Ends a run with the answers that it has. Who drives it ends its agents and closes it; where nobody does, what is
/// left of them is ended and it is closed here. That it is asked for is durable when this returns.
///
/// # Errors
///
/// [`ConsensusError::Refused`] where the one who drives it cannot be seen from here, or the run was not begun by
/// Conclave; [`ConsensusError::NotFound`]; failures of the storage.
pub async fn cancel(db: &Db, run: RunId, actor: &str) -> Result<Cancel> {
    let actor = actor.to_owned();
    let asked = db.write_async("cancel run", move |tx| {
        if !store::cancel(tx, run)? {
            return Ok::<_, ConsensusError>(None);
        }
        control::record_event(tx, &actor, "cancel", &serde_json::json!({ "run": run.0 }))?;
        Ok(Some(store::driven(tx, run)?))
    });
    Ok(match asked.await? {
        None => Cancel::AlreadyClosed,
        Some(Owner::Alive { pid } | Owner::Unknown { pid }) => Cancel::Asked { pid },
        Some(Owner::Here) if is_driven_here(db, Driveable::Run(run)) => {
            Cancel::Asked { pid: process::current()?.pid }
        }
        Some(Owner::Nobody | Owner::Ended | Owner::Here) => {
            match drive(db, run, &Session::new(Vec::new())).await?.verdict {
                Some(verdict) => Cancel::Closed(Box::new(verdict)),
                None => Cancel::AlreadyClosed,
            }
        }
    })
}
