//! Agents: their rows, and whether they live.

mod life;
mod model;
mod registering;
mod stop;

use conclave_db::Db;

pub use self::life::Life;
pub use self::model::{Agent, BuilderStatus, BuilderType, Counts, End, Ended, Key, Kind};
pub use self::registering::{NewAgent, Role, Wish, register};
pub use self::stop::{Stopped, Stopping, stop};
use crate::error::Result;

/// All agents, architects first, then by when they were started. Reads only.
pub fn list(_state: &Db) -> Result<Vec<Agent>> {
    todo!("R")
}

/// The agent with this id: an exact one wins, else a unique prefix (architects are never shortened), never a substring.
pub fn find(_state: &Db, _given: &str) -> Result<Agent> {
    todo!("R")
}

/// How many rows of each kind there are. Reads only.
pub fn counts(_state: &Db) -> Result<Counts> {
    todo!("R")
}

/// What an agent says of itself. Durable when this returns.
pub fn set(_state: &Db, _given: &str, _status: Option<BuilderStatus>, _phase: Option<&str>) -> Result<Agent> {
    todo!("R")
}

/// Records the agents whose processes have vanished (or are of an older boot) as lost and frees their ports; gives them.
/// Every command that writes to the registry does so first.
pub fn note_lost(_state: &Db) -> Result<Vec<Agent>> {
    todo!("R")
}

/// Removes the row. Its processes and its worktree are the caller's business, before.
pub fn remove(_state: &Db, _key: &Key) -> Result<()> {
    todo!("R")
}
