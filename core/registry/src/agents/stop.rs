//! Ending agents.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process::{self, Liveness, ProcessIdentity, Signal, Signalled};

use super::life::Life;
use super::model::{Agent, End};
use super::progress::lose;
use crate::error::{RegistryError, Result};
use crate::store::agents as rows;

/// The first pause between two looks; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// A killed process that is still there after this hangs in the kernel.
const UNKILLABLE: Duration = Duration::from_secs(5);
/// So long the one who waited for the agent is given to record its end, and to end itself.
const RECORDING: Duration = Duration::from_secs(2);

/// How an agent is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopping {
    /// How long it may take after TERM before it gets KILL.
    pub grace: Duration,
}

impl Default for Stopping {
    fn default() -> Self {
        Self { grace: Duration::from_secs(10) }
    }
}

/// What became of an agent that was to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It has ended.
    Ended,
    /// It had no process that lives.
    WasNotRunning,
    /// Somebody was about to start it, and will not: the end that is recorded forbids it. What prepares the start, such
    /// as a setup, may still be at work.
    BeforeStart,
    /// Only a pid is known of it, which may be anybody's by now: nothing was signalled. It is recorded as lost.
    Forgotten,
    /// It may not be signalled from here (another pid namespace, another user's, or this very command is part of it):
    /// nothing was signalled, nothing recorded.
    NotOurs,
}

/// TERM to the agent's group, after the grace KILL; only to a live process that matches boot, namespace, pid and start
/// time, never to pid 1 or below, to this process or to its own group. The end is recorded and durable when this returns.
/// What is given may be of an earlier moment: the row is read and judged anew, in the transaction that records the end of
/// one that does not run. Who was lost is recorded first.
///
/// A process that leads no group, as one that was adopted may, is signalled alone.
///
/// # Errors
/// Refused where the id is another registration's by now, and where the process does not go away.
pub fn stop(state: &Db, agent: &Agent, how: Stopping) -> Result<Stopped> {
    loop {
        let now = match judge(state, agent)? {
            Judged::Over(stopped) => return Ok(stopped),
            Judged::Runs(now) => now,
        };
        let Some(leader) = now.process.clone() else { return Ok(Stopped::NotOurs) };
        match end_family(state, &now, &leader, how)? {
            Signalled::Refused => return Ok(Stopped::NotOurs),
            // It ended just now, by itself: it is judged again, as what does not run.
            Signalled::Gone => continue,
            Signalled::Sent => {}
        }
        record_stop(state, &now)?;
        if let Some(supervisor) = &now.supervisor {
            wait(state, RECORDING, || process::liveness(supervisor) == Liveness::Dead);
        }
        return Ok(Stopped::Ended);
    }
}

/// What a look at the row came to.
#[derive(Debug)]
enum Judged {
    /// Nothing is to be signalled; what was to be recorded is.
    Over(Stopped),
    /// It runs, and this is who.
    Runs(Box<Agent>),
}

/// Reads the row, judges it, and records the end of what does not run: one transaction, so that nobody starts it between.
fn judge(state: &Db, agent: &Agent) -> Result<Judged> {
    let agent = agent.clone();
    state.write("stop an agent", move |tx| {
        lose(tx)?;
        let Some(now) = rows::same(tx, &agent)? else {
            return match rows::one(tx, &agent.key)? {
                None => Ok(Judged::Over(Stopped::WasNotRunning)),
                Some(_) => Err(RegistryError::Refused {
                    text: format!("{} has ended, and another agent was registered with its id", agent.key.id),
                    hint: Some("`conclave agents` lists them".to_owned()),
                }),
            };
        };
        let (how, stopped) = match now.life() {
            Life::Running | Life::Unsupervised => return Ok(Judged::Runs(Box::new(now))),
            Life::Ended | Life::Lost => return Ok(Judged::Over(Stopped::WasNotRunning)),
            Life::Unknown if now.process.is_some() => return Ok(Judged::Over(Stopped::NotOurs)),
            Life::Unknown => (End::Lost, Stopped::Forgotten),
            Life::None if now.supervisor.is_some() => (End::Stopped, Stopped::BeforeStart),
            Life::None => (End::Stopped, Stopped::WasNotRunning),
        };
        if rows::end(tx, &now, how, None)? { Ok(Judged::Over(stopped)) } else { Err(changed(&now)) }
    })
}

