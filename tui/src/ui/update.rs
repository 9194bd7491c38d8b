//! The core: a message changes the model and gives effects. Pure: no I/O, no clock.

use conclave_consensus::runs::RunId;

use super::driving;
use super::effect::{Effect, Read, Work};
use super::keymap::{self, Action, Binding, Place};
use super::keys::Key;
use super::message::{Msg, Opened, Outcome};
use super::model::{Deed, Model, Notice, Screen, State, Working};
use super::overlay::{self, Overlay, Then};
use super::pointer;
use super::problem::Problem;
use super::render;
use super::screens::{
    agents, coordination, form, hosts, run, runs, spawn_form, storage, task, task_form, tasks,
};

/// Carries out one message.
pub(crate) fn update(model: &mut Model, message: Msg) -> Vec<Effect> {
    // Neither asks for a frame, nor takes away the one that a message before it in the same batch asked for.
    match message {
        Msg::Clock(now) => {
            model.now_ms = now;
            return Vec::new();
        }
        Msg::Focus(focused) => return vec![Effect::Focus(focused)],
        // What is not seen asks for nothing either.
        Msg::GlobalChanged if !matches!(model.screen, Screen::Coordination | Screen::Hosts) => {
            return Vec::new();
        }
        // Nothing that is seen has changed: others' calls write what is not shown.
        Msg::Hosts(found) if model.hosts.loaded && model.hosts.found == *found => {
            hosts::read_again(model);
            return Vec::new();
        }
        Msg::LogGrew(_) if model.screen != Screen::Agents => return Vec::new(),
        Msg::StoresChanged => return storage::refresh_stores(model).into_iter().collect(),
        // What is shown already needs no frame.
        Msg::Needs(needs) if model.needs == needs => return Vec::new(),
        Msg::Stores(stores) if model.storage.stores.as_ref() == Some(&*stores) => return Vec::new(),
        _ => {}
    }
    model.dirty = true;
    let before = render::body(model);
    let mut effects = on_message(model, message);
    // A notice takes lines from the content.
    if render::body(model) != before {
        effects.extend(refit(model));
    }
    if effects.contains(&Effect::Quit) {
        return vec![Effect::Quit];
    }
    effects
}

