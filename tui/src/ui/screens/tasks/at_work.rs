//! What `conclave work` does with a task now.

use conclave_db::process::ProcessIdentity;
use conclave_tasks::read::AttemptRow;
use conclave_tasks::work::dispatch::OpenAttempt;

use super::model::Tasks;
use crate::text::visible;
use crate::times;

/// An attempt that has no end yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AtWork {
    /// Whom the dispatcher gave the task.
    pub(crate) agent: String,
    /// Which attempt, from 1.
    pub(crate) attempt: u64,
    /// Since when, milliseconds since 1970.
    pub(crate) since: i64,
    /// The process of the agent, as soon as it is there.
    pub(crate) pid: Option<u32>,
    /// The dispatcher is gone: the task is taken again when its claim is over.
    pub(crate) lost: bool,
}

impl AtWork {
    /// An attempt that has no end, as the store has it.
    pub(crate) fn of(open: &OpenAttempt, is_there: fn(&ProcessIdentity) -> bool) -> Self {
        Self {
            agent: open.agent.clone(),
            attempt: open.attempt,
            since: open.started_at,
            pid: open.child.as_ref().map(|child| child.pid),
            lost: open.owner.as_ref().is_some_and(|owner| !is_there(owner)),
        }
    }

    /// The one of these attempts that has no end, where one of a dispatcher has none.
    pub(crate) fn among(attempts: &[AttemptRow], is_there: fn(&ProcessIdentity) -> bool) -> Option<Self> {
        let open = attempts.iter().find(|row| row.started_at.is_some() && row.ended_at.is_none())?;
        Some(Self {
            agent: open.agent.clone()?,
            attempt: open.attempt,
            since: open.started_at?,
            pid: open.child.as_ref().map(|child| child.pid),
            lost: open.owner.as_ref().is_some_and(|owner| !is_there(owner)),
        })
    }

    /// In a line about the task.
    pub(crate) fn told(&self, now_ms: i64) -> String {
        let agent = visible(&self.agent);
        if self.lost {
            return format!("{agent} was at work, its dispatcher is gone");
        }
        let took = times::clock(now_ms.saturating_sub(self.since));
        let attempt = if self.attempt > 1 { format!(", attempt {}", self.attempt) } else { String::new() };
        let pid = self.pid.map_or_else(String::new, |pid| format!(", process {pid}"));
        format!("{agent} at work for {took}{attempt}{pid}")
    }
}

/// Who is at work on the tasks that are loaded, each agent with how many it has: `claude 2, code 1`.
pub(super) fn summary(tasks: &Tasks) -> Option<String> {
    let mut all: Vec<(&str, u64)> = Vec::new();
    for work in tasks.rows.iter().filter_map(|row| row.at_work.as_ref()).filter(|work| !work.lost) {
        match all.iter_mut().find(|(agent, _)| *agent == work.agent) {
            Some((_, count)) => *count += 1,
            None => all.push((&work.agent, 1)),
        }
    }
    let told: Vec<String> = all.iter().map(|(agent, count)| format!("{} {count}", visible(agent))).collect();
    (!told.is_empty()).then(|| told.join(", "))
}