/// The process that was found has ended by our signal. A row that was removed meanwhile needs no end.
fn record_stop(state: &Db, agent: &Agent) -> Result<()> {
    let agent = agent.clone();
    state.write("record an agent's end", move |tx| {
        if rows::end(tx, &agent, End::Stopped, None)? || rows::same(tx, &agent)?.is_none() {
            return Ok(());
        }
        Err(changed(&agent))
    })
}

/// A row whose pid is another one than a moment ago: only a hand in the file does that.
fn changed(agent: &Agent) -> RegistryError {
    RegistryError::Refused {
        text: format!("the process of {} was changed meanwhile", agent.key.id),
        hint: Some("`conclave agents` says what is there now".to_owned()),
    }
}

/// Ends the process with its group, and waits until all of them have ended. `Gone` and `Refused` are said of the first
/// signal; after it nobody is left when this returns.
fn end_family(state: &Db, agent: &Agent, leader: &ProcessIdentity, how: Stopping) -> Result<Signalled> {
    let mut family = Family::of(leader);
    match family.signal(Signal::TERM) {
        Signalled::Sent => {}
        other => return Ok(other),
    }
    // A stopped process hears nothing else.
    family.signal(Signal::CONT);
    if wait(state, how.grace, || family.has_ended()) {
        return Ok(Signalled::Sent);
    }
    family.signal(Signal::KILL);
    let is_gone = wait(state, UNKILLABLE, || {
        // Somebody may have been started since.
        family.has_ended() || family.signal(Signal::KILL) == Signalled::Gone && family.has_ended()
    });
    if is_gone {
        return Ok(Signalled::Sent);
    }
    Err(RegistryError::Refused {
        text: format!("{} does not end, though it was killed (pid {})", agent.key.id, leader.pid),
        hint: Some("it hangs in the system; `conclave agents` shows when it is gone".to_owned()),
    })
}

/// Waits until it is so, for this long at most; gives whether it is.
fn wait(state: &Db, longest: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let (clock, sleeper) = (state.clock(), state.sleeper());
    let until = clock.monotonic() + longest;
    let mut pause = FIRST_PAUSE;
    loop {
        if is_so() {
            return true;
        }
        let left = until.saturating_sub(clock.monotonic());
        if left.is_zero() {
            return false;
        }
        sleeper.sleep(pause.min(left));
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// A process and its group: who of them is known, so that those who are left when the leader is gone are signalled one
/// by one, and nobody else.
struct Family<'leader> {
    leader: &'leader ProcessIdentity,
    leads: bool,
    known: BTreeMap<u32, ProcessIdentity>,
}

impl<'leader> Family<'leader> {
    fn of(leader: &'leader ProcessIdentity) -> Self {
        let leads = process::leads_a_group(leader);
        let mut family = Self { leader, leads, known: BTreeMap::new() };
        family.known.insert(leader.pid, leader.clone());
        family.look();
        family
    }

    /// While one of them is in the group its number is not given away: all who are in it belong to it.
    fn look(&mut self) {
        if !self.leads {
            return;
        }
        let found = process::members(self.leader.pid);
        let is_known = |member: &ProcessIdentity| self.known.get(&member.pid) == Some(member);
        if found.iter().any(is_known) {
            self.known = found.into_iter().map(|member| (member.pid, member)).collect();
        }
    }

    fn signal(&mut self, signal: Signal) -> Signalled {
        if !self.leads {
            return process::signal(self.leader, signal);
        }
        match process::signal_group(self.leader, signal) {
            Signalled::Gone => {
                let sent: Vec<Signalled> =
                    self.known.values().map(|member| process::signal(member, signal)).collect();
                if sent.contains(&Signalled::Sent) { Signalled::Sent } else { Signalled::Gone }
            }
            other => other,
        }
    }

    /// Whether all of them have.
    fn has_ended(&mut self) -> bool {
        self.look();
        self.known.values().all(|member| process::liveness(member) == Liveness::Dead)
    }
}

#[cfg(test)]
mod tests;
