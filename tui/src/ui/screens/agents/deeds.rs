//! What is done to agents from here: stop, diff, merge, clean up, spawn. All but the diff ask first.

use super::diff::{self, Diff};
use super::row::Row;
use super::update::selected;
use crate::ui::effect::{Effect, Work};
use crate::ui::keymap::Action;
use crate::ui::message::Outcome;
use crate::ui::model::{Model, Screen};
use crate::ui::overlay::Overlay;
use crate::ui::problem::Problem;
use crate::ui::screens::spawn_form;
use crate::ui::update::start_work;

/// Whether an action does something to an agent.
pub(super) const fn is_deed(action: Action) -> bool {
    matches!(
        action,
        Action::StopAgent
            | Action::DiffAgent
            | Action::MergeAgent
            | Action::CleanUpAgent
            | Action::SpawnAgent
    )
}

/// The agent that is looked at: the one whose changes or whose log is open, else the one under the cursor.
fn here(model: &Model) -> Option<String> {
    let agents = &model.agents;
    if let Some(diff) = &agents.diff {
        return Some(diff.id.clone());
    }
    let streamed = agents.log.as_ref().filter(|_| agents.streams).map(|log| log.id.clone());
    streamed.or_else(|| selected(agents).filter(|row| row.is_registered()).map(|row| row.id.clone()))
}

/// Does it to the agent that is looked at.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::SpawnAgent {
        spawn_form::open(model, "");
        return Vec::new();
    }
    match here(model) {
        Some(id) => deed(model, action, &id),
        None if selected(&model.agents).is_some() => {
            model.say("it belongs to a run; enter shows it, and there c cancels");
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Does it to an agent, or asks first.
pub(super) fn deed(model: &mut Model, action: Action, id: &str) -> Vec<Effect> {
    let named = name(model, id);
    let id = id.to_owned();
    let (question, work) = match action {
        Action::DiffAgent => return start_work(model, Work::DiffAgent(id)),
        Action::StopAgent => (
            format!("Stop {named}? It is asked to end, and ended after 10 s if it does not."),
            Work::StopAgent(id),
        ),
        Action::MergeAgent => (
            format!("Merge the branch of {named} into the branch that is checked out here?"),
            Work::MergeAgent(id),
        ),
        Action::CleanUpAgent => (
            format!(
                "Clean up {named}? Every process in its worktree is ended, the worktree and its entry here are removed."
            ),
            Work::CleanUpAgent { id, force: false },
        ),
        _ => return Vec::new(),
    };
    model.overlay = Some(Overlay::ask(question, work));
    Vec::new()
}

/// The id with what it is, where that is known.
fn name(model: &Model, id: &str) -> String {
    let known = model.agents.registered.iter().find(|row| row.id == id);
    let what = |row: &Row| {
        let given = row.given.as_deref().unwrap_or_default().replace('\n', " ");
        match (given.as_str(), row.pid) {
            ("", Some(pid)) => format!("{id} ({}, pid {pid})", row.type_word),
            ("", None) => format!("{id} ({})", row.type_word),
            (given, _) => {
                let short: String = given.chars().take(60).collect();
                format!("{id} \"{short}\"")
            }
        }
    };
    known.map_or_else(|| id.to_owned(), what)
}

/// Something was done to an agent, or could not be. Gives whether that is all there is to say of it.
pub(crate) fn worked(model: &mut Model, work: &Work, outcome: &Result<Outcome, Problem>) -> bool {
    match (work, outcome) {
        (Work::DiffAgent(_), Ok(Outcome::Diff { id, text })) => {
            // Whoever has gone on to another screen meanwhile is not to be interrupted.
            if model.screen == Screen::Agents && model.agents.form.is_none() {
                model.agents.diff = Some(Diff::new(id, text));
                diff::fit(model);
            }
            true
        }
        (Work::CleanUpAgent { id, force: false }, Err(problem))
            if model.overlay.is_none() && offers_force(problem) =>
        {
            let question = format!(
                "{}. Clean up {id} all the same? What is not committed there is lost.",
                problem.text.trim_end_matches('.')
            );
            model.overlay = Some(Overlay::ask(question, Work::CleanUpAgent { id: id.clone(), force: true }));
            true
        }
        (Work::CleanUpAgent { id, .. }, Ok(_)) => {
            let agents = &mut model.agents;
            if agents.log.as_ref().is_some_and(|log| log.id == *id) {
                agents.streams = false;
            }
            agents.diff.take_if(|diff| diff.id == *id);
            false
        }
        (Work::Spawn(_), Ok(Outcome::Spawned { id, said })) => {
            model.agents.form = None;
            model.agents.wanted = Some(id.clone());
            model.say(said.clone());
            true
        }
        (Work::Spawn(_), Err(_)) => {
            if let Some(form) = &mut model.agents.form {
                form.sent = false;
            }
            false
        }
        _ => false,
    }
}

/// Whether what was in the way, such as uncommitted work, can be passed over.
fn offers_force(problem: &Problem) -> bool {
    problem.hint.as_deref().is_some_and(|hint| hint.contains("--force"))
}