fn on_message(model: &mut Model, message: Msg) -> Vec<Effect> {
    match message {
        Msg::Key(key) => on_key(model, key),
        Msg::Paste(text) => on_paste(model, &text),
        Msg::Mouse(mouse) => pointer::on_mouse(model, mouse),
        Msg::Resize(columns, lines) => {
            model.size = (columns, lines);
            refit(model)
        }
        Msg::End(exit) => {
            model.exit = exit;
            vec![Effect::Quit]
        }
        Msg::Suspend => vec![Effect::Suspend],
        Msg::Continue => {
            let mut effects = vec![Effect::Retake];
            effects.extend(refresh(model));
            effects
        }
        Msg::Copied(Ok(said)) | Msg::Told(Ok(said)) => {
            model.say(said);
            Vec::new()
        }
        Msg::News(news) => {
            model.tell(news);
            Vec::new()
        }
        Msg::Copied(Err(problem)) | Msg::Told(Err(problem)) | Msg::ReadFailed(problem) => {
            model.complain(problem);
            Vec::new()
        }
        Msg::Opened(opened) => on_opened(model, opened),
        Msg::Changed if model.state == State::Ready => read_again(model),
        Msg::Tick if model.screen == Screen::Tasks => tasks::tick(model),
        Msg::Tick if model.screen == Screen::Agents => agents::tick(model),
        Msg::Tick if model.screen == Screen::Coordination => coordination::tick(model).into_iter().collect(),
        Msg::Tick if model.screen == Screen::Hosts => hosts::tick(model),
        Msg::Tick => driving::tick(model),
        Msg::Tasks(page) => tasks::arrived(model, *page),
        Msg::TaskCounts(counts) => {
            model.tasks.counts = Some(counts);
            Vec::new()
        }
        Msg::Task { asked, task } => tasks::task_arrived(model, &asked, task),
        Msg::Written { write, outcome } => tasks::written(model, &write, outcome),
        Msg::Clock(_) | Msg::Focus(_) | Msg::Changed | Msg::StoresChanged => Vec::new(),
        Msg::Agents(rows) => agents::arrived(model, rows),
        Msg::Log(read) => agents::log_arrived(model, *read),
        Msg::LogGrew(id) => agents::log_grew(model, &id),
        Msg::Coordination(found) => {
            coordination::arrived(model, *found);
            Vec::new()
        }
        Msg::GlobalChanged if model.screen == Screen::Hosts => hosts::refresh_all(model),
        Msg::GlobalChanged => coordination::refresh(model).into_iter().collect(),
        Msg::Hosts(found) => {
            hosts::arrived(model, *found);
            Vec::new()
        }
        Msg::Calls { host, calls } => {
            hosts::calls_arrived(model, &host, calls);
            Vec::new()
        }
        Msg::HostDone { deed, outcome } => hosts::done(model, &deed, outcome),
        Msg::Answering { number, piece } => {
            hosts::answer_arrived(model, number, piece);
            Vec::new()
        }
        Msg::Page(page) => {
            let mut effects = runs::arrived(model, *page);
            // Where there is no run there may be tasks.
            if model.runs.rows.is_empty() && model.runs.filter.is_empty() {
                effects.push(Effect::Read(Read::TaskCounts));
            }
            effects
        }
        Msg::Counted { generation, total, matching } => {
            runs::counted(&mut model.runs, generation, total, matching);
            Vec::new()
        }
        Msg::Run { id, run } => {
            on_run(model, id, run);
            Vec::new()
        }
        Msg::Gate { id, gate } => {
            if model.run.as_ref().is_some_and(|run| run.id == id) {
                run::gate(model, gate);
            }
            Vec::new()
        }
        Msg::Roster(read) => {
            form::roster(model, read);
            Vec::new()
        }
        Msg::Edited(read) => {
            if model.form.is_some() {
                form::edited(model, read);
            } else if model.place() == Place::AskForm {
                hosts::edited(model, read);
            } else {
                task_form::edited(model, read);
            }
            Vec::new()
        }
        Msg::Begun(begun) => driving::begun(model, begun),
        Msg::Event { run, event } => {
            model.live.heard(run, &event, model.now_ms);
            agents::live_changed(model)
        }
        Msg::DriveEnded { run, agreed, outcome } => {
            let mut effects = driving::ended(model, run, agreed, outcome);
            effects.extend(agents::live_changed(model));
            effects
        }
        Msg::Needs(needs) => {
            model.needs = needs;
            Vec::new()
        }
        Msg::Storage(numbers) => {
            model.storage.numbers = Some(*numbers);
            Vec::new()
        }
        Msg::Stores(stores) => {
            model.storage.stores = Some(*stores);
            Vec::new()
        }
        Msg::Vacuumed(stats) => {
            model.storage.vacuumed = Some((model.now_ms, *stats));
            Vec::new()
        }
        Msg::Progress { done, total, phase } => {
            if let Some(working) = &mut model.working {
                (working.done, working.total, working.phase) = (done, total, phase);
            }
            Vec::new()
        }
        Msg::Worked { work, outcome } => on_worked(model, &work, outcome),
    }
}

