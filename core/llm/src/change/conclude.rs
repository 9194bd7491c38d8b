//! The end of a call: its row goes, its result counts, its numbers are kept.

use std::time::Duration;

use crate::breaker::{Fault, Until};
use crate::change::check::{RETRY_COST, refill};
use crate::change::{Change, Context, Entry, host, sweep};
use crate::choose::{ABSENT_MS, DECAY_MS, LONGEST_BLOCK_MS};
use crate::class::{Class, Counts};
use crate::ledger::{Block, HostRow, Ledger, Look, PairRow, Past, RETRY_TOKENS};
use crate::shared::Outcome;

/// Blocks in a row get longer; one that comes after so much peace is the first again.
const PEACE_MS: i64 = 600_000;
/// The longest pause that we make up ourselves.
const LONGEST_OWN_BLOCK_MS: i64 = 60_000;

/// An outcome that can go to another thread.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    class: Option<Class>,
    of_model: bool,
    status: Option<u16>,
    message: String,
    retry_after: Option<Duration>,
    context: Option<u64>,
    is_repeat: bool,
    /// `None` for what was no call: a check before a probe.
    past: Option<Past>,
}

impl Done {
    pub(crate) fn new(outcome: &Outcome<'_>, entry: &Entry) -> Self {
        let past = Past {
            endpoint: entry.endpoint.clone(),
            model: entry.model.clone(),
            at: 0,
            kind: entry.kind,
            budgeted: entry.budgeted,
            task: outcome.task.map(str::to_owned),
            run: outcome.run.map(str::to_owned),
            class: outcome.class.map(Class::as_str),
            status: outcome.status,
            connect_ms: outcome.connect_ms,
            first_ms: outcome.first_ms,
            total_ms: outcome.total_ms,
            queued_ms: outcome.queued_ms,
            waited_ms: outcome.waited_ms,
            tokens_in: outcome.tokens.input,
            tokens_out: outcome.tokens.output,
            estimated: outcome.tokens.estimated,
            attempt: outcome.attempt,
        };
        Self {
            class: outcome.class,
            of_model: outcome.of_model,
            status: outcome.status,
            message: outcome.message.to_owned(),
            retry_after: outcome.retry_after,
            context: outcome.context,
            is_repeat: outcome.is_repeat,
            past: (outcome.attempt > 0).then_some(past),
        }
    }

    fn counts(&self) -> Counts {
        self.class.map_or(Counts::Success, |class| class.consequence().counts)
    }
}

/// Ends a call.
pub(crate) struct Conclude {
    pub(crate) entry: Entry,
    /// Whether the row is in this ledger; else only the numbers are kept.
    pub(crate) is_here: bool,
    pub(crate) done: Done,
}

impl Change for Conclude {
    type Out = ();

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(), L::Error> {
        sweep(ledger, context)?;
        let (entry, done) = (&self.entry, &self.done);
        if self.is_here {
            ledger.leave(entry.row)?;
            let mut host = host(ledger, &entry.endpoint, entry.dialect, &entry.name)?;
            let found = ledger.seen().pair(&entry.endpoint, &entry.model)?;
            let known = found.clone().unwrap_or_else(|| PairRow::new(&entry.endpoint, &entry.model));
            let mut pair = known.clone();
            match done.counts() {
                Counts::Success => self.succeeded(ledger, &mut host, &mut pair, context)?,
                Counts::Soft | Counts::Hard => self.failed(&mut host, &mut pair, context),
                Counts::No => self.no_fault(ledger, &mut host, &mut pair, context)?,
            }
            pair.context = done.context.or(pair.context);
            ledger.put_host(&host)?;
            if pair != known {
                ledger.put_pair(&pair)?;
            }
        }
        match &done.past {
            Some(past) => ledger.record(&Past { at: context.now.wall_ms, ..past.clone() }),
            None => Ok(()),
        }
    }
}

impl Conclude {
    fn succeeded<L: Ledger>(
        &self,
        ledger: &mut L,
        host: &mut HostRow,
        pair: &mut PairRow,
        context: &Context,
    ) -> Result<(), L::Error> {
        let (entry, now) = (&self.entry, &context.now);
        if entry.counts {
            host.breaker.succeed(entry.generation);
            pair.breaker.succeed(entry.pair_generation);
        }
        host.evidence_at = Some(now.wall_ms);
        refill(host, now.wall_ms);
        // As `conclave_retry::RetryBudget::refill`: a repeat that helped costs nothing.
        let earned = if self.done.is_repeat { RETRY_COST } else { 1.0 };
        host.retry_tokens = (host.retry_tokens + earned).min(RETRY_TOKENS);
        host.retry_at = Some(now.wall_ms);
        if let Some(first_ms) = self.done.past.as_ref().and_then(|past| past.first_ms) {
            host.ewma_first_ms = Some(ewma(host, first_ms, now.boot_ms));
            host.ewma_at = Some(now.boot_ms);
        }
        pair.absent_until = None;
        let block = ledger.seen().block(&entry.endpoint, &entry.key_hash)?;
        // A block that is in force was asked for by a later answer than this call's beginning.
        if block.is_some_and(|block| block.until.left_ms(now, LONGEST_BLOCK_MS) == 0) {
            ledger.remove_block(&entry.endpoint, &entry.key_hash)?;
        }
        Ok(())
    }

