//! Runs that this process drives, as far as the screen needs to know of them. What is durable is read from the
//! database; only the last lines of the agents are nowhere else.

use std::collections::BTreeMap;

use conclave_consensus::runs::{RunDetail, RunId};
use conclave_consensus::workflow::{Event, Owner};

/// Most characters of a line that are kept.
const LONGEST: usize = 400;

/// The runs that are driven from here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    runs: BTreeMap<RunId, Driven>,
}

/// One of them.
#[derive(Debug, Clone, Default)]
struct Driven {
    /// The last line of each agent.
    lines: BTreeMap<String, String>,
    /// Those who have not answered yet.
    children: BTreeMap<String, Child>,
}

/// An agent of a run that is at work, or waits for its next attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Child {
    /// Its process; `None` while it waits.
    pub(crate) pid: Option<u32>,
    /// Since when, milliseconds since 1970, as far as that was heard here.
    pub(crate) since: Option<i64>,
}

impl Live {
    /// From here on it is driven.
    pub(crate) fn begin(&mut self, run: RunId) {
        self.runs.entry(run).or_default();
    }

    /// It is driven no more.
    pub(crate) fn end(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// Takes from an event what the database does not have.
    pub(crate) fn heard(&mut self, run: RunId, event: &Event, now_ms: i64) {
        let Some(driven) = self.runs.get_mut(&run) else { return };
        match event {
            Event::Line { agent, text } => {
                let text = text.chars().take(LONGEST).collect();
                driven.lines.insert(agent.clone(), text);
            }
            // What the attempt before said is no news of this one.
            Event::Started { agent, pid, .. } => {
                driven.lines.remove(agent);
                driven.children.insert(agent.clone(), Child { pid: Some(*pid), since: Some(now_ms) });
            }
            Event::Ended { agent, .. } => drop(driven.children.remove(agent)),
            Event::Waiting { agent, .. } => {
                driven.children.insert(agent.clone(), Child { pid: None, since: Some(now_ms) });
            }
            _ => {}
        }
    }

    /// What the agent said last.
    pub(crate) fn line(&self, run: RunId, agent: &str) -> Option<&str> {
        self.runs.get(&run)?.lines.get(agent).map(String::as_str)
    }

    /// The agents that are at work, by their runs.
    pub(crate) fn children(&self) -> impl Iterator<Item = (RunId, &str, &Child)> {
        self.runs.iter().flat_map(|(run, driven)| {
            driven.children.iter().map(|(agent, child)| (*run, agent.as_str(), child))
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    pub(crate) fn drives(&self, run: RunId) -> bool {
        self.runs.contains_key(&run)
    }

    /// The runs, in their order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = RunId> {
        self.runs.keys().copied()
    }
}

/// Whether the run is not closed.
pub(crate) fn is_open(detail: &RunDetail) -> bool {
    detail.settings.as_ref().is_some_and(|settings| settings.ended_at.is_none())
}

/// Whether somebody works on the run now: its times change with every second.
pub(crate) fn is_driven(detail: &RunDetail) -> bool {
    detail.settings.as_ref().is_some_and(|settings| {
        settings.ended_at.is_none() && matches!(settings.owner, Owner::Here | Owner::Alive { .. })
    })
}

/// Whether the run was begun and nobody works on it: somebody may go on.
pub(crate) fn is_left(detail: &RunDetail) -> bool {
    let settings = detail.settings.as_ref().filter(|settings| settings.ended_at.is_none());
    settings.is_some_and(|settings| matches!(settings.owner, Owner::Nobody | Owner::Ended))
}
