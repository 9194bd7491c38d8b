//! What is learned of a host outside of the result of a call.

use crate::breaker::Fault;
use crate::change::{Change, Context, Entry, host, sweep};
use crate::choose::ABSENT_MS;
use crate::class::{Class, Counts};
use crate::ledger::{HostRow, Ledger, Look, PairRow, RETRY_TOKENS};
use conclave_retry::BreakerState;

/// What a retry takes from the budget of its host.
pub(super) const RETRY_COST: f64 = 5.0;
/// A budget that nobody touched for so long is full again.
const RETRY_IDLE_MS: i64 = 600_000;

/// A host was checked, with a request that is no call.
pub(crate) struct Checked {
    pub(crate) endpoint: String,
    pub(crate) dialect: String,
    pub(crate) name: String,
    pub(crate) failure: Option<(Class, String)>,
    pub(crate) slots: Option<u32>,
}

impl Change for Checked {
    type Out = ();

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(), L::Error> {
        let now = &context.now;
        let mut host = host(ledger, &self.endpoint, &self.dialect, &self.name)?;
        host.breaker.rebase(now);
        match &self.failure {
            None => {
                host.evidence_at = Some(now.wall_ms);
                host.slots = self.slots.or(host.slots);
                host.breaker.make_due(now);
            }
            Some((class, message)) => {
                let counts = class.consequence().counts;
                let fault = Fault { hard: counts == Counts::Hard, class: class.as_str(), message };
                let may_count = host.breaker.state == BreakerState::Closed || probes(ledger, &host, context)?;
                match counts {
                    Counts::Hard | Counts::Soft if may_count => {
                        host.breaker.fail(host.breaker.generation, fault, now, &*context.random);
                    }
                    _ if matches!(class, Class::Deadline | Class::Cancelled) => {}
                    _ => host.breaker.note(fault.class, message),
                }
            }
        }
        ledger.put_host(&host)
    }
}

/// Whether it is this process that tries the host out.
fn probes<L: Ledger>(ledger: &L, host: &HostRow, context: &Context) -> Result<bool, L::Error> {
    let Some(row) = host.breaker.probe_row else { return Ok(false) };
    let flights = ledger.seen().flights(&host.endpoint)?;
    Ok(flights.iter().any(|flight| flight.id == row && context.presence.is_mine(flight)))
}

/// A probe had its first token. Gives the generations in which the rest of the call counts.
pub(crate) struct FirstToken(pub(crate) Entry);

impl Change for FirstToken {
    type Out = (i64, i64);

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(i64, i64), L::Error> {
        sweep(ledger, context)?;
        let entry = &self.0;
        let mut generations = (entry.generation, entry.pair_generation);
        let found = ledger.seen().host(&entry.endpoint)?;
        if let Some(mut host) = found
            && let Some(generation) = host.breaker.first_token(entry.generation)
        {
            host.evidence_at = Some(context.now.wall_ms);
            ledger.put_host(&host)?;
            generations.0 = generation;
        }
        let found = ledger.seen().pair(&entry.endpoint, &entry.model)?;
        if let Some(mut pair) = found
            && let Some(generation) = pair.breaker.first_token(entry.pair_generation)
        {
            ledger.put_pair(&pair)?;
            generations.1 = generation;
        }
        Ok(generations)
    }
}

/// A model is absent from a host for a while, or there after all.
pub(crate) struct MarkAbsent {
    pub(crate) endpoint: String,
    pub(crate) model: String,
    pub(crate) absent: bool,
}

impl Change for MarkAbsent {
    type Out = ();

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(), L::Error> {
        let found = ledger.seen().pair(&self.endpoint, &self.model)?;
        let mut pair = match (found, self.absent) {
            (Some(pair), _) => pair,
            (None, true) => PairRow::new(&self.endpoint, &self.model),
            (None, false) => return Ok(()),
        };
        pair.absent_until = self.absent.then(|| context.now.wall_ms.saturating_add(ABSENT_MS));
        ledger.put_pair(&pair)
    }
}

/// Pays for a retry.
pub(crate) struct PayRetry {
    pub(crate) endpoint: String,
}

impl Change for PayRetry {
    type Out = bool;

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<bool, L::Error> {
        let found = ledger.seen().host(&self.endpoint)?;
        // Nothing is known of it, so nothing was spent.
        let Some(mut host) = found else { return Ok(true) };
        refill(&mut host, context.now.wall_ms);
        if host.retry_tokens < RETRY_COST {
            return Ok(false);
        }
        host.retry_tokens -= RETRY_COST;
        host.retry_at = Some(context.now.wall_ms);
        ledger.put_host(&host)?;
        Ok(true)
    }
}

/// A budget that nobody touched for long is full.
pub(super) fn refill(host: &mut HostRow, now_wall_ms: i64) {
    if host.retry_at.is_some_and(|at| now_wall_ms.saturating_sub(at) > RETRY_IDLE_MS) {
        host.retry_tokens = RETRY_TOKENS;
    }
}
