//! What is done with the shared state, each as one transaction over a [`Ledger`].

mod admit;
mod check;
mod conclude;
mod models;

use std::sync::Arc;

use conclave_retry::Random;

pub(crate) use self::admit::{Admit, Admitted, Enqueue, Entry};
pub(crate) use self::check::{Checked, FirstToken, MarkAbsent, PayRetry};
pub(crate) use self::conclude::{Conclude, Done};
pub(crate) use self::models::{MarkPresent, NameModel};
use crate::breaker::Now;
use crate::class::Class;
use crate::ledger::{Flight, HostRow, Kind, Ledger, Look, Past};
use crate::presence::Presence;

/// What a change needs beside the records.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) now: Now,
    pub(crate) presence: Presence,
    pub(crate) random: Arc<dyn Random>,
    /// Rows of this process whose calls are over and that could not be removed then.
    pub(crate) leaked: Vec<i64>,
}

/// One change. It may run more than once, each time on the records as they are then.
pub(crate) trait Change {
    type Out;
    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<Self::Out, L::Error>;
}

/// Takes the row of a call that was given up.
#[derive(Debug)]
pub(crate) struct Leave(pub(crate) i64);

impl Change for Leave {
    type Out = ();

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(), L::Error> {
        sweep(ledger, context)?;
        ledger.leave(self.0)
    }
}

/// Removes what this process could not remove before.
fn sweep<L: Ledger>(ledger: &mut L, context: &Context) -> Result<(), L::Error> {
    context.leaked.iter().try_for_each(|row| ledger.leave(*row))
}

/// Removes the rows of processes that have ended (B10). A call that was under way may have been paid: it is written down
/// as given up, with the tokens that were kept free for it, and so stays in the budget (L20).
fn purge<L: Ledger>(ledger: &mut L, endpoint: &str, context: &Context) -> Result<(), L::Error> {
    let is_dead = |flight: &Flight| !context.presence.lives(flight, context.now.boot_ms);
    let dead: Vec<Flight> = ledger.seen().flights(endpoint)?.into_iter().filter(is_dead).collect();
    for flight in dead {
        ledger.leave(flight.id)?;
        if flight.kind != Kind::Wait {
            ledger.record(&lost(flight, context))?;
        }
    }
    Ok(())
}

/// The call of a process that has ended.
fn lost(flight: Flight, context: &Context) -> Past {
    let now = &context.now;
    let is_of_this_boot = flight.process.boot_id == now.boot_id;
    let age = if is_of_this_boot { now.boot_ms.saturating_sub(flight.started).max(0) } else { 0 };
    let is_budgeted = flight.reserved_tokens > 0;
    Past {
        endpoint: flight.endpoint,
        model: flight.model,
        at: now.wall_ms.saturating_sub(age),
        kind: flight.kind,
        budgeted: is_budgeted,
        task: None,
        run: None,
        class: Some(Class::Cancelled.as_str()),
        status: None,
        connect_ms: None,
        first_ms: None,
        // When it ended nobody saw.
        total_ms: 0,
        queued_ms: 0,
        waited_ms: 0,
        tokens_in: is_budgeted.then_some(flight.reserved_tokens),
        tokens_out: None,
        estimated: true,
        attempt: 1,
    }
}

/// Brings calls into the file that were let through while it could not be used. Gives their rows there, in order.
#[derive(Debug)]
pub(crate) struct Adopt(pub(crate) Vec<Flight>);

impl Change for Adopt {
    type Out = Vec<i64>;

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<Vec<i64>, L::Error> {
        sweep(ledger, context)?;
        let beat = context.now.boot_ms;
        self.0.iter().map(|flight| ledger.enter(&Flight { beat, ..flight.clone() })).collect()
    }
}

/// The host's row, or a new one.
fn host<L: Ledger>(ledger: &L, endpoint: &str, dialect: &str, name: &str) -> Result<HostRow, L::Error> {
    let found = ledger.seen().host(endpoint)?;
    Ok(found.unwrap_or_else(|| HostRow::new(endpoint, dialect, name)))
}
