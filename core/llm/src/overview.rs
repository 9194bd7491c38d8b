//! The hosts as lists and screens show them. Reading changes nothing (L10).

use conclave_db::clock::{BootClock, SystemBootClock};
use conclave_db::{Db, ReadConn};
use conclave_retry::BreakerState;
use serde::Serialize;

use crate::breaker::Now;
use crate::choose::{LONGEST_BLOCK_MS, usual_slots};
use crate::error::Result;
use crate::host::{Dialect, Host, Hosts};
use crate::ledger::{HostRow, Look};
use crate::presence::Presence;
use crate::store;

/// Calls that a view shows.
const RECENT: i64 = 30;

/// A breaker, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerView {
    /// `closed`, `open`, `half_open`, `forced_open` or `disabled`.
    pub state: String,
    /// Failures in a row.
    pub failures: i64,
    /// When it is tried out at the earliest, wall clock, ms since 1970.
    pub retry_at: Option<i64>,
}

/// One call of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// When it ended, wall clock, ms since 1970.
    pub at: i64,
    /// The model.
    pub model: String,
    /// The type of the task.
    pub task: Option<String>,
    /// The run that asked.
    pub run: Option<String>,
    /// Which attempt of its question.
    pub attempt: i64,
    /// Why it failed; `None` where it answered.
    pub class: Option<String>,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
    /// Until the first token.
    pub first_ms: Option<u64>,
    /// All of it.
    pub total_ms: u64,
    /// In the queue.
    pub queued_ms: Option<u64>,
    /// Of the prompt and of the answer.
    pub tokens_in: Option<u64>,
    /// Of the answer.
    pub tokens_out: Option<u64>,
}

/// One host, or the fallback.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostView {
    /// Its name.
    pub name: String,
    /// Its URL, without user information.
    pub url: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Its models, as configured.
    pub models: Vec<String>,
    /// Whether the newest sign of it was a good one; `None` where there is none.
    pub healthy: Option<bool>,
    /// Calls that run.
    pub in_flight: u64,
    /// Callers that wait.
    pub waiting: u64,
    /// Calls at once.
    pub slots: u32,
    /// Its breaker.
    pub breaker: BreakerView,
    /// Until when its key is not used, and why.
    pub blocked_until: Option<i64>,
    /// Why.
    pub blocked_why: Option<String>,
    /// The newest failure.
    pub last_error: Option<String>,
    /// When it was, wall clock, ms since 1970.
    pub last_failure_at: Option<i64>,
    /// Of the last 200 calls of 24 hours that answered, by nearest rank; `None` of fewer than 5.
    pub p50_ms: Option<u64>,
    /// The same.
    pub p95_ms: Option<u64>,
    /// The same, to the first token.
    pub first_p50_ms: Option<u64>,
    /// The same, to the first token.
    pub first_p95_ms: Option<u64>,
    /// The last 30 calls, the oldest first.
    pub recent: Vec<CallView>,
    /// When its breaker opened, wall clock, ms since 1970, where it is open.
    pub opened_at: Option<i64>,
    /// The class of the newest failure.
    pub last_class: Option<String>,
    /// Calls of the last hour.
    pub calls_last_hour: u64,
    /// Tokens of 24 hours.
    pub tokens_last_day: u64,
    /// Whether it is the fallback.
    pub fallback: bool,
}

/// All hosts of the configuration, the fallback last. Without a machine-wide file nothing is known of them.
///
/// # Errors
/// The file, where it cannot be read.
pub fn overview(global: Option<&Db>, hosts: &Hosts) -> Result<Vec<HostView>> {
    let Some(global) = global else {
        return Ok(each(hosts).map(|(host, fallback)| unknown(host, fallback)).collect());
    };
    let presence = Presence::of_this_process();
    let now = Now {
        boot_ms: i64::try_from(SystemBootClock.since_boot().as_millis()).unwrap_or(i64::MAX),
        wall_ms: global.clock().wall_ms(),
        boot_id: presence.me().boot_id.clone(),
    };
    at(global, hosts, &now, &presence)
}

/// The calls of a host, the newest first.
///
/// # Errors
/// The file, where it cannot be read.
pub fn calls(global: &Db, host: &Host, limit: usize) -> Result<Vec<CallView>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(global.read(|conn| store::recent(conn, host.endpoint.as_str(), limit))?)
}

/// The same by these clocks, in one snapshot.
pub(crate) fn at(global: &Db, hosts: &Hosts, now: &Now, presence: &Presence) -> Result<Vec<HostView>> {
    Ok(global.read(|conn| {
        each(hosts)
            .map(|(host, fallback)| view(conn, host, fallback, now, presence))
            .collect::<conclave_db::Result<_>>()
    })?)
}

