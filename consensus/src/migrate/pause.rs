//! Pausing long work, and letting it go on.

use conclave_db::Db;
use serde::Serialize;

use crate::error::Result;
use crate::store::control::{self, pause as row};

/// Who paused the migration, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Paused {
    /// Who.
    pub by: String,
    /// When, ms.
    #[serde(serialize_with = "rfc3339")]
    pub at: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives the field by reference")]
fn rfc3339<S: serde::Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    crate::time::serialize(&Some(*ms), serializer)
}

/// Pauses the backfill, the repair and the way back, in whatever process they run: each ends before its next
/// chunk, a repair before its next row, and goes on from there when it is started after [`resume`]. Durable when this returns. Gives who has
/// paused it now, and whether this call did: an earlier pause stays as it is.
pub fn pause(db: &Db, actor: &str) -> Result<(Paused, bool)> {
    let actor = actor.to_owned();
    db.write("pause", move |tx| {
        let first = row::pause(tx, &actor)?;
        if first {
            control::record_event(tx, &actor, "pause", &serde_json::json!({}))?;
        }
        let paused = row::paused(tx)?.map(|(by, at)| Paused { by, at });
        // This transaction has just made sure of it.
        Ok((paused.unwrap_or_else(|| Paused { by: actor.clone(), at: tx.now_ms() }), first))
    })
}

/// Lets long work be started again; gives whether it was paused. Durable when this returns.
pub fn resume(db: &Db, actor: &str) -> Result<bool> {
    let actor = actor.to_owned();
    db.write("resume", move |tx| {
        let was_paused = row::resume(tx)?;
        if was_paused {
            control::record_event(tx, &actor, "resume", &serde_json::json!({}))?;
        }
        Ok(was_paused)
    })
}