fn on_key(model: &mut Model, key: Key) -> Vec<Effect> {
    // A notice has been seen by whoever presses a key.
    model.notice = None;
    if model.overlay.is_some() {
        return overlay::key(model, key);
    }
    match model.place() {
        Place::Form => return form::key(model, key),
        Place::TaskForm => return task_form::key(model, key),
        Place::SpawnForm => return spawn_form::key(model, key),
        Place::AskForm => return hosts::key_in_form(model, key),
        _ => {}
    }
    if key != Key::control('c') {
        if model.runs.editing.is_some() && model.place() == Place::Runs {
            return runs::key_in_filter(model, key);
        }
        if model.tasks.editing.is_some() && model.place() == Place::Tasks {
            return tasks::key_in_filter(model, key);
        }
        if model.agents.editing.is_some() && model.place() == Place::Agents {
            return agents::key_in_filter(model, key);
        }
        if matches!(model.place(), Place::Stream | Place::AgentDiff)
            && let Some(effects) = agents::stream::key_in_search(model, key)
        {
            return effects;
        }
        if model.coordination.editing.is_some() && model.place() == Place::Leases {
            coordination::key_in_filter(model, key);
            return Vec::new();
        }
        if model.run.as_ref().is_some_and(|run| run.searching.is_some()) && model.screen == Screen::Runs {
            run::key_in_search(model, key);
            return Vec::new();
        }
    }
    match keymap::find(model.place(), key) {
        Some(binding) => act(model, binding),
        // Esc goes out one step wherever there is one.
        None if key.code == ratatui::crossterm::event::KeyCode::Esc && model.place() == Place::Runs => {
            runs::act(model, Action::Back)
        }
        None if key.code == ratatui::crossterm::event::KeyCode::Esc && model.place() == Place::Tasks => {
            tasks::act(model, Action::Back)
        }
        None if key.code == ratatui::crossterm::event::KeyCode::Esc && model.place() == Place::Agents => {
            agents::act(model, Action::Back)
        }
        None if key.code == ratatui::crossterm::event::KeyCode::Esc && model.place() == Place::Leases => {
            coordination::act(model, Action::Back)
        }
        None if key == Key::char(' ')
            && matches!(model.place(), Place::Agents | Place::Leases | Place::Hosts) =>
        {
            model.tell("nothing is marked here: each key acts on the one under the cursor");
            Vec::new()
        }
        None => Vec::new(),
    }
}

pub(super) fn act(model: &mut Model, binding: &Binding) -> Vec<Effect> {
    if !binding.is_open(model.setting.read_only) {
        model.complain(Problem {
            kind: "read-only",
            text: "read-only: this would change the state".to_owned(),
            hint: Some("start without --read-only".to_owned()),
        });
        return Vec::new();
    }
    match binding.action {
        Action::Quit => quit(model),
        Action::Help | Action::Palette | Action::NeedsYou | Action::Import => {
            overlay::open(model, binding.action);
            Vec::new()
        }
        Action::GoRuns
        | Action::GoAgents
        | Action::GoTasks
        | Action::GoCoordination
        | Action::GoHosts
        | Action::GoStorage
            if model.state == State::Absent =>
        {
            model.tell(if model.setting.read_only {
                "there is no state here yet: nothing to show"
            } else {
                "there is no state here yet: i begins one, d shows a demo"
            });
            Vec::new()
        }
        Action::GoRuns => go(model, Screen::Runs),
        Action::GoAgents => go(model, Screen::Agents),
        Action::GoTasks => go(model, Screen::Tasks),
        Action::GoCoordination => go(model, Screen::Coordination),
        Action::GoHosts => go(model, Screen::Hosts),
        Action::GoStorage => go(model, Screen::Storage),
        Action::Refresh => refresh(model),
        Action::Mouse => {
            model.mouse = !model.mouse;
            model.say(if model.mouse {
                "the mouse is taken; shift selects text"
            } else {
                "the mouse is the terminal's"
            });
            vec![Effect::Mouse(model.mouse)]
        }
        Action::Suspend => vec![Effect::Suspend],
        Action::Init => start_work(model, Work::Init),
        Action::Demo => start_work(model, Work::Demo),
        Action::Migrate => {
            model.overlay = Some(Overlay::ask("Bring state.db to the current schema?", Work::Migrate));
            Vec::new()
        }
        #[cfg(debug_assertions)]
        #[expect(clippy::panic, reason = "a defect on purpose, to try that the terminal survives one")]
        Action::Panic => panic!("on purpose"),
        action
            if model.state == State::Ready
                && matches!(
                    action,
                    Action::New | Action::Cancel | Action::GoOn | Action::Delete | Action::Reply
                ) =>
        {
            driving::act(model, action).unwrap_or_default()
        }
        action => match model.place() {
            Place::Runs => on_list(model, action),
            Place::Run | Place::Answer => run::act(model, action),
            Place::Storage => storage::act(model, action),
            Place::Tasks => tasks::act(model, action),
            Place::Task => task::act(model, action),
            Place::Agents | Place::Stream | Place::AgentDiff => agents::act(model, action),
            Place::Leases | Place::Lease => coordination::act(model, action),
            Place::Hosts | Place::HostCalls | Place::ModelAnswer => hosts::act(model, action),
            Place::Welcome
            | Place::Trouble
            | Place::Form
            | Place::TaskForm
            | Place::SpawnForm
            | Place::AskForm
            | Place::Movement
            | Place::Global => Vec::new(),
        },
    }
}

