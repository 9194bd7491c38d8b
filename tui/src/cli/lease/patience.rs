//! A word for who waits at a terminal: for what, and who has it.

use conclave_leases::{LeaseName, Leases, Mode, Request};

use crate::cli::context::Context;
use crate::times;

/// Says who is waited for, where somebody is, and somebody reads it. That it changes meanwhile is not told.
pub(super) fn tell(context: &Context, leases: &Leases, request: &Request) {
    if request.wait.is_none() || !context.output.shows_progress() {
        return;
    }
    if let Some(said) = request.names.iter().find_map(|name| of(leases, request.mode, name)) {
        context.output.notice(said);
    }
}

fn of(leases: &Leases, mode: Mode, name: &LeaseName) -> Option<String> {
    // Where it cannot be read the command itself will say so.
    let status = leases.status(name).ok()??;
    let is_against = |other: Mode| mode == Mode::Exclusive || other == Mode::Exclusive;
    let held = status.leases.iter().filter(|lease| !lease.expired && is_against(lease.mode));
    if let Some(lease) = held.max_by_key(|lease| lease.remaining) {
        let left = times::clock(i64::try_from(lease.remaining.as_millis()).unwrap_or(i64::MAX));
        return Some(format!("waiting for {name}, held by {} for another {left}", lease.holder));
    }
    let first = status.waiters.iter().find(|waiter| is_against(waiter.mode))?;
    Some(format!("waiting for {name}, behind {}", first.holder))
}
