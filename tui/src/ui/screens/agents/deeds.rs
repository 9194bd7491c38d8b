//! What is done to agents from here: stop, diff, merge, clean up, spawn. All but the diff ask first, and are done to
//! the very registration that the question was about.

use conclave_registry::agents::Life;

use super::diff::{self, Diff};
use super::row::{Row, Who};
use super::update::selected;
use crate::ui::effect::{Effect, Read, Work};
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
fn here(model: &Model) -> Option<Who> {
    let agents = &model.agents;
    if let Some(diff) = &agents.diff {
        return Some(diff.who.clone());
    }
    let streamed = agents.log.as_ref().filter(|_| agents.streams).and_then(|log| log.who.clone());
    streamed.or_else(|| selected(agents).and_then(Row::who))
}

/// Does it to the agent that is looked at.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if action == Action::SpawnAgent {
        spawn_form::open(model, "");
        return Vec::new();
    }
    match here(model) {
        Some(who) => {
            if let Some(row) = row_of(model, &who).cloned() {
                return to(model, action, &who, &row);
            }
            let text = format!("{} is not what it was, or is gone: nothing was done", who.id());
            refuse(model, "changed", text, Some("look again; the list shows who is there now"));
            Vec::new()
        }
        None if selected(&model.agents).is_some() => {
            model.say("it belongs to a run; enter shows it, and there c cancels");
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Does it to an agent that was named by its id, or by the beginning of it, once it is known who that is.
pub(super) fn by_id(model: &mut Model, action: Action, id: &str) -> Vec<Effect> {
    if model.agents.loaded && matches(model, id).len() == 1 {
        return deed(model, action, id);
    }
    model.agents.asked = Some((action, id.to_owned()));
    vec![Effect::Read(Read::Agents)]
}

/// Those that an id means, or is short for.
fn matches(model: &Model, id: &str) -> Vec<Who> {
    let rows = &model.agents.registered;
    let exact: Vec<Who> = rows.iter().filter(|row| row.id == id).filter_map(Row::who).collect();
    if !exact.is_empty() || id.is_empty() {
        return exact;
    }
    rows.iter().filter(|row| row.id.starts_with(id)).filter_map(Row::who).collect()
}

/// Does it to the agent that this id means in the list as it was read last, or says why not.
pub(super) fn deed(model: &mut Model, action: Action, id: &str) -> Vec<Effect> {
    let found = matches(model, id);
    match found.as_slice() {
        [who] => match row_of(model, who).cloned() {
            Some(row) => to(model, action, who, &row),
            None => Vec::new(),
        },
        [] => {
            refuse(model, "not-found", format!("no agent {id:?}"), Some("`:agents` lists them"));
            Vec::new()
        }
        many => {
            let names: Vec<String> = many.iter().map(|who| who.key.to_string()).collect();
            let text = format!("{id:?} may be {}", names.join(", "));
            refuse(model, "ambiguous", text, Some("put the cursor on the one that is meant"));
            Vec::new()
        }
    }
}

fn refuse(model: &mut Model, kind: &'static str, text: String, hint: Option<&str>) {
    model.complain(Problem { kind, text, hint: hint.map(str::to_owned) });
}

fn row_of<'model>(model: &'model Model, who: &Who) -> Option<&'model Row> {
    model.agents.registered.iter().find(|row| row.who().as_ref() == Some(who))
}

/// Does it to an agent, asks first, or says that there is nothing to do it with.
fn to(model: &mut Model, action: Action, who: &Who, row: &Row) -> Vec<Effect> {
    let named = name(row);
    let who = who.clone();
    let nothing = match action {
        Action::StopAgent if row.life == Life::None => Some("has no process: there is nothing to stop"),
        Action::StopAgent if matches!(row.life, Life::Ended | Life::Lost) => {
            Some("does not run any more: there is nothing to stop")
        }
        Action::MergeAgent if row.branch.is_none() => Some("has no branch: there is nothing to merge"),
        Action::DiffAgent if row.place.is_empty() => Some("has no worktree: there is nothing to compare"),
        _ => None,
    };
    if let Some(why) = nothing {
        model.tell(format!("{} {why}", row.id));
        return Vec::new();
    }
    let (question, work) = match action {
        Action::DiffAgent => return start_work(model, Work::DiffAgent(who)),
        Action::StopAgent => (
            format!("Stop {named}? It is asked to end, and ended after 10 s if it does not."),
            Work::StopAgent(who),
        ),
        Action::MergeAgent => (
            format!(
                "Merge {} of {named} into the branch that is checked out here?",
                row.branch.as_deref().unwrap_or("the branch")
            ),
            Work::MergeAgent(who),
        ),
        Action::CleanUpAgent => {
            (format!("Clean up {named}? {}", what_goes(row)), Work::CleanUpAgent { who, force: false })
        }
        _ => return Vec::new(),
    };
    model.overlay = Some(Overlay::ask(question, work));
    Vec::new()
}

/// What a clean-up takes away.
fn what_goes(row: &Row) -> String {
    let lives = row.may_live();
    if row.place.is_empty() {
        let ends = if lives { "It is ended, and its" } else { "Its" };
        return format!("{ends} entry here is removed.");
    }
    let branch = if row.branch.is_some() { ", an unmerged branch is kept" } else { "" };
    format!("What runs in its worktree is ended; worktree and entry go{branch}.")
}

/// The id with what it is.
fn name(row: &Row) -> String {
    let id = &row.id;
    let given = row.given.as_deref().unwrap_or_default().replace('\n', " ");
    match (given.as_str(), row.pid) {
        ("", Some(pid)) => format!("{id} ({}, pid {pid})", row.type_word),
        ("", None) => format!("{id} ({})", row.type_word),
        (given, _) => {
            let short: String = given.chars().take(60).collect();
            format!("{id} \"{short}\"")
        }
    }
}

/// Something was done to an agent, or could not be. Gives whether that is all there is to say of it.
pub(crate) fn worked(model: &mut Model, work: &Work, outcome: &Result<Outcome, Problem>) -> bool {
    match (work, outcome) {
        (Work::DiffAgent(who), Ok(Outcome::Diff { text })) => {
            // Whoever has gone on to another screen meanwhile is not to be interrupted.
            if model.screen == Screen::Agents && model.agents.form.is_none() {
                model.agents.diff = Some(Diff::new(who, text));
                diff::fit(model);
            }
            true
        }
        (Work::CleanUpAgent { who, force: false }, Err(problem))
            if model.overlay.is_none() && problem.is_uncommitted() =>
        {
            let question = format!(
                "{}. Clean up {} all the same? What is not committed there is lost.",
                problem.text.trim_end_matches('.'),
                who.id()
            );
            let work = Work::CleanUpAgent { who: who.clone(), force: true };
            model.overlay = Some(Overlay::ask(question, work));
            true
        }
        (Work::CleanUpAgent { who, .. }, Ok(_)) => {
            let agents = &mut model.agents;
            if agents.log.as_ref().is_some_and(|log| log.who.as_ref() == Some(who)) {
                agents.streams = false;
            }
            agents.diff.take_if(|diff| diff.who == *who);
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