pub(super) fn on_list(model: &mut Model, action: Action) -> Vec<Effect> {
    let here = runs::selected(&model.runs).map(|run| (run.id, run.run_key.clone()));
    match (action, here) {
        (Action::Enter, Some((id, _))) => run::open(model, id),
        (Action::Copy, Some((_, key))) => vec![Effect::Copy { text: key, what: "the run's key".to_owned() }],
        (Action::Export, Some((id, _))) => {
            let marked: Vec<RunId> = model.runs.marked.iter().copied().collect();
            start_work(model, Work::Export(if marked.is_empty() { vec![id] } else { marked }))
        }
        (action, _) => runs::act(model, action),
    }
}

/// Starts work beside the reads, unless some goes on.
pub(crate) fn start_work(model: &mut Model, work: Work) -> Vec<Effect> {
    let busy = match work.beside() {
        Some(who) => {
            let mut others = model.deeds.iter().map(|deed| &deed.work);
            others
                .find(|work| work.beside() == Some(who))
                .map(|work| format!("{} of {}", work.name(), who.id()))
        }
        None => model.working.as_ref().map(|working| working.work.name().to_owned()),
    };
    if let Some(busy) = busy {
        let hint = Some("the line above the footer says how far it is; try again when it is gone".to_owned());
        model.complain(Problem { kind: "busy", text: format!("{busy} goes on; one thing at a time"), hint });
        return Vec::new();
    }
    if work.beside().is_some() {
        model.deeds.push(Deed { work: work.clone(), since: model.now_ms });
        return vec![Effect::Work(work)];
    }
    model.working = Some(Working { work: work.clone(), done: 0, total: 0, phase: "" });
    vec![Effect::Work(work)]
}

fn quit(model: &mut Model) -> Vec<Effect> {
    if driving::before_quitting(model) {
        return Vec::new();
    }
    if model.hosts.is_asking() {
        let question =
            "A question is still being answered. Quit all the same? Its answer is lost.".to_owned();
        model.overlay = Some(Overlay::Ask { question, then: Then::Quit });
        return Vec::new();
    }
    let deeds = model.deeds.iter().map(|deed| &deed.work);
    match model.working.iter().map(|working| &working.work).chain(deeds).next() {
        None => vec![Effect::Quit],
        Some(work) => {
            let question = format!(
                "{} {} goes on. Quit all the same? What is done stays done.",
                work.article(),
                work.name()
            );
            model.overlay = Some(Overlay::Ask { question, then: Then::Quit });
            Vec::new()
        }
    }
}

pub(crate) fn go(model: &mut Model, screen: Screen) -> Vec<Effect> {
    if model.screen == screen {
        // The number of the screen that is in front goes back to its beginning.
        match screen {
            Screen::Runs => model.run = None,
            Screen::Tasks => model.tasks.open.clear(),
            Screen::Agents => (model.agents.streams, model.agents.diff) = (false, None),
            Screen::Coordination => model.coordination.open = None,
            Screen::Hosts => (model.hosts.calls, model.hosts.reads_answer) = (None, false),
            Screen::Storage => {}
        }
    }
    model.screen = screen;
    let mut effects = refit(model);
    effects.extend(tasks::refresh(model));
    effects.extend(agents::refresh(model));
    effects.extend(coordination::refresh(model));
    effects.extend(hosts::refresh_all(model));
    effects.extend(storage::refresh(model));
    effects
}

fn refresh(model: &mut Model) -> Vec<Effect> {
    match model.state {
        State::Ready => read_again(model),
        _ => vec![Effect::Read(Read::Open)],
    }
}

