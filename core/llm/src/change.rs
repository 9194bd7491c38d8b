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
use crate::ledger::{Flight, HostRow, Ledger, Look};
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

/// Removes the rows of processes that have ended (B10).
fn purge<L: Ledger>(ledger: &mut L, endpoint: &str, context: &Context) -> Result<(), L::Error> {
    let is_dead = |flight: &Flight| !context.presence.lives(flight, context.now.boot_ms);
    let dead: Vec<i64> = ledger
        .seen()
        .flights(endpoint)?
        .iter()
        .filter(|flight| is_dead(flight))
        .map(|flight| flight.id)
        .collect();
    dead.into_iter().try_for_each(|row| ledger.leave(row))
}

/// The host's row, or a new one.
fn host<L: Ledger>(ledger: &L, endpoint: &str, dialect: &str, name: &str) -> Result<HostRow, L::Error> {
    let found = ledger.seen().host(endpoint)?;
    Ok(found.unwrap_or_else(|| HostRow::new(endpoint, dialect, name)))
}
