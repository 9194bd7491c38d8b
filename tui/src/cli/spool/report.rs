//! What `status` and `diag` say of the spool.

use conclave_consensus::migrate::Attention;
use conclave_db::Db;
use conclave_spool::ledger::{self, Ledger};
use conclave_spool::quota::{self, Gauge};
use conclave_spool::{Limits, QuotaState, Spool};
use serde_json::{Value, json};

use crate::attention;
use crate::failure::{Doing as _, Failure};
use crate::text::{count, counted};

/// The quota and the ledger.
#[derive(Debug)]
pub(crate) struct Report {
    limits: Limits,
    pub(crate) gauge: Gauge,
    ledger: Ledger,
    /// What of it needs a person.
    pub(crate) attention: Vec<Attention>,
}

/// Whole MiB, rounded down.
pub(crate) const fn mb(bytes: u64) -> u64 {
    bytes >> 20
}

impl Report {
    /// Looks. Writes nothing. Without a state it says what the files say.
    pub(crate) fn look(spool: &Spool, state: Option<&Db>) -> Result<Self, Failure> {
        let gauge = quota::gauge(spool, state).doing("look at the spool")?;
        let ledger = ledger::ledger(spool, state).doing("add up the spool")?;
        let attention = attention::of_spool(spool, &gauge, &ledger);
        Ok(Self { limits: spool.options().limits, gauge, ledger, attention })
    }

    /// The object `spool` of `status`: the six keys of the original, and the ledger.
    pub(crate) fn block(&self) -> Value {
        let mut block = self.quota();
        if let Some(block) = block.as_object_mut() {
            block.insert("ledger".to_owned(), self.ledger_object());
        }
        block
    }

    /// The six keys.
    pub(crate) fn quota(&self) -> Value {
        let Self { limits, gauge, .. } = self;
        json!({
            "quota_mb": limits.quota_mb(), "used_mb": mb(gauge.usage.used),
            "soft_pct": limits.soft_pct(), "hard_pct": limits.hard_pct(),
            "state": gauge.state, "dropped_batches": gauge.dropped,
        })
    }

    fn ledger_object(&self) -> Value {
        let ledger::Entry { written, pending, imported, quarantined, dropped } = &self.ledger.total;
        let reason = self.gauge.untrimmable.then_some("untrimmable");
        json!({
            "written": written, "pending": pending, "imported": imported, "quarantined": quarantined,
            "dropped": dropped, "reason": reason, "monitors": self.ledger.monitors,
        })
    }

    /// `3MB / 512MB (normal)`; under pressure `0.97MB / 1MB (soft)`: whole MiB would say 0 of a small quota that is nearly
    /// used up.
    pub(crate) fn usage_words(&self) -> String {
        let (used, quota) = (self.gauge.usage.used, self.limits.quota_mb());
        let state = self.gauge.state.as_str();
        if self.gauge.state == QuotaState::Normal {
            return format!("{}MB / {quota}MB ({state})", mb(used));
        }
        let hundredths = (u128::from(used) * 100) >> 20;
        format!("{}.{:02}MB / {quota}MB ({state})", hundredths / 100, hundredths % 100)
    }

    /// `90% soft, 100% hard`
    pub(crate) fn threshold_words(&self) -> String {
        format!("{}% soft, {}% hard", self.limits.soft_pct(), self.limits.hard_pct())
    }

    /// Files that wait to be imported.
    pub(crate) fn pending_files(&self) -> u64 {
        self.gauge.usage.pending.values().sum()
    }

    /// The parts of the first line of `status`.
    pub(crate) fn quota_parts(&self) -> Vec<String> {
        let mut parts =
            vec![self.usage_words(), format!("{} to import", counted(self.pending_files(), "file", "files"))];
        if self.gauge.dropped > 0 {
            parts.push(format!("{} dropped", counted(self.gauge.dropped, "event", "events")));
        }
        if self.gauge.untrimmable {
            parts.push("untrimmable".to_owned());
        }
        parts
    }

    /// Those of the second, where anything was ever written.
    pub(crate) fn ledger_parts(&self) -> Option<Vec<String>> {
        let total = &self.ledger.total;
        let parts = [
            (total.written, "written"),
            (total.pending, "pending"),
            (total.imported, "imported"),
            (total.quarantined, "quarantined"),
        ];
        let parts = parts.map(|(events, what)| format!("{} {what}", count(events)));
        (total.written > 0 || total.pending > 0).then(|| parts.to_vec())
    }
}