fn read_again(model: &mut Model) -> Vec<Effect> {
    let mut effects = runs::changed(model);
    if let Some(run) = &model.run {
        effects.push(Effect::Read(Read::Run(run.id)));
    }
    effects.extend(storage::refresh(model));
    effects.extend(tasks::refresh(model));
    effects.extend(agents::refresh(model));
    effects.extend(coordination::refresh(model));
    effects.extend(hosts::refresh_all(model));
    effects.push(Effect::Read(Read::Needs));
    effects
}

fn refit(model: &mut Model) -> Vec<Effect> {
    if model.state != State::Ready {
        return Vec::new();
    }
    let mut effects = runs::keep_in_sight(model);
    run::keep_in_sight(model);
    match model.screen {
        Screen::Tasks => effects.extend(tasks::keep_in_sight(model)),
        Screen::Agents => effects.extend(agents::keep_in_sight(model)),
        Screen::Coordination => coordination::keep_in_sight(model),
        Screen::Hosts => hosts::keep_in_sight(model),
        Screen::Runs | Screen::Storage => {}
    }
    effects
}

fn on_opened(model: &mut Model, opened: Opened) -> Vec<Effect> {
    match opened {
        Opened::Absent => {
            model.state = State::Absent;
            model.run = None;
            model.runs = runs::Runs::default();
            model.storage = storage::Storage::default();
            forget(model);
            model.needs.clear();
            Vec::new()
        }
        Opened::Failed(problem) => {
            model.state = State::Failed(problem);
            model.needs.clear();
            Vec::new()
        }
        Opened::Ready { as_it_lies } => {
            // Another project is another beginning.
            let was_ready =
                std::mem::replace(&mut model.state, State::Ready) == State::Ready && model.first.is_none();
            if as_it_lies {
                model.notice = Some(Notice::Said("read as it lies: the folder cannot be written".to_owned()));
            }
            if was_ready {
                return read_again(model);
            }
            model.run = None;
            forget(model);
            let mut effects = runs::begin(&mut model.runs);
            effects.extend(storage::refresh(model));
            effects.extend(tasks::refresh(model));
            effects.extend(agents::refresh(model));
            effects.extend(coordination::refresh(model));
            effects.extend(hosts::refresh_all(model));
            // After what is drawn first.
            effects.push(Effect::Read(Read::Needs));
            if let Some(run) = model.first.take() {
                effects.extend(run::open(model, run));
            }
            effects
        }
    }
}

/// Nothing of another project is shown.
fn forget(model: &mut Model) {
    model.tasks = tasks::Tasks::default();
    model.agents = agents::Agents::default();
    model.coordination = coordination::Coordination::default();
    hosts::forget(model);
}

fn on_run(
    model: &mut Model,
    id: RunId,
    read: Result<Option<std::sync::Arc<conclave_consensus::runs::RunDetail>>, Problem>,
) {
    match read {
        Err(problem) => model.complain(problem),
        Ok(detail) => {
            if let Some(detail) = &detail {
                runs::stands(&mut model.runs, &detail.summary);
            }
            if runs::selected(&model.runs).is_some_and(|run| run.id == id) {
                model.runs.preview.clone_from(&detail);
            }
            if model.run.as_ref().is_some_and(|run| run.id == id) {
                run::arrived(model, detail);
            }
        }
    }
}

