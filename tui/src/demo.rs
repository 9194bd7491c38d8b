//! The demo: a project of its own in the temporary folder, with the golden fixture imported and verified.
//! It is kept, so that one can look around in it.

use conclave_consensus::golden;
use conclave_consensus::import::{ImportReport, Progress};
use conclave_consensus::migrate::{self, VerifyReport};

use crate::config::Config;
use crate::failure::{Doing, Failure};
use crate::import;
use crate::project::Project;

/// The demo's project, and what was done in it.
pub(crate) struct Demo {
    pub(crate) project: Project,
    pub(crate) report: ImportReport,
    pub(crate) verified: VerifyReport,
}

/// Makes the project.
pub(crate) fn create(actor: &str, progress: &mut dyn FnMut(Progress)) -> Result<Demo, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("conclave-demo-")
        .tempdir()
        .map_err(|error| Failure::io("make a temporary folder", &error))?;
    let root =
        folder.path().canonicalize().map_err(|error| Failure::io("find the temporary folder", &error))?;
    let state_dir = root.join(conclave_db::paths::STATE_DIR);
    let database = state_dir.join("state.db");
    let project = Project { root, state_dir, database, config: Config::default() };
    let fixture = project.root.join("consensus_artifacts.db");
    golden::write_legacy_fixture(&fixture).doing("write the sample data")?;
    project.init()?;
    let report = import::import(&project, &fixture, &import::options(actor, false), progress)?;
    let db = project.open()?;
    let verified = migrate::verify(&db, actor, progress).doing("verify")?;
    // Only what was finished stays.
    let _ = folder.keep();
    Ok(Demo { project, report, verified })
}
