//! What the working thread does to agents and leases.

use std::sync::{Mutex, PoisonError};

use conclave_db::Db;
use conclave_leases::{LeaseName, Leases, Status};
use conclave_registry::agents::{self, Agent, Stopped, Stopping};
use conclave_registry::ports;
use conclave_registry::worktree::{self, Cleanup};

use super::{Shared, stores_work};
use crate::cli::{SpawnLine, spawn_beside_ui};
use crate::failure::{Doing, Exit, Failure};
use crate::project::Project;
use crate::text::counted;
use crate::ui::effect::Work;
use crate::ui::message::Outcome;
use crate::ui::screens::agents::Who;
use crate::ui::screens::spawn_form::{Spawn, What};

/// Does it, where it is about agents or leases.
pub(super) fn carry_out(shared: &Shared, project: &Project, work: &Work) -> Option<Result<Outcome, Failure>> {
    Some(match work {
        Work::StopAgent(who) => at_work(shared, project, |db| stop(db, who)),
        Work::DiffAgent(who) => diff(project, who),
        Work::MergeAgent(who) => at_work(shared, project, |db| {
            let agent = exactly(db, who)?;
            let id = who.id();
            let merged = worktree::merge(&project.root, &agent, false).doing(format!("merge {id}"))?;
            let (commit, into) = (short(&merged.commit), &merged.into);
            Ok(Outcome::Said(if merged.is_new {
                format!("{id} is merged into {into}: {commit}")
            } else {
                format!("nothing to merge: all of {id} is in {into} already")
            }))
        }),
        Work::CleanUpAgent { who, force } => {
            at_work(shared, project, |db| clean_up(db, project, who, *force))
        }
        Work::Spawn(asked) => spawn(shared, project, asked),
        Work::BreakLease { name, global: false, fences } => {
            at_work(shared, project, |db| break_lease(db, name, fences))
        }
        Work::BreakLease { name, global: true, fences } => {
            let machine = shared.machine.as_ref().ok_or_else(|| Failure::not_found("no machine-wide file"));
            machine.and_then(crate::machine::Machine::open).and_then(|db| break_lease(&db, name, fences))
        }
        Work::SetAgent { id, status } => at_work(shared, project, |db| {
            let agent = agents::set(db, id, Some(*status), None).doing(format!("change {id}"))?;
            Ok(Outcome::Said(format!("{} is {}", agent.key.id, status.as_str())))
        }),
        Work::CleanUpPorts => clean_up_ports(shared),
        // Another importer may be waited for.
        Work::FlushSpool => at_work(shared, project, |db| stores_work::flush(project, db)),
        Work::PlanTrim => at_work(shared, project, |db| stores_work::trim_spool(project, db, true)),
        Work::TrimSpool => at_work(shared, project, |db| stores_work::trim_spool(project, db, false)),
        Work::ClearCache => stores_work::clear_cache(project),
        _ => return None,
    })
}

/// Opens the state for something that takes long and writes only now and then: a suspension waits for the writes alone.
fn at_work<T>(
    shared: &Shared,
    project: &Project,
    work: impl FnOnce(&Db) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let at_work = {
        let _writing = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        AtWork::begin(&shared.at_work, project.open()?)
    };
    work(&at_work.db)
}

/// A database that somebody is at work on, until this is dropped, by a defect too.
pub(super) struct AtWork<'list> {
    list: &'list Mutex<Vec<(u64, Db)>>,
    number: u64,
    db: Db,
}

impl<'list> AtWork<'list> {
    pub(super) fn begin(list: &'list Mutex<Vec<(u64, Db)>>, db: Db) -> Self {
        let mut all = list.lock().unwrap_or_else(PoisonError::into_inner);
        let number = all.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
        all.push((number, db.clone()));
        drop(all);
        Self { list, number, db }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        let mut all = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(number, _)| *number != self.number);
    }
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

/// The very registration that was asked about, and no other that has its id by now.
fn exactly(db: &Db, who: &Who) -> Result<Agent, Failure> {
    let all = agents::list(db).doing("find the agent")?;
    let id = who.id();
    let mut same_key = all.into_iter().filter(|agent| agent.key == who.key);
    match same_key.next() {
        Some(agent) if agent.started_at_ms == who.started => Ok(agent),
        Some(_) => Err(changed(format!("{id} is another agent by now: nothing was done"))),
        None => Err(changed(format!("{id} is gone by now: nothing was done"))),
    }
}

