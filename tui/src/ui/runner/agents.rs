//! What the reading thread reads of agents.

use conclave_db::Db;
use conclave_registry::agents;

use crate::failure::{Doing, Failure};
use crate::project::Project;
use crate::ui::screens::agents::Row;

/// All agents of the registry, with whether they live.
pub(super) fn list(db: &Db, project: &Project) -> Result<Vec<Row>, Failure> {
    let agents = agents::list(db).doing("read the agents")?;
    Ok(agents.iter().map(|agent| Row::of(agent, &project.root)).collect())
}
