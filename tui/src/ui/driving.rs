//! The part of the core that starts runs, goes on with them, cancels them, answers their questions, and waits for
//! them before the program ends.

use conclave_consensus::runs::RunId;

use super::effect::{Effect, Read, Work};
use super::keymap::Action;
use super::live;
use super::model::Model;
use super::overlay::{Overlay, Purpose, Then};
use super::problem::Problem;
use super::screens::{form, run, runs};
use super::update::go;

/// The run that an action is about: the one that is open, else the one under the cursor.
fn here(model: &Model) -> Option<RunId> {
    model.run.as_ref().map(|run| run.id).or_else(|| runs::selected(&model.runs).map(|run| run.id))
}

/// Carries out an action on the run that is looked at; `None` where it is another kind of action.
pub(crate) fn act(model: &mut Model, action: Action) -> Option<Vec<Effect>> {
    let effects = match (action, here(model)) {
        (Action::New, _) => form::open(model, None),
        (Action::Cancel, Some(id)) => cancel(model, id),
        (Action::GoOn, Some(id)) => go_on(model, id),
        (Action::Delete, Some(id)) => delete(model, id),
        (Action::Reply, Some(_)) => reply(model),
        (Action::Cancel | Action::GoOn | Action::Delete | Action::Reply, None) => Vec::new(),
        _ => return None,
    };
    Some(effects)
}

/// The same for a command with what was typed behind it.
pub(crate) fn command(model: &mut Model, action: Action, argument: &str) -> Option<Vec<Effect>> {
    if argument.is_empty() {
        return match action {
            Action::Auto => {
                model.complain(Problem {
                    kind: "usage",
                    text: "which spec is to be led through its stages?".to_owned(),
                    hint: Some("auto SPEC".to_owned()),
                });
                Some(Vec::new())
            }
            Action::New => act(model, action),
            Action::GoOn => Some(vec![Effect::GoOnAll]),
            _ => None,
        };
    }
    if action == Action::New {
        let mut effects = go(model, super::model::Screen::Runs);
        effects.extend(form::open(model, Some(argument)));
        return Some(effects);
    }
    if action == Action::Auto {
        return Some(vec![Effect::Auto(argument.to_owned())]);
    }
    if !matches!(action, Action::Cancel | Action::GoOn | Action::Delete | Action::Reply | Action::Diff) {
        return None;
    }
    let Ok(id) = argument.parse().map(RunId) else {
        model.complain(Problem {
            kind: "not-found",
            text: format!("no run {argument:?}"),
            hint: Some("the number as the list shows it".to_owned()),
        });
        return Some(Vec::new());
    };
    Some(match action {
        Action::Cancel => cancel(model, id),
        Action::GoOn => go_on(model, id),
        Action::Delete => delete(model, id),
        _ => {
            let mut effects = go(model, super::model::Screen::Runs);
            effects.extend(run::open(model, id));
            run::go_to(model, if action == Action::Diff { run::Tab::Diff } else { run::Tab::Questions });
            effects
        }
    })
}

/// What is known of a run, where it is looked at.
fn known(model: &Model, id: RunId) -> Option<&conclave_consensus::runs::RunDetail> {
    let shown = [model.run.as_ref().and_then(|run| run.detail.as_ref()), model.runs.preview.as_ref()];
    shown.into_iter().flatten().find(|detail| detail.summary.id == id).map(AsRef::as_ref)
}

fn cancel(model: &mut Model, id: RunId) -> Vec<Effect> {
    let closed = known(model, id)
        .is_some_and(|detail| detail.settings.as_ref().is_none_or(|settings| settings.ended_at.is_some()));
    if closed {
        model.tell(format!("run {id} is closed: there is nothing to cancel"));
        return Vec::new();
    }
    let name = name(model, id);
    let question = format!("Cancel {name}? Its agents are ended, and it is closed with the answers it has.");
    model.overlay = Some(Overlay::Ask { question, then: Then::Cancel(id) });
    Vec::new()
}

fn go_on(model: &mut Model, id: RunId) -> Vec<Effect> {
    if model.live.drives(id) {
        model.tell(format!("run {id} goes on here already"));
        return Vec::new();
    }
    match known(model, id) {
        Some(detail) if live::is_driven(detail) => {
            model.tell(format!("run {id} is driven by another process: there is nothing to go on with"));
            Vec::new()
        }
        // A closed one may be a step on a way that goes on.
        _ => vec![Effect::GoOn(id)],
    }
}

fn delete(model: &mut Model, id: RunId) -> Vec<Effect> {
    let name = name(model, id);
    let question = format!("Delete {name} with its answers, attempts and verdict? This cannot be undone.");
    model.overlay = Some(Overlay::ask(question, Work::Delete(id)));
    Vec::new()
}

