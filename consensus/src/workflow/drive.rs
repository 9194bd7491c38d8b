//! Driving a run from where it stands to its verdict.

use conclave_db::Db;

use super::{Driven, Session};
use crate::error::{ConsensusError, Result};
use crate::runs::RunId;

/// Stands in until the parts are there.
pub async fn drive(_db: &Db, _run: RunId, _session: &Session) -> Result<Driven> {
    Err(ConsensusError::refused("runs are not driven yet", None))
}

pub(super) fn is_driven_here(_db: &Db, _run: RunId) -> bool {
    false
}
