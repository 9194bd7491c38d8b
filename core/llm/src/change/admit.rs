//! Being let through: purge, choose, claim, enter, in one transaction (B7).

use crate::answer::Skipped;
use crate::change::{Change, Context, host, purge, sweep};
use crate::choose::{Asked, Choice, Standing, choose};
use crate::ledger::{Flight, Kind, Ledger, Look};

/// What a call remembers of how it was let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) index: usize,
    pub(crate) row: i64,
    pub(crate) kind: Kind,
    pub(crate) endpoint: String,
    pub(crate) dialect: &'static str,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) key_hash: String,
    /// Of the host and of the model on it: results count only in these (B6).
    pub(crate) generation: i64,
    pub(crate) pair_generation: i64,
    /// Whether its failures count.
    pub(crate) counts: bool,
    pub(crate) budgeted: bool,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admitted {
    Go { entry: Entry, skipped: Vec<Skipped> },
    Full { shortest: usize, ahead: u32, skipped: Vec<Skipped> },
    Nobody { skipped: Vec<Skipped> },
}

/// Asks for one of the candidates.
pub(crate) struct Admit {
    pub(crate) candidates: Vec<Asked>,
    /// The row of the caller in a queue.
    pub(crate) waiting: Option<i64>,
    /// For the hashes of keys, where the file has none yet.
    pub(crate) salt: Vec<u8>,
}

impl Change for Admit {
    type Out = Admitted;

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<Admitted, L::Error> {
        sweep(ledger, context)?;
        for asked in &self.candidates {
            purge(ledger, &asked.endpoint, context)?;
            rebase(ledger, asked, context)?;
        }
        if self.candidates.iter().any(|asked| asked.key().is_some()) && ledger.seen().salt()?.is_none() {
            ledger.put_salt(&self.salt)?;
        }
        let (now, presence) = (&context.now, &context.presence);
        let choice = choose(&ledger.seen(), &self.candidates, self.waiting, now, presence)?;
        Ok(match choice {
            Choice::Go { standing, skipped } => {
                Admitted::Go { entry: self.enter(ledger, *standing, context)?, skipped }
            }
            Choice::Full { shortest, ahead, skipped } => {
                self.touch(ledger, context)?;
                Admitted::Full { shortest, ahead, skipped }
            }
            Choice::Nobody { skipped } => Admitted::Nobody { skipped },
        })
    }
}

impl Admit {
    fn enter<L: Ledger>(
        &self,
        ledger: &mut L,
        standing: Standing,
        context: &Context,
    ) -> Result<Entry, L::Error> {
        let asked = &self.candidates[standing.at];
        let is_new = standing.host.is_none();
        let mut host = match standing.host {
            Some(host) => host,
            None => host_row(ledger, asked)?,
        };
        let is_probe = standing.probes_host || standing.probes_pair;
        let mut flight = flight(asked, if is_probe { Kind::Probe } else { Kind::Call }, context);
        flight.generation = host.breaker.generation.wrapping_add(i64::from(standing.probes_host));
        flight.reserved_tokens = asked.reserved_tokens;
        flight.id = match self.waiting {
            // The caller's own row becomes the call, unless somebody took it for dead.
            Some(row) if ledger.become_flight(&Flight { id: row, ..flight.clone() })? => row,
            _ => ledger.enter(&flight)?,
        };
        if standing.probes_host {
            host.breaker.claim(flight.id);
        }
        if is_new || standing.probes_host || host.last_name != asked.name || host.dialect != asked.dialect {
            (host.last_name, host.dialect) = (asked.name.clone(), asked.dialect.to_owned());
            ledger.put_host(&host)?;
        }
        let mut pair_generation = 0;
        if let Some(mut pair) = standing.pair {
            if standing.probes_pair {
                pair.breaker.claim(flight.id);
                ledger.put_pair(&pair)?;
            }
            pair_generation = pair.breaker.generation;
        }
        Ok(Entry {
            index: asked.index,
            row: flight.id,
            kind: flight.kind,
            endpoint: flight.endpoint,
            dialect: asked.dialect,
            name: asked.name.clone(),
            model: flight.model,
            key_hash: standing.key_hash,
            generation: host.breaker.generation,
            pair_generation,
            counts: asked.breaker,
            budgeted: asked.has_budget(),
        })
    }

    /// The caller still waits: others know by this that it is not stopped.
    fn touch<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<(), L::Error> {
        let Some(row) = self.waiting else { return Ok(()) };
        for asked in &self.candidates {
            let found = ledger.seen().flights(&asked.endpoint)?.into_iter().find(|flight| flight.id == row);
            if let Some(flight) = found {
                ledger.become_flight(&Flight { beat: context.now.boot_ms, ..flight })?;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Takes a place in the queue of a host.
pub(crate) struct Enqueue(pub(crate) Asked);

impl Change for Enqueue {
    type Out = Entry;

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<Entry, L::Error> {
        sweep(ledger, context)?;
        let asked = &self.0;
        let row = ledger.enter(&flight(asked, Kind::Wait, context))?;
        Ok(Entry {
            index: asked.index,
            row,
            kind: Kind::Wait,
            endpoint: asked.endpoint.clone(),
            dialect: asked.dialect,
            name: asked.name.clone(),
            model: asked.model.clone(),
            key_hash: String::new(),
            generation: 0,
            pair_generation: 0,
            counts: false,
            budgeted: false,
        })
    }
}

fn host_row<L: Ledger>(ledger: &L, asked: &Asked) -> Result<crate::ledger::HostRow, L::Error> {
    host(ledger, &asked.endpoint, asked.dialect, &asked.name)
}

fn flight(asked: &Asked, kind: Kind, context: &Context) -> Flight {
    Flight {
        id: 0,
        endpoint: asked.endpoint.clone(),
        model: asked.model.clone(),
        kind,
        process: context.presence.me().clone(),
        started: context.now.boot_ms,
        beat: context.now.boot_ms,
        generation: 0,
        reserved_tokens: 0,
    }
}

/// What another boot wrote down gets this boot's clock.
fn rebase<L: Ledger>(ledger: &mut L, asked: &Asked, context: &Context) -> Result<(), L::Error> {
    let found = ledger.seen().host(&asked.endpoint)?;
    if let Some(mut host) = found
        && host.breaker.rebase(&context.now)
    {
        ledger.put_host(&host)?;
    }
    let found = ledger.seen().pair(&asked.endpoint, &asked.model)?;
    if let Some(mut pair) = found
        && pair.breaker.rebase(&context.now)
    {
        ledger.put_pair(&pair)?;
    }
    Ok(())
}
