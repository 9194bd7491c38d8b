//! Whoever takes events in: flush, recover, trim, and a ledger that balances while others write.

use std::sync::Arc;

use conclave_db::Db;
use conclave_spool::{Spool, import, ledger, recover, trim};

use super::spooler::{Jumping, LATER, spool};
use super::{Work, Worker, open};
use crate::chance::Chance;
use crate::outcome::Outcome;

/// A process that takes events in.
#[derive(Debug)]
pub(crate) struct Importer {
    worker: Worker,
    db: Db,
    spool: Spool,
}

impl Importer {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = open(&worker.folder)?;
        let clock = Arc::new(Jumping::default());
        clock.to(LATER);
        Ok(Self { spool: spool(&worker.folder, &db, clock)?, worker, db })
    }
}

impl Work for Importer {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let mut chance = Chance::of(self.worker.seed, &[self.worker.place, number]);
        let word = match chance.below(10) {
            0..5 => {
                let monitors: Vec<_> = self.spool.options().monitors.iter().cloned().collect();
                let one = usize::try_from(chance.below(monitors.len() as u64))?;
                let only = chance.percent(30).then(|| &monitors[one]);
                let flushed = import::flush(&self.spool, &self.db, only)?;
                if !flushed.errors.is_empty() {
                    return Err(format!("files that cannot be read: {:?}", flushed.errors).into());
                }
                if flushed.deferred == 0 { "spool-flush" } else { "spool-deferred" }
            }
            5 => {
                recover::recover(&self.spool, None)?;
                "spool-recover"
            }
            6 | 7 => {
                trim::trim(&self.spool, trim::When::Asked, chance.percent(30))?;
                "spool-trim"
            }
            _ => {
                let ledger = ledger::ledger(&self.spool, Some(&self.db))?;
                if !ledger.total.balances() || !ledger.monitors.values().all(ledger::Entry::balances) {
                    return Err(format!("beside writers the ledger does not balance: {ledger:?}").into());
                }
                "spool-ledger"
            }
        };
        Ok(word.to_owned())
    }
}
