//! `conclave lease run … -- CMD`: holds names while a command runs.
//!
//! The command stays in the process group that it was called in, so that Ctrl-C and Ctrl-Z are its own, and has our
//! stdin, stdout and stderr. It is killed when this process dies (its own children are not); the lease of a killed one
//! stays until its time is over, since nobody can know what was begun with it.

mod child;
mod keeper;
pub(crate) mod launcher;

use std::ffi::OsString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use conclave_db::clock::{BootClock as _, SystemBootClock};
use conclave_leases::{Grant, LeaseErrorKind, Leases, Renewed, Request, Ttl};
use conclave_retry::CancelToken;
use rustix::process::Signal;

use self::child::Child;
use self::keeper::Keeper;
use super::args::Run;
use super::refusal::Refusal;
use super::{patience, target, values};
use crate::cli::context::Context;
use crate::cli::interrupt::{Heard, Listening};
use crate::failure::{Exit, Failure};

/// How often is looked at the clock: this machine may have slept, and this process may have been stopped.
const TICK: Duration = Duration::from_secs(1);
/// How long a command whose lease is lost may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// What happens while a command runs.
#[derive(Debug)]
enum Event {
    /// A signal asks this process to end.
    Signal(Heard),
    /// The command has ended; it is not reaped yet, so that its number is still its own.
    Ended,
    /// A renewal came to this.
    Renewed(conclave_leases::Result<Renewed>),
}

pub(super) fn run(context: &Context, line: &Run) -> Exit {
    hold(context, line).unwrap_or_else(|refusal| tell(context, line, &refusal))
}

/// Nothing was started: stdout is the command's, and only who asks for JSON finds our word there.
fn tell(context: &Context, line: &Run, refusal: &Refusal) -> Exit {
    let failure = &refusal.failure;
    context.output.complain(failure);
    if context.output.json {
        refusal.print(&context.output);
    }
    match (line.conflict_exit_code, failure.exit) {
        (Some(code), Exit::StateSaysNo) => Exit::Child(code),
        (_, exit) => exit,
    }
}

fn hold(context: &Context, line: &Run) -> Result<Exit, Refusal> {
    // What the command did nobody goes on with after the machine was started anew.
    let request = Request { ends_with_boot: true, ..values::request(&line.wish)? };
    let (sender, events) = channel();
    let cancel = CancelToken::new();
    // From here on nothing but `kill -9` leaves a lease behind.
    let (waiting, heard) = (cancel.clone(), sender.clone());
    let listening = Listening::new(move |signal| {
        // While nobody waits for a lease nobody asks the token.
        waiting.cancel();
        let _ = heard.send(Event::Signal(signal));
    });
    let (leases, _) = target::open(context, line.wish.place)?;
    patience::tell(context, &leases, &request);
    let grant = match leases.acquire(&request, &cancel) {
        Err(error) if error.kind() == LeaseErrorKind::Interrupted => return Ok(interrupted(&events)),
        other => other?,
    };
    if cancel.is_cancelled() {
        release(context, &leases, &grant);
        return Ok(interrupted(&events));
    }
    let held = Held::new(context, leases, &request, grant);
    let exit = held.run(&line.command, sender, &events);
    drop(listening);
    exit.map_err(Refusal::from)
}

/// How the process ends that was asked to end before anything was started.
fn interrupted(events: &Receiver<Event>) -> Exit {
    // The token is cancelled just before the signal is sent.
    match events.recv_timeout(TICK) {
        Ok(Event::Signal(heard)) => heard.exit(),
        _ => Exit::Interrupted,
    }
}

fn release(context: &Context, leases: &Leases, grant: &Grant) {
    match leases.release(&grant.token, &[]) {
        Ok(_) => {}
        Err(error) if is_lost(error.kind()) => {
            tracing::warn!(%error, "the lease was over before its release");
        }
        Err(error) => {
            let failure = Failure::from(error).doing("release the lease, which lives until its time is over");
            context.output.complain(&failure);
        }
    }
}

/// Whether the lease is no longer ours, and not only the storage in trouble.
const fn is_lost(kind: LeaseErrorKind) -> bool {
    matches!(kind, LeaseErrorKind::Expired | LeaseErrorKind::NotOwner | LeaseErrorKind::NotFound)
}

/// A lease that is held for a command.
struct Held<'context> {
    context: &'context Context,
    leases: Leases,
    grant: Grant,
    ttl: Ttl,
    /// When it ends, by the boot clock.
    ends: Duration,
    /// When its renewal is asked for next.
    due: Duration,
}

/// A lease that is no longer ours, and whose command was asked to end.
struct Lost {
    why: String,
    /// When it was asked, by the boot clock.
    asked: Duration,
    killed: bool,
}

