//! The demo: a project of its own in the temporary folder, and a run in it that three sample agents are asked in.
//! It is kept, so that one can look around in it.

mod agents;

use std::fmt::Write as _;
use std::path::Path;

use conclave_consensus::runs::RunId;
use conclave_consensus::workflow;
use conclave_db::Db;
use serde_json::json;

pub(crate) use self::agents::{Act, Sample, sample};
use crate::cli::SAMPLE_AGENT;
use crate::config::Source;
use crate::driving;
use crate::failure::{Doing, Failure};
use crate::project::{Environment, Project};
use crate::request::{self, Ask};

/// What the sample agents plan.
const SPEC: &str = "DEMO-1";
const STAGE: &str = "plan";
/// What they are asked; it stands in the configuration, as one of the user's own would.
const PROMPT: &str = "Plan how our public API gets rate limits: what counts against a limit, where the counters lie, \
                      and what a caller is told who is over it. Answer with JSON: work_breakdown, acceptance_mapping, \
                      risks, and the decisions storage and algorithm.";

/// The demo's project, with a run that was begun and waits to be driven.
pub(crate) struct Demo {
    pub(crate) project: Project,
    pub(crate) db: Db,
    pub(crate) run: RunId,
}

/// Makes the project and begins the run.
pub(crate) fn begin(environment: &Environment, actor: &str) -> Result<Demo, Failure> {
    driving::refuse_few_descriptors()?;
    let folder = tempfile::Builder::new()
        .prefix("conclave-demo-")
        .tempdir()
        .map_err(|error| Failure::io("make a temporary folder", &error))?;
    let root =
        folder.path().canonicalize().map_err(|error| Failure::io("find the temporary folder", &error))?;
    let state_dir = root.join(conclave_db::paths::STATE_DIR);
    conclave_db::paths::ensure_state_dir(&state_dir).doing("make the state folder")?;
    let file = state_dir.join("config.toml");
    std::fs::write(&file, configuration()?)
        .map_err(|error| Failure::io(format!("write {}", file.display()), &error))?;
    let database = state_dir.join("state.db");
    let source = Source::Named(file);
    let project = Project { root, state_dir, database, config: source.load()?, source, options: Vec::new() };
    let ask = Ask { spec: SPEC.to_owned(), stage: STAGE.to_owned(), ..Ask::default() };
    let request = request::of_stage(&project, environment, actor, ask)?;
    let db = project.open()?;
    let run = workflow::begin(&db, &request).doing("begin the run")?;
    // Only what was begun stays.
    let _ = folder.keep();
    Ok(Demo { project, db, run })
}

/// A configuration as a user would write it. Its agents are this program.
fn configuration() -> Result<String, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::io("find this program", &error))?;
    let program = text(&program)?;
    let mut text =
        String::from("# The demo's agents are part of Conclave. Yours stand here in the same form.\n");
    for Sample { name, family, role, .. } in &agents::SAMPLES {
        let command = json!([program, SAMPLE_AGENT, name]);
        let _ = write!(
            text,
            "\n[[agents]]\nname = \"{name}\"\nfamily = \"{family}\"\nrole = \"{role}\"\ncommand = {command}\ntimeout = \"1m\"\n"
        );
    }
    let _ = write!(text, "\n[stages.{STAGE}]\nprompt = {}\n", json!(PROMPT));
    Ok(text)
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::configuration(format!("this program lies in {}, whose name is no UTF-8", path.display()))
            .hint("copy it to another folder")
    })
}
