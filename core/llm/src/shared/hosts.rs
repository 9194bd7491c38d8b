//! What checks ask before they are sent, and what lists say of models.

use super::{Query, Shared};
use crate::admission::Ticket;
use crate::change::{MarkPresent, NameModel};
use crate::ledger::{Kind, Look};
use crate::presence::Presence;

impl Shared {
    /// Whether a call of this machine runs there: a better sign than any check, and where the host answers one connection
    /// at a time, the reason why a check gets no answer.
    pub(crate) fn is_at_work(&self, endpoint: &str) -> bool {
        let (presence, now_boot_ms) = (self.inner.presence.clone(), self.inner.now().boot_ms);
        self.inner.look(&AtWork { endpoint, presence, now_boot_ms })
    }

    /// How many calls at once the host takes, where it has said so.
    pub(crate) fn said_slots(&self, endpoint: &str) -> Option<u32> {
        self.inner.look(&SaidSlots(endpoint))
    }

    /// The call was let through before anybody knew its model.
    pub(crate) fn name_model(&self, ticket: &mut Ticket, model: &str) {
        let entry = ticket.entry();
        let host_generation = entry.generation;
        let named = NameModel { entry, model: model.to_owned() };
        let generation = self.inner.change_at(ticket.place(), "name the model of a call", named);
        ticket.set_model(model);
        ticket.set_generations((host_generation, generation.unwrap_or(0)));
    }

    /// These models are there, whatever was said of them before.
    pub(crate) fn mark_present(&self, endpoint: &str, models: &[String]) {
        let mark = || MarkPresent { endpoint: endpoint.to_owned(), models: models.to_vec() };
        self.inner.change("mark models as present", mark(), mark);
    }
}

struct AtWork<'a> {
    endpoint: &'a str,
    presence: Presence,
    now_boot_ms: i64,
}

impl Query for AtWork<'_> {
    type Out = bool;

    fn ask<L: Look>(&self, look: &L) -> Result<bool, L::Error> {
        let flights = look.flights(self.endpoint)?;
        Ok(flights
            .iter()
            .any(|flight| flight.kind != Kind::Wait && self.presence.lives(flight, self.now_boot_ms)))
    }
}

struct SaidSlots<'a>(&'a str);

impl Query for SaidSlots<'_> {
    type Out = Option<u32>;

    fn ask<L: Look>(&self, look: &L) -> Result<Option<u32>, L::Error> {
        Ok(look.host(self.0)?.and_then(|host| host.slots))
    }
}