fn on_worked(model: &mut Model, work: &Work, outcome: Result<Outcome, Problem>) -> Vec<Effect> {
    if let Some(who) = work.beside() {
        model.deeds.retain(|deed| deed.work.beside() != Some(who));
    } else if !matches!(work, Work::Pause | Work::Resume) {
        model.working = None;
    }
    if agents::worked(model, work, &outcome) {
        return agents::refresh(model);
    }
    match outcome {
        Err(problem) => model.complain(problem),
        Ok(Outcome::Said(text) | Outcome::Spawned { said: text, .. }) => model.say(text),
        Ok(Outcome::Diff { .. }) => {}
        Ok(Outcome::TrimPlan(plan)) => storage::ask_trim(model, &plan),
        Ok(Outcome::Checks(checks)) => {
            model.storage.checks = Some(checks);
            model.storage.top = 0;
        }
        Ok(Outcome::Moved { root, database, said, drive }) => {
            model.first = drive;
            model.setting.root = root;
            model.setting.database = database;
            model.runs = runs::Runs::default();
            model.run = None;
            model.storage = storage::Storage::default();
            forget(model);
            model.say(said);
        }
    }
    if let Some(run) = model.first {
        return vec![Effect::Read(Read::Open), Effect::GoOn(run)];
    }
    match work {
        Work::Init | Work::Demo | Work::Import(_) | Work::Migrate => vec![Effect::Read(Read::Open)],
        Work::Export(_) | Work::ExportNamed(_) | Work::Doctor | Work::Delete(_) | Work::DiffAgent(_) => {
            Vec::new()
        }
        Work::StopAgent(_)
        | Work::MergeAgent(_)
        | Work::CleanUpAgent { .. }
        | Work::Spawn(_)
        | Work::SetAgent { .. } => agents::refresh(model),
        Work::PlanTrim => Vec::new(),
        Work::FlushSpool | Work::TrimSpool | Work::ClearCache => {
            let mut effects = storage::refresh(model);
            effects.push(Effect::Read(Read::Needs));
            effects
        }
        Work::BreakLease { .. } | Work::CleanUpPorts => coordination::refresh(model).into_iter().collect(),
        Work::Vacuum
        | Work::Backup
        | Work::Checkpoint
        | Work::Convert
        | Work::Verify
        | Work::Backfill
        | Work::Advance { .. }
        | Work::RollBack
        | Work::Repair
        | Work::Pause
        | Work::Resume => {
            vec![Effect::Read(Read::Storage), Effect::Read(Read::Needs)]
        }
    }
}

fn on_paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(overlay) = &mut model.overlay {
        overlay::paste(overlay, text);
        return Vec::new();
    }
    if model.place() == Place::Form {
        if let Some(form) = &mut model.form {
            form::paste(form, text);
        }
        return Vec::new();
    }
    if model.place() == Place::TaskForm {
        if let Some(form) = &mut model.tasks.form {
            task_form::paste(form, text);
        }
        return Vec::new();
    }
    if model.place() == Place::SpawnForm {
        if let Some(form) = &mut model.agents.form {
            spawn_form::paste(form, text);
        }
        return Vec::new();
    }
    if model.place() == Place::AskForm {
        if let Some(form) = &mut model.hosts.form {
            hosts::paste_in_form(form, text);
        }
        return Vec::new();
    }
    if matches!(model.screen, Screen::Agents | Screen::Coordination) && model.state == State::Ready {
        return on_paste_in_line(model, text);
    }
    if model.place() == Place::Tasks {
        if let Some(input) = &mut model.tasks.editing {
            input.insert(text);
            let text = input.text().to_owned();
            return tasks::apply_filter(&mut model.tasks, &text);
        }
        return Vec::new();
    }
    if let Some(input) = model.runs.editing.as_mut().filter(|_| model.run.is_none()) {
        input.insert(text);
        let text = input.text().to_owned();
        return runs::apply_filter(&mut model.runs, &text);
    }
    Vec::new()
}

/// What is pasted while a filter or a text to look for is typed.
fn on_paste_in_line(model: &mut Model, text: &str) -> Vec<Effect> {
    let (agents, leases) = (&mut model.agents, &mut model.coordination);
    let place = match (model.screen, &mut agents.diff, &mut agents.log) {
        (Screen::Coordination, ..) => {
            let Some(input) = leases.editing.as_mut().filter(|_| leases.open.is_none()) else {
                return Vec::new();
            };
            input.insert(text);
            let text = input.text().to_owned();
            coordination::apply_filter(model, &text);
            return Vec::new();
        }
        (_, Some(diff), _) => &mut diff.searching,
        (_, None, Some(log)) if agents.streams => &mut log.searching,
        _ => {
            let Some(input) = &mut agents.editing else { return Vec::new() };
            input.insert(text);
            let text = input.text().to_owned();
            return agents::apply_filter(model, &text);
        }
    };
    if let Some(input) = place {
        input.insert(text);
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
