//! What a host's list says of models: which one a call is for that was let through without a name, and which are back.

use crate::change::{Change, Context, Entry, sweep};
use crate::ledger::{Flight, Ledger, Look};

/// The model of a call that was let through before anybody knew it. Gives the generation of the model on its host.
pub(crate) struct NameModel {
    pub(crate) entry: Entry,
    pub(crate) model: String,
}

impl Change for NameModel {
    type Out = i64;

    fn apply<L: Ledger>(&self, ledger: &mut L, context: &Context) -> Result<i64, L::Error> {
        sweep(ledger, context)?;
        let entry = &self.entry;
        let flights = ledger.seen().flights(&entry.endpoint)?;
        if let Some(flight) = flights.into_iter().find(|flight| flight.id == entry.row) {
            ledger.become_flight(&Flight { model: self.model.clone(), ..flight })?;
        }
        let pair = ledger.seen().pair(&entry.endpoint, &self.model)?;
        Ok(pair.map_or(0, |pair| pair.breaker.generation))
    }
}

/// These models are there, whatever was said of them before.
pub(crate) struct MarkPresent {
    pub(crate) endpoint: String,
    pub(crate) models: Vec<String>,
}

impl Change for MarkPresent {
    type Out = ();

    fn apply<L: Ledger>(&self, ledger: &mut L, _context: &Context) -> Result<(), L::Error> {
        for model in &self.models {
            let found = ledger.seen().pair(&self.endpoint, model)?;
            if let Some(mut pair) = found.filter(|pair| pair.absent_until.is_some()) {
                pair.absent_until = None;
                ledger.put_pair(&pair)?;
            }
        }
        Ok(())
    }
}
