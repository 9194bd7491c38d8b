//! Renews a lease on a thread of its own: a storage that is slow holds up neither signals nor the end of the command.

use std::io;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};

use conclave_leases::{Grant, LeaseName, Leases, Ttl};

use super::Event;

/// The thread, as long as this is there.
#[derive(Debug)]
pub(super) struct Keeper {
    asks: SyncSender<()>,
}

impl Keeper {
    pub(super) fn start(leases: Leases, grant: &Grant, ttl: Ttl, events: Sender<Event>) -> io::Result<Self> {
        let token = grant.token.clone();
        // All of them by name: without names what is left is renewed, and a lost one is not noticed.
        let names: Vec<LeaseName> = grant.fences.iter().map(|(name, _)| name.clone()).collect();
        // One at work, and none waiting.
        let (asks, asked) = sync_channel(0);
        std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                if events.send(Event::Renewed(leases.renew(&token, &names, ttl))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asks })
    }

    /// Asks for a renewal, unless one is under way.
    pub(super) fn renew(&self) {
        // What it came to is told; that it is busy is no failure.
        let _ = self.asks.try_send(());
    }
}
