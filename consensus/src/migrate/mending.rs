//! Making one row of the following side equal to the leading one, with an entry that keeps what it held.

use conclave_db::{BulkWriter, Db, WriteTx};
use serde_json::json;

use super::{Finding, FindingKind};
use crate::error::{ConsensusError, Result};
use crate::store::back::{self, Returner};
use crate::store::control::{self, Phase};
use crate::store::copy::{self, Copier, Scope, kinds};
use crate::store::verify::{Key, Pair};
use crate::store::{capture, mend, remade, shape};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Both sides hold the same, or neither has it.
    Equal,
    /// It is equal now.
    Mended,
    /// The following side cannot hold it.
    Left,
}

/// The statements of all kinds of rows, in both directions. They need temporary tables, so a connection of
/// their own.
#[derive(Debug)]
pub(super) struct Mender {
    copiers: Vec<Copier>,
    /// The legacy tables that are to be filled from the new ones.
    unfilled: Vec<&'static str>,
    pub(super) returners: Vec<Returner>,
}

impl Mender {
    pub(super) fn open(db: &Db) -> Result<(Self, BulkWriter)> {
        let mut bulk = BulkWriter::open(db, None)?;
        let (kinds, returners) = bulk.prepare(|tx| {
            copy::begin(tx)?;
            tx.execute_batch(back::TEMPORARY)?;
            shape::legacy_views(tx, "main")?;
            Ok::<_, ConsensusError>((kinds::of_state(tx)?, back::all(tx)?))
        })?;
        let scope = Scope { source: None, to_legacy: false, later: false, overwrite: true };
        let copiers = kinds.into_iter().map(|kind| Copier::new(kind, scope)).collect();
        let unfilled = db.read(remade::unfilled)?;
        Ok((Self { copiers, unfilled, returners }, bulk))
    }

    /// What a repair does with such a difference in this phase, where these legacy tables wait for their rows.
    pub(super) fn action(finding: &Finding, phase: Phase, unfilled: &[&str]) -> &'static str {
        let waits = finding.kind == FindingKind::MissingInLegacy && unfilled.contains(&finding.table);
        match (finding.kind, legacy_leads(phase) && !waits) {
            (FindingKind::MissingInNew, true) => "copied to the new tables",
            (FindingKind::MissingInNew, false) => "adopted by the new tables",
            (FindingKind::Different, true) => "overwritten in the new tables",
            (FindingKind::Different, false) => "overwritten in the legacy tables",
            (FindingKind::MissingInLegacy, true) => "removed from the new tables",
            (FindingKind::MissingInLegacy, false) => "copied to the legacy tables",
        }
    }

    /// Compares the row with this key, and makes the following side equal where they differ.
    pub(super) fn mend(&self, tx: &WriteTx<'_>, pair: &Pair, key: &Key, actor: &str) -> Result<Done> {
        let Some((finding, _)) = pair.difference(tx, key)? else { return Ok(Done::Equal) };
        let (Some(copier), Some(returner)) = (
            self.copiers.iter().find(|copier| copier.kind.legacy == pair.table),
            self.returners.iter().find(|returner| returner.kind.legacy == pair.table),
        ) else {
            return Ok(Done::Left);
        };
        let phase = control::phase(tx)?;
        let rowid = mend::legacy_rowid(tx, pair.table, key)?;
        let new = copier.kind.new;
        capture::suspend(tx)?;
        let (held, before) = match (finding.kind, finding.output_id, rowid) {
            (FindingKind::MissingInNew, _, Some(rowid)) => {
                // An attempt of ours may have the id; where the new side leads it stays as it is.
                let own = if copier.kind.name == "execution" { mend::attempt(tx, key)? } else { None };
                match own.filter(|_| !legacy_leads(phase)) {
                    Some((own, _)) => (returner.put(tx, own)?, mend::content(tx, pair.table, rowid)?),
                    None => (copier.mend(tx, rowid)?, None),
                }
            }
            (FindingKind::Different, Some(id), Some(rowid)) if legacy_leads(phase) => {
                let before = mend::content(tx, new, id)?;
                (copier.mend(tx, rowid)?, before)
            }
            (FindingKind::Different, Some(id), Some(rowid)) => {
                let before = mend::content(tx, pair.table, rowid)?;
                (returner.put(tx, id)?, before)
            }
            (FindingKind::MissingInLegacy, Some(id), _)
                if legacy_leads(phase) && !self.unfilled.contains(&pair.table) =>
            {
                let before = mend::content(tx, new, id)?;
                mend::remove(tx, new, id)?;
                (true, before)
            }
            (FindingKind::MissingInLegacy, Some(id), _) => (returner.put(tx, id)?, None),
            _ => (false, None),
        };
        capture::resume(tx)?;
        if !held {
            return Ok(Done::Left);
        }
        let detail = json!({
            "table": finding.table,
            "legacy_id": finding.legacy_id,
            "agent_id": finding.agent_id,
            "output_id": finding.output_id,
            "difference": finding.kind,
            "field": finding.field,
            "done": Self::action(&finding, phase, &self.unfilled),
            "before": before,
        });
        control::record_event(tx, actor, "repair", &detail)?;
        capture::note_changed(tx, pair.table, key)?;
        mend::close(tx, pair.table, key, rowid)?;
        Ok(Done::Mended)
    }
}

/// Whether the legacy side is the one that the other is made equal to.
const fn legacy_leads(phase: Phase) -> bool {
    matches!(phase, Phase::TablesCreated | Phase::DualWrite)
}