impl<'context> Held<'context> {
    fn new(context: &'context Context, leases: Leases, request: &Request, grant: Grant) -> Self {
        let mut held =
            Self { context, leases, ttl: request.ttl, ends: Duration::ZERO, due: Duration::ZERO, grant };
        held.lives_until(held.grant.ends);
        held
    }

    /// Takes over when the lease ends by the boot clock, and plans the next renewal.
    fn lives_until(&mut self, ends: Duration) {
        self.ends = ends;
        self.due = SystemBootClock.since_boot() + self.ttl.duration() / 3;
    }

    fn run(
        mut self,
        command: &[OsString],
        sender: Sender<Event>,
        events: &Receiver<Event>,
    ) -> Result<Exit, Failure> {
        let keeper = Keeper::start(self.leases.clone(), &self.grant, self.ttl, sender.clone());
        let started = keeper.and_then(|keeper| {
            let child = Child::start(command, &self.surroundings(), sender)?;
            Ok((keeper, child))
        });
        let (keeper, child) = match started {
            Ok(started) => started,
            Err(error) => {
                release(self.context, &self.leases, &self.grant);
                let failure = Failure::io("start the command", &error);
                return Err(failure);
            }
        };
        let lost = self.watch(&keeper, &child, events);
        let exit = child.reap();
        drop(keeper);
        let Some(why) = lost else {
            release(self.context, &self.leases, &self.grant);
            return exit.map_err(|error| Failure::io("wait for the command", &error));
        };
        let failure = Failure::new(Exit::StateSaysNo, "lease-lost", why)
            .hint("the command was ended; the next holder may have changed what the lease guards");
        self.context.output.complain(&failure);
        Ok(failure.exit)
    }

    /// What the command finds in its environment. Of several names and numbers each has a line.
    fn surroundings(&self) -> [(&'static str, String); 2] {
        let names: Vec<&str> = self.grant.fences.iter().map(|(name, _)| name.as_str()).collect();
        let fences: Vec<String> = self.grant.fences.iter().map(|(_, fence)| fence.to_string()).collect();
        [("CONCLAVE_LOCK_NAME", names.join("\n")), ("CONCLAVE_FENCE", fences.join("\n"))]
    }

    /// Until the command has ended; gives why it was ended before its time.
    fn watch(&mut self, keeper: &Keeper, child: &Child, events: &Receiver<Event>) -> Option<String> {
        let mut lost = None;
        loop {
            match events.recv_timeout(self.rest(lost.is_some())) {
                Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => {
                    return lost.map(|lost: Lost| lost.why);
                }
                // What the terminal sends the command has had by itself.
                Ok(Event::Signal(heard)) if heard.from_terminal => {}
                Ok(Event::Signal(heard)) => {
                    child.signal(Signal::from_named_raw(heard.signal).unwrap_or(Signal::TERM));
                }
                Ok(Event::Renewed(Ok(renewed))) => self.lives_until(renewed.ends),
                Ok(Event::Renewed(Err(error))) if is_lost(error.kind()) => {
                    lost.get_or_insert_with(|| self.lose(child, &error.to_string()));
                }
                // The storage is in trouble: again soon, until the lease ends.
                Ok(Event::Renewed(Err(error))) => tracing::warn!(%error, "a renewal failed"),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = SystemBootClock.since_boot();
            if let Some(lost) = &mut lost {
                if !lost.killed && now.saturating_sub(lost.asked) >= GRACE {
                    child.signal(Signal::KILL);
                    lost.killed = true;
                }
            } else if now >= self.ends {
                lost = Some(self.lose(child, "it could not be renewed in time"));
            } else if now >= self.due {
                keeper.renew();
                self.due = now + TICK.min(self.ttl.duration() / 6);
            }
        }
    }

    /// How long nothing needs to be looked at.
    fn rest(&self, is_lost: bool) -> Duration {
        // Something that is due at once is not looked at more often than this.
        const LEAST: Duration = Duration::from_millis(10);
        if is_lost {
            return TICK / 10;
        }
        let now = SystemBootClock.since_boot();
        TICK.min(self.due.min(self.ends).saturating_sub(now)).max(LEAST)
    }

    /// Asks the command to end, also one that is stopped.
    fn lose(&self, child: &Child, why: &str) -> Lost {
        child.signal(Signal::TERM);
        child.signal(Signal::CONT);
        let names: Vec<&str> = self.grant.fences.iter().map(|(name, _)| name.as_str()).collect();
        let why = format!("the lease of {} is lost: {why}", names.join(", "));
        Lost { why, asked: SystemBootClock.since_boot(), killed: false }
    }
}
