//! The commands of the palette, with what was typed behind them.

use conclave_consensus::runs::RunId;

use conclave_registry::agents::BuilderStatus;

use super::driving;
use super::effect::{Effect, Work};
use super::keymap::{Action, Binding, Place};
use super::model::{Model, Screen, State};
use super::problem::Problem;
use super::screens::{agents, coordination, hosts, run, runs, tasks};
use super::update::{act, go, start_work};

/// Runs a command of the palette with what was typed behind it.
pub(crate) fn run_command(model: &mut Model, binding: &'static Binding, argument: &str) -> Vec<Effect> {
    let ready = model.state == State::Ready;
    if ready && tasks::is_about_tasks(binding.action) && binding.is_open(model.setting.read_only) {
        return tasks::command(model, binding.action, argument);
    }
    if ready && agents::is_about_agents(binding.action) && binding.is_open(model.setting.read_only) {
        return agents::command(model, binding.action, argument);
    }
    if ready && coordination::is_about_leases(binding.action) && binding.is_open(model.setting.read_only) {
        return coordination::command(model, binding.action, argument);
    }
    if ready && hosts::is_about_hosts(binding.action) && binding.is_open(model.setting.read_only) {
        return hosts::command(model, binding.action, argument);
    }
    if ready
        && binding.is_open(model.setting.read_only)
        && let Some(effects) = driving::command(model, binding.action, argument)
    {
        return effects;
    }
    match (binding.action, argument) {
        (Action::StartArchitect, _) => {
            model.tell("`conclave start` runs in a terminal of its own: leave the UI, or open another");
            Vec::new()
        }
        (Action::ReleasePorts, _) => {
            model.tell(
                "`conclave ports release PATH` in a shell frees the block of a project that nobody uses",
            );
            Vec::new()
        }
        (Action::CleanUpPorts, _) if ready && !model.setting.read_only => {
            start_work(model, Work::CleanUpPorts)
        }
        (Action::SetAgent, words) if ready && !model.setting.read_only => set_agent(model, words),
        (Action::Import, path) if !path.is_empty() && !model.setting.read_only => {
            start_work(model, Work::Import(path.into()))
        }
        (Action::Filter, text) if ready => {
            let mut effects = go(model, Screen::Runs);
            model.run = None;
            effects.extend(runs::apply_filter(&mut model.runs, text));
            effects
        }
        (Action::Export, run) if ready && !run.is_empty() => {
            start_work(model, Work::ExportNamed(run.to_owned()))
        }
        (Action::Enter, run) if ready && !run.is_empty() => {
            let mut effects = go(model, Screen::Runs);
            match model
                .runs
                .rows
                .iter()
                .find(|row| row.id.to_string() == run)
                .map(|row| row.id)
                .or_else(|| number(run))
            {
                Some(id) => effects.extend(run::open(model, id)),
                None => model.complain(Problem {
                    kind: "not-found",
                    text: format!("no run {run:?}"),
                    hint: Some("the number as the list shows it".to_owned()),
                }),
            }
            effects
        }
        (
            Action::Vacuum
            | Action::Backup
            | Action::Checkpoint
            | Action::Doctor
            | Action::Convert
            | Action::Verify
            | Action::Backfill
            | Action::Advance
            | Action::RollBack
            | Action::Repair
            | Action::Pause
            | Action::Resume
            | Action::FlushSpool
            | Action::TrimSpool
            | Action::ClearCache,
            _,
        ) if ready => {
            let mut effects = go(model, Screen::Storage);
            effects.extend(act(model, binding));
            effects
        }
        (Action::Migrate | Action::Init | Action::Demo | Action::Import, _) => act(model, binding),
        _ if matches!(binding.place, Place::Global) => act(model, binding),
        _ if !ready => {
            model.complain(Problem {
                kind: "absent",
                text: "there is no state to do this with".to_owned(),
                hint: None,
            });
            Vec::new()
        }
        _ => act(model, binding),
    }
}

/// `0031 blocked`, or `0031 --status blocked`.
fn set_agent(model: &mut Model, words: &str) -> Vec<Effect> {
    let words: Vec<&str> = words.split_whitespace().filter(|word| *word != "--status").collect();
    if let [id, status] = words.as_slice()
        && let Some(status) = BuilderStatus::parse(status)
    {
        return start_work(model, Work::SetAgent { id: (*id).to_owned(), status });
    }
    let all = BuilderStatus::ALL.map(BuilderStatus::as_str).join(", ");
    model.complain(Problem {
        kind: "usage",
        text: "an agent and a status, such as `agents set 0031 blocked`".to_owned(),
        hint: Some(format!("the statuses: {all}")),
    });
    Vec::new()
}

fn number(text: &str) -> Option<RunId> {
    text.parse().ok().map(RunId)
}