fn name(model: &Model, id: RunId) -> String {
    let row = model.runs.rows.iter().find(|row| row.id == id);
    row.map_or_else(|| format!("run {id}"), |row| format!("run {id}, {} {}", row.spec, row.stage))
}

/// Asks for the answer to the open question under the cursor, or to the first one.
fn reply(model: &mut Model) -> Vec<Effect> {
    let Some(open) = &mut model.run else {
        // From the list: the run is opened first.
        return Vec::new();
    };
    match open.open_question() {
        Some(at) => {
            open.questions.selected = at;
            let asked = open.question().map(|question| question.issue.clone());
            let Some(issue) = asked else { return Vec::new() };
            let label = issue.questions.first().unwrap_or(&issue.id).clone();
            let purpose = Purpose::Answer { run: open.id, issue: issue.id };
            run::go_to(model, run::Tab::Questions);
            model.overlay = Some(Overlay::Prompt { label, input: super::input::Input::default(), purpose });
        }
        None if open.gate.is_some() => model.tell("every question of this gate has its answer"),
        None => model.tell("this run is no quality gate: it asks nothing"),
    }
    Vec::new()
}

/// A second has passed. What is drawn depends on the time; and whoever drives a run elsewhere may have ended without
/// a word, which changes nothing in the database: now and then the run that is seen is read again.
pub(crate) fn tick(model: &Model) -> Vec<Effect> {
    const EVERY: i64 = 5;
    if (model.now_ms / 1000) % EVERY != 0 {
        return Vec::new();
    }
    let shown = model.shown().filter(|detail| live::is_driven(detail));
    let elsewhere = shown.map(|detail| detail.summary.id).filter(|run| !model.live.drives(*run));
    elsewhere.map(|run| Effect::Read(Read::Run(run))).into_iter().collect()
}

/// A run was begun here, or could not be.
pub(crate) fn begun(model: &mut Model, begun: Result<RunId, Problem>) -> Vec<Effect> {
    match begun {
        Ok(id) => {
            model.live.begin(id);
            if model.form.as_ref().is_some_and(|form| form.sent) {
                model.form = None;
                model.screen = super::model::Screen::Runs;
                model.run = None;
                model.say(format!("run {id} has begun"));
                return runs::to_the_newest(model);
            }
        }
        Err(problem) => {
            if let Some(form) = &mut model.form {
                form.sent = false;
            }
            model.complain(problem);
        }
    }
    Vec::new()
}

/// A run is driven from here no more.
pub(crate) fn ended(
    model: &mut Model,
    id: RunId,
    agreed: bool,
    outcome: Result<String, Problem>,
) -> Vec<Effect> {
    model.live.end(id);
    match outcome {
        Ok(said) if agreed => model.say(said),
        Ok(said) => model.tell(said),
        Err(problem) => model.complain(problem),
    }
    let asks = model.overlay == Some(Overlay::Leave);
    if (model.leaving || asks) && model.live.is_empty() {
        // Whoever is still being asked wanted to quit, and nothing is in its way any more.
        return vec![Effect::Quit];
    }
    vec![Effect::Read(Read::Run(id)), Effect::Read(Read::Needs)]
}

/// Asks what is to become of the runs in progress; gives nothing where there are none.
pub(crate) fn before_quitting(model: &mut Model) -> bool {
    if model.live.is_empty() {
        return false;
    }
    model.overlay = Some(Overlay::Leave);
    true
}

/// The runs in progress, for the question.
pub(crate) fn in_progress(model: &Model) -> String {
    let runs: Vec<String> = model.live.runs().map(|run| run.to_string()).collect();
    match runs.as_slice() {
        [] => "No run is in progress any more.".to_owned(),
        [one] => format!("Run {one} is in progress."),
        more => format!("Runs {} are in progress.", more.join(", ")),
    }
}

/// Ends the program once every run is done.
pub(crate) fn wait(model: &mut Model) -> Vec<Effect> {
    if model.live.is_empty() {
        return vec![Effect::Quit];
    }
    model.leaving = true;
    let runs = model.live.runs().count() as u64;
    model.say(format!("quits when {} done; q asks again", crate::text::counted(runs, "run is", "runs are")));
    Vec::new()
}

/// Cancels every run, then ends the program.
pub(crate) fn cancel_and_quit(model: &mut Model) -> Vec<Effect> {
    let mut effects: Vec<Effect> = model.live.runs().map(Effect::Cancel).collect();
    effects.extend(wait(model));
    effects
}

#[cfg(test)]
mod tests;
