//! Ending agents.

use std::collections::BTreeMap;
use std::time::Duration;

use conclave_db::Db;
use conclave_db::process::{self, Liveness, ProcessIdentity, Signal, Signalled};

use super::life::Life;
use super::model::{Agent, End};
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
    /// Only a pid is known of it, which may be anybody's by now: nothing was signalled. It is recorded as lost.
    Forgotten,
    /// It may not be signalled from here (another pid namespace, another user's, or this very command is part of it):
    /// nothing was signalled, nothing recorded.
    NotOurs,
}

/// TERM to the agent's group, after the grace KILL; only to a live process that matches boot, namespace, pid and start
/// time, never to pid 1 or below, to this process or to its own group. The end is recorded and durable when this returns.
///
/// A process that leads no group, as one that was adopted may, is signalled alone.
pub fn stop(state: &Db, agent: &Agent, how: Stopping) -> Result<Stopped> {
    let record = |how: End| {
        let agent = agent.clone();
        state.write("record an agent's end", move |tx| {
            rows::end(tx, &agent, how, None)?;
            if how == End::Stopped {
                rows::mark_stopped(tx, &agent)?;
            }
            Ok::<_, RegistryError>(())
        })
    };
    match agent.life() {
        Life::Ended => return Ok(Stopped::WasNotRunning),
        Life::None => return record(End::Stopped).map(|()| Stopped::WasNotRunning),
        Life::Lost => return record(End::Lost).map(|()| Stopped::WasNotRunning),
        Life::Unknown if agent.process.is_none() => return record(End::Lost).map(|()| Stopped::Forgotten),
        Life::Unknown => return Ok(Stopped::NotOurs),
        Life::Running | Life::Unsupervised => {}
    }
    let Some(leader) = &agent.process else { return Ok(Stopped::NotOurs) };
    let mut family = Family::of(leader);
    match family.signal(Signal::TERM) {
        Signalled::Refused => return Ok(Stopped::NotOurs),
        // It ended just now, by itself: whoever waits for it records that.
        Signalled::Gone if agent.supervisor.is_none() => {
            return record(End::Lost).map(|()| Stopped::WasNotRunning);
        }
        Signalled::Gone => return Ok(Stopped::WasNotRunning),
        // A stopped process hears nothing else.
        Signalled::Sent => _ = family.signal(Signal::CONT),
    }
    if !wait(state, how.grace, || family.has_ended()) {
        family.signal(Signal::KILL);
        let is_gone = wait(state, UNKILLABLE, || {
            // Somebody may have been started since.
            family.has_ended() || family.signal(Signal::KILL) == Signalled::Gone && family.has_ended()
        });
        if !is_gone {
            return Err(RegistryError::Refused {
                text: format!("{} does not end, though it was killed (pid {})", agent.key.id, leader.pid),
                hint: Some("it hangs in the system; `conclave agents` shows when it is gone".to_owned()),
            });
        }
    }
    record(End::Stopped)?;
    if let Some(supervisor) = &agent.supervisor {
        wait(state, RECORDING, || process::liveness(supervisor) == Liveness::Dead);
    }
    Ok(Stopped::Ended)
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