fn each(hosts: &Hosts) -> impl Iterator<Item = (&Host, bool)> {
    let fallback = hosts.fallback.iter().map(|fallback| (&fallback.host, true));
    hosts.hosts.iter().map(|host| (host, false)).chain(fallback)
}

/// A host of which nothing is known.
fn unknown(host: &Host, fallback: bool) -> HostView {
    let state = if host.breaker { BreakerState::Closed } else { BreakerState::Disabled };
    HostView {
        name: host.name.clone(),
        url: host.endpoint.as_str().to_owned(),
        dialect: host.dialect,
        models: host.models.clone(),
        healthy: None,
        in_flight: 0,
        waiting: 0,
        slots: slots(host, None),
        breaker: BreakerView { state: state.as_str().to_owned(), failures: 0, retry_at: None },
        blocked_until: None,
        blocked_why: None,
        last_error: None,
        last_failure_at: None,
        p50_ms: None,
        p95_ms: None,
        first_p50_ms: None,
        first_p95_ms: None,
        recent: Vec::new(),
        opened_at: None,
        last_class: None,
        calls_last_hour: 0,
        tokens_last_day: 0,
        fallback,
    }
}

fn view(
    conn: &ReadConn<'_>,
    host: &Host,
    fallback: bool,
    now: &Now,
    presence: &Presence,
) -> conclave_db::Result<HostView> {
    let endpoint = host.endpoint.as_str();
    let mut view = unknown(host, fallback);
    let row = store::Rows::new(conn).host(endpoint)?;
    if let Some(row) = &row {
        // One whose probe has ended without a word is open, and the next call tries it out (B8).
        let state = match row.breaker.state {
            BreakerState::HalfOpen if !is_tried_out(conn, row, now, presence)? => BreakerState::Open,
            state => state,
        };
        view.slots = slots(host, row.slots);
        view.healthy = healthy(row);
        view.last_error.clone_from(&row.breaker.last_error);
        view.last_failure_at = row.breaker.last_failure_at;
        view.last_class.clone_from(&row.breaker.last_class);
        view.breaker.failures = row.breaker.failures;
        // What somebody opened by hand is so whatever the configuration says.
        if host.breaker || row.breaker.state == BreakerState::ForcedOpen {
            state.as_str().clone_into(&mut view.breaker.state);
        }
        if state == BreakerState::Open {
            let is_over = row.breaker.state == BreakerState::HalfOpen;
            let left = if is_over { 0 } else { row.breaker.left_ms(now) };
            view.breaker.retry_at = Some(now.wall_ms.saturating_add(left));
            view.opened_at =
                row.breaker.open.as_ref().map(|(until, whole)| until.wall_ms.saturating_sub(*whole));
        }
    }
    (view.waiting, view.in_flight) = store::waiting_and_running(conn, endpoint, presence, now.boot_ms)?;
    if let Some(block) = store::newest_block(conn, endpoint)? {
        let left = block.until.left_ms(now, LONGEST_BLOCK_MS);
        if left > 0 {
            view.blocked_until = Some(now.wall_ms.saturating_add(left));
            view.blocked_why = Some(block.reason);
        }
    }
    let durations = store::durations(conn, endpoint, now.wall_ms)?;
    let totals: Vec<u64> = durations.iter().map(|(total, _)| *total).collect();
    let firsts: Vec<u64> = durations.iter().filter_map(|(_, first)| *first).collect();
    (view.p50_ms, view.p95_ms) = (percentile(&totals, 50), percentile(&totals, 95));
    (view.first_p50_ms, view.first_p95_ms) = (percentile(&firsts, 50), percentile(&firsts, 95));
    view.recent = store::recent(conn, endpoint, RECENT)?;
    view.recent.reverse();
    (view.calls_last_hour, view.tokens_last_day) = store::window(conn, endpoint, now.wall_ms)?;
    Ok(view)
}

fn is_tried_out(
    conn: &ReadConn<'_>,
    row: &HostRow,
    now: &Now,
    presence: &Presence,
) -> conclave_db::Result<bool> {
    let flights = store::Rows::new(conn).flights(&row.endpoint)?;
    Ok(flights
        .iter()
        .any(|flight| Some(flight.id) == row.breaker.probe_row && presence.lives(flight, now.boot_ms)))
}

fn slots(host: &Host, said: Option<u32>) -> u32 {
    host.max_concurrent.or(said).unwrap_or_else(|| usual_slots(host.dialect.as_str())).max(1)
}

/// By the newest sign, good or bad.
fn healthy(row: &HostRow) -> Option<bool> {
    match (row.evidence_at, row.breaker.last_failure_at) {
        (None, None) => None,
        (good, bad) => Some(good >= bad && good.is_some()),
    }
}

/// By nearest rank: the value of rank ⌈n·p/100⌉; of fewer than five none says anything.
fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    if values.len() < 5 {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests;
