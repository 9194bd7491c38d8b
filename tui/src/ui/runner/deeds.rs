//! What the working thread does to agents and leases.

use std::sync::PoisonError;

use conclave_db::Db;
use conclave_leases::{LeaseName, Leases};
use conclave_registry::agents::{self, Agent, Stopped, Stopping};
use conclave_registry::worktree::{self, Cleanup};

use super::Shared;
use crate::cli::{SpawnLine, spawn_beside_ui};
use crate::failure::{Doing, Failure};
use crate::project::Project;
use crate::text::counted;
use crate::ui::effect::Work;
use crate::ui::message::Outcome;
use crate::ui::screens::spawn_form::{Spawn, What};

/// Does it, where it is about agents or leases.
pub(super) fn carry_out(shared: &Shared, project: &Project, work: &Work) -> Option<Result<Outcome, Failure>> {
    Some(match work {
        Work::StopAgent(id) => at_work(shared, project, |db| stop(db, id)),
        Work::DiffAgent(id) => diff(project, id),
        Work::MergeAgent(id) => at_work(shared, project, |db| {
            let agent = find(db, id)?;
            let commit = worktree::merge(&project.root, &agent, false).doing(format!("merge {id}"))?;
            Ok(Outcome::Said(format!("{id} is merged: {}", short(&commit))))
        }),
        Work::CleanUpAgent { id, force } => at_work(shared, project, |db| clean_up(db, project, id, *force)),
        Work::Spawn(asked) => spawn(shared, project, asked),
        Work::BreakLease { name, global: false } => at_work(shared, project, |db| break_lease(db, name)),
        Work::BreakLease { name, global: true } => {
            let machine = shared.machine.as_ref().ok_or_else(|| Failure::not_found("no machine-wide file"));
            machine.and_then(crate::machine::Machine::open).and_then(|db| break_lease(&db, name))
        }
        _ => return None,
    })
}

/// Opens the state for something that takes long and writes only now and then: a suspension waits for the writes alone.
fn at_work<T>(
    shared: &Shared,
    project: &Project,
    work: impl FnOnce(&Db) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let db = {
        let _writing = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let db = project.open()?;
        shared.at_work.lock().unwrap_or_else(PoisonError::into_inner).push(db.clone());
        db
    };
    let done = work(&db);
    shared.at_work.lock().unwrap_or_else(PoisonError::into_inner).clear();
    done
}

/// The same as the command line does, by its words.
fn spawn(shared: &Shared, project: &Project, asked: &Spawn) -> Result<Outcome, Failure> {
    let text = |what: What| (asked.what == what).then(|| asked.text.clone());
    let line = SpawnLine {
        spec: text(What::Spec),
        task: text(What::Task),
        protocol: text(What::Protocol),
        shell: asked.what == What::Shell,
        util: false,
        annotate: None,
        parent: None,
        worktree: asked.worktree,
        no_port: !asked.port,
        pid: None,
        foreground: false,
        command: asked.command.iter().map(Into::into).collect(),
    };
    let (environment, places) = (shared.environment.clone(), shared.places.clone());
    let agent = spawn_beside_ui(environment, places, project.clone(), shared.actor.clone(), line)?;
    let id = agent.key.id;
    let runs = if asked.command.is_empty() { "is registered" } else { "runs" };
    let port = agent.port.map_or_else(String::new, |port| format!(", port {port}"));
    Ok(Outcome::Spawned { said: format!("{id} {runs}{port}"), id })
}

fn find(db: &Db, id: &str) -> Result<Agent, Failure> {
    agents::find(db, id).doing("find the agent")
}

fn stop(db: &Db, id: &str) -> Result<Outcome, Failure> {
    agents::note_lost(db).doing("look for lost agents")?;
    let agent = find(db, id)?;
    let id = &agent.key.id;
    match agents::stop(db, &agent, Stopping::default()).doing(format!("stop {id}"))? {
        Stopped::Ended => Ok(Outcome::Said(format!("{id} has ended"))),
        Stopped::Forgotten => {
            let why = "only its pid is known, which may be anybody's by now";
            Ok(Outcome::Said(format!("{id} counts as lost; nothing was signalled: {why}")))
        }
        Stopped::BeforeStart => Ok(Outcome::Said(format!("{id} will not start"))),
        Stopped::WasNotRunning => Ok(Outcome::Said(format!("{id} was not running"))),
        Stopped::NotOurs => {
            let text = format!("it is not certain whose process {id} is: nothing was signalled");
            Err(Failure::not_found(text))
        }
    }
}

fn diff(project: &Project, id: &str) -> Result<Outcome, Failure> {
    let db = project.open_read_only()?.ok_or_else(|| Failure::not_found("no state here"))?;
    let agent = find(&db, id)?;
    let id = agent.key.id.clone();
    let diff = worktree::diff(&project.root, &agent, false).doing(format!("show what {id} has changed"))?;
    Ok(Outcome::Diff { id, text: String::from_utf8_lossy(&diff).into_owned() })
}

fn clean_up(db: &Db, project: &Project, id: &str, force: bool) -> Result<Outcome, Failure> {
    agents::note_lost(db).doing("look for lost agents")?;
    let agent = find(db, id)?;
    let how = Cleanup { force, delete_branch: false };
    let done = worktree::clean_up(db, &project.root, &agent, &project.config.worktree.hooks(), how)
        .doing(format!("clean up {}", agent.key.id))?;
    let mut said = format!("{} is removed", done.id);
    if !done.ended.is_empty() {
        said = format!("{said}; {} ended", counted(done.ended.len() as u64, "process", "processes"));
    }
    if let Some(branch) = &done.kept_branch {
        said = format!("{said}; the branch {branch} is kept, it is not merged");
    }
    Ok(Outcome::Said(said))
}

fn break_lease(db: &Db, name: &str) -> Result<Outcome, Failure> {
    let parsed = LeaseName::parse(name).doing("read the name")?;
    let leases = Leases::new(db.clone()).doing("look at the leases")?;
    let ended = leases.break_lease(&parsed).doing(format!("release {name}"))?;
    if ended.is_empty() {
        return Ok(Outcome::Said(format!("nobody held {name} any more")));
    }
    let fences: Vec<String> = ended.iter().map(u64::to_string).collect();
    Ok(Outcome::Said(format!("{name} is free; fence {} counts no more", fences.join(", "))))
}

/// The beginning of a commit's name.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}