/// What was asked about is not what is there.
fn changed(text: String) -> Failure {
    Failure::new(Exit::StateSaysNo, "changed", text).hint("look again; the list shows what is there now")
}

fn stop(db: &Db, who: &Who) -> Result<Outcome, Failure> {
    agents::note_lost(db).doing("look for lost agents")?;
    let agent = exactly(db, who)?;
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

fn diff(project: &Project, who: &Who) -> Result<Outcome, Failure> {
    let db = project.open_read_only()?.ok_or_else(|| Failure::not_found("no state here"))?;
    let agent = exactly(&db, who)?;
    let id = who.id();
    let diff = worktree::diff(&project.root, &agent, false).doing(format!("show what {id} has changed"))?;
    Ok(Outcome::Diff { text: String::from_utf8_lossy(&diff).into_owned() })
}

fn clean_up(db: &Db, project: &Project, who: &Who, force: bool) -> Result<Outcome, Failure> {
    agents::note_lost(db).doing("look for lost agents")?;
    let agent = exactly(db, who)?;
    let how = Cleanup { force, delete_branch: false };
    let done = worktree::clean_up(db, &project.root, &agent, &project.config.worktree.hooks(), how)
        .doing(format!("clean up {}", agent.key.id))?;
    let mut said = format!("{} is removed", done.id);
    if !done.ended.is_empty() {
        said = format!("{said}; {} ended", counted(done.ended.len() as u64, "process", "processes"));
    }
    if let Some(branch) = &done.kept_branch {
        let why = done.kept_because.as_deref().unwrap_or("which is not merged");
        said = format!("{said}; kept the branch {branch}, {why}");
    }
    Ok(Outcome::Said(said))
}

fn clean_up_ports(shared: &Shared) -> Result<Outcome, Failure> {
    let machine = shared.machine.as_ref().ok_or_else(|| Failure::not_found("no machine-wide file"))?;
    let done = ports::cleanup(&machine.open()?).doing("clean up the ports")?;
    let freed = match done.removed.as_slice() {
        [] => "no project with a block is gone".to_owned(),
        removed => format!("freed of {}", removed.join(", ")),
    };
    Ok(Outcome::Said(format!("{freed}; {} in use", counted(done.remaining, "block is", "blocks are"))))
}

/// Ends the grants that were shown, where they are still the ones that hold the name.
fn break_lease(db: &Db, name: &str, fences: &[u64]) -> Result<Outcome, Failure> {
    let parsed = LeaseName::parse(name).doing("read the name")?;
    let leases = Leases::new(db.clone()).doing("look at the leases")?;
    let status = || leases.status(&parsed).doing("look at the lease");
    let held = |status: &Option<Status>| -> Vec<(u64, String)> {
        let live = status.iter().flat_map(|status| &status.leases).filter(|lease| !lease.expired);
        live.map(|lease| (lease.fence, lease.holder.to_string())).collect()
    };
    let now = held(&status()?);
    if now.is_empty() {
        return Ok(Outcome::Said(format!("nobody held {name} any more")));
    }
    let who = |held: &[(u64, String)]| {
        let all: Vec<String> =
            held.iter().map(|(fence, holder)| format!("{holder} (fence {fence})")).collect();
        all.join(", ")
    };
    if now.iter().any(|(fence, _)| !fences.contains(fence)) {
        return Err(changed(format!("{name} is held by {} by now: nothing was done", who(&now))));
    }
    let ended = leases.break_lease(&parsed, fences).doing(format!("release {name}"))?;
    if ended.is_empty() {
        return Err(changed(format!("the lease of {name} that was shown is over by now: nothing was done")));
    }
    let taken: Vec<String> = ended.iter().map(u64::to_string).collect();
    let said = format!("{name} is taken from its holder: fence {} counts no more", taken.join(", "));
    let after = status()?;
    let next = held(&after);
    Ok(Outcome::Said(match (next.is_empty(), after.as_ref().and_then(|status| status.waiters.first())) {
        (false, _) => format!("{said}; held now by {}", who(&next)),
        (true, Some(waiter)) => format!("{said}; {} is next", waiter.holder),
        (true, None) => format!("{said}; it is free"),
    }))
}

/// The beginning of a commit's name.
fn short(commit: &str) -> String {
    commit.chars().take(12).collect()
}

#[cfg(test)]
mod tests;