    fn failed(&self, host: &mut HostRow, pair: &mut PairRow, context: &Context) {
        let (entry, done) = (&self.entry, &self.done);
        let Some(class) = done.class else { return };
        let hard = done.counts() == Counts::Hard;
        let fault = Fault { hard, class: class.as_str(), message: &done.message };
        if !entry.counts {
            host.breaker.note(fault.class, fault.message);
        } else if done.of_model {
            pair.breaker.fail(entry.pair_generation, fault, &context.now, &*context.random);
        } else {
            host.breaker.fail(entry.generation, fault, &context.now, &*context.random);
        }
    }

    /// It failed, and the host is not to blame: a pause, an absent model, or nothing (B12).
    fn no_fault<L: Ledger>(
        &self,
        ledger: &mut L,
        host: &mut HostRow,
        pair: &mut PairRow,
        context: &Context,
    ) -> Result<(), L::Error> {
        let (entry, done, now) = (&self.entry, &self.done, &context.now);
        let Some(class) = done.class else { return Ok(()) };
        if !matches!(class, Class::Deadline | Class::Cancelled) && host.breaker.generation == entry.generation
        {
            host.breaker.note(class.as_str(), &done.message);
        }
        if entry.counts && shows_life(class, done.status) {
            // The host is there, whatever it thinks of this question: a probe that heard so is over.
            host.breaker.first_token(entry.generation);
            pair.breaker.first_token(entry.pair_generation);
            host.evidence_at = Some(now.wall_ms);
        }
        if class == Class::NoModel {
            pair.absent_until = Some(now.wall_ms.saturating_add(ABSENT_MS));
        }
        let found = ledger.seen().block(&entry.endpoint, &entry.key_hash)?;
        let is_active = found.as_ref().is_some_and(|block| block.until.left_ms(now, LONGEST_BLOCK_MS) > 0);
        let n = match &found {
            // Several calls that ran at once heard of one and the same overload.
            Some(block) if is_active => block.n,
            Some(block) if now.wall_ms.saturating_sub(block.until.wall_ms) <= PEACE_MS => {
                block.n.saturating_add(1)
            }
            _ => 0,
        };
        let Some(ms) = block_ms(class, n, done.retry_after) else { return Ok(()) };
        let until = Until::after(now, ms);
        let until = match found {
            Some(block) if is_active && block.until.left_ms(now, LONGEST_BLOCK_MS) > ms => block.until,
            _ => until,
        };
        ledger.put_block(&Block {
            endpoint: entry.endpoint.clone(),
            key_hash: entry.key_hash.clone(),
            until,
            reason: class.as_str().to_owned(),
            n,
        })
    }
}

/// Whether a failure that does not count is an answer of the host itself. What stands before a host (a proxy, a gateway
/// that wants money, another address) speaks for itself only.
fn shows_life(class: Class, status: Option<u16>) -> bool {
    status.is_some()
        && matches!(
            class,
            Class::Auth
                | Class::NoModel
                | Class::TooLong
                | Class::BadRequest
                | Class::Overloaded
                | Class::Throttled
        )
}

/// How long a host with this key is left alone after a failure of this class; `None` where it is not.
fn block_ms(class: Class, n: i64, retry_after: Option<Duration>) -> Option<i64> {
    let said = retry_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
    let own = |base: i64| (base << n.clamp(0, 6)).min(LONGEST_OWN_BLOCK_MS);
    let ms = match class {
        Class::Overloaded => said.unwrap_or_else(|| own(2000)),
        Class::Throttled => said.unwrap_or_else(|| own(5000)),
        // Money does not come back within seconds.
        Class::Quota => said.unwrap_or(0).max(15 * 60_000),
        Class::Auth => 60_000,
        _ => return None,
    };
    Some(ms.clamp(0, LONGEST_BLOCK_MS))
}

/// The mean that peaks: what is slower counts at once, what is faster by and by (S4).
fn ewma(host: &HostRow, first_ms: u64, now_boot_ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time in ms is far below 2^52")]
    let (sample, past) = (first_ms as f64, host.ewma_at.map(|at| now_boot_ms.saturating_sub(at) as f64));
    match (host.ewma_first_ms, past) {
        // A mean of the future is of another boot.
        (Some(mean), Some(past)) if sample < mean && past >= 0.0 => {
            sample + (mean - sample) * (-past / DECAY_MS).exp()
        }
        _ => sample,
    }
}
