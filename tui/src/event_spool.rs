//! The spool of a project.

use conclave_db::Db;
use conclave_spool::Spool;

use crate::failure::Failure;
use crate::project::Project;

/// The spool in the project's state folder, run as the configuration says. Touches nothing. `state` is where its ledger
/// stands: a handle that can only read is only read.
pub(crate) fn of(project: &Project, state: Option<Db>) -> Result<Spool, Failure> {
    let options = project.config.spool.options()?;
    Ok(Spool::at(project.state_dir.join("spool"), options).state(state).build())
}
