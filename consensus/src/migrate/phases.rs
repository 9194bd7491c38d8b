//! The steps between the phases: one forward at a time, any number back.
//!
//! A step decides in the transaction that moves the phase: it reads the phase, the soak and the older programs'
//! writes there, after the last changed rows were compared. So of two processes that take the same step one does
//! it and the other is told, and whoever is killed leaves the old phase or the new one.

use std::path::PathBuf;

use conclave_db::{BulkWriter, Db, ReadConn, WriteTx};
use serde::Serialize;
use serde_json::json;

use super::cause::Cause;
use super::moves::{backward, forward, not_yet};
use super::remade;
use super::reverse::{self, ReverseOptions, ReversePlan};
use super::soak::{Seen, Soak};
use super::status::Facts;
use super::verify;
use super::{VerifyReport, cleanup, estimate};
use crate::error::{ConsensusError, Result};
use crate::import::Progress;
use crate::store::capture::{self, Capture, Fingerprint};
use crate::store::control::{self, Phase};
use crate::store::remade as gone;
use crate::store::{counting, schema};

/// How to take the next step.
#[derive(Debug, Clone, Default)]
pub struct AdvanceOptions {
    /// The phase to be reached, which must be the next one; the next one where absent.
    pub to: Option<u8>,
    /// Do not wait for the soak. That is recorded.
    pub skip_soak: bool,
    /// The last step drops the legacy tables, and wants this.
    pub confirm: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Who does it, for the record of events.
    pub actor: String,
    /// How long phases are soaked.
    pub soak: Soak,
}

/// How to go back.
#[derive(Debug, Clone, Default)]
pub struct RollbackOptions {
    /// The phase to go back to; the one before where absent.
    pub to: Option<u8>,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Who does it, for the record of events.
    pub actor: String,
    /// The clock of the soak that begins.
    pub soak: Soak,
}

/// What a step did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The phase before.
    pub from: u8,
    /// The phase after.
    pub phase: u8,
    /// The phase after, in words.
    pub phase_name: &'static str,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Whether the step may be taken, as far as is known without comparing.
    pub allowed: bool,
    /// What is missing for it.
    pub missing: Vec<String>,
    /// Whether it did not wait for the soak.
    pub skipped_soak: bool,
    /// What it consists of, in words.
    pub steps: Vec<String>,
    /// Rows that are compared, or copied back.
    pub rows: u64,
    /// Of the rows that were compared, legacy rows without their counterpart: in phase 1 the backfill may still be
    /// to come. Nothing else differs where a step forward was taken.
    pub missing_in_new: u64,
    /// How long it takes, about; only of a dry run.
    pub estimated_ms: Option<u64>,
    /// Room that it needs on the disk, about.
    pub disk_bytes: u64,
    /// What the way back from phase 4 copies, and what it cannot; only of a dry run.
    pub back: Option<ReversePlan>,
    /// The backup that the last step rests on.
    pub backup: Option<PathBuf>,
}

impl StepReport {
    /// What the comparison of a step forward found, in words.
    pub fn found(&self) -> String {
        match self.missing_in_new {
            0 => "all equal".to_owned(),
            missing => format!("{}: conclave migrate backfill", Cause::NotCopied(missing).words()),
        }
    }
}

/// How the transaction that was to move the phase ended.
enum Settled {
    Moved,
    Refused(ConsensusError),
}

/// Takes the next step. It compares both sides, and moves the phase in the transaction that compared the last
/// rows which changed meanwhile. Durable when this returns; refused, nothing is changed but what the comparison
/// found, which is kept.
///
/// # Errors
///
/// [`ConsensusError::Refused`] where something is missing for the step, or somebody else has taken it;
/// [`ConsensusError::Unsettled`] where rows change faster than they can be compared.
pub fn advance(db: &Db, options: &AdvanceOptions, progress: &mut dyn FnMut(Progress)) -> Result<StepReport> {
    let now = options.soak.moment(db.clock().wall_ms());
    let (facts, capture) = db.read(|conn| {
        let facts = Facts::read(conn, &options.soak, &now)?;
        let remaining = match facts.state.phase {
            Phase::DualWrite => counting::backfill_status(conn, &counting::counts(conn)?)?.remaining,
            _ => 0,
        };
        Ok::<_, ConsensusError>((facts.counted(conn, remaining)?, capture::state(conn)?))
    })?;
    let from = facts.state.phase;
    let to = forward(from, options.to)?;
    let mut report = StepReport {
        from: from.number(),
        phase: to.number(),
        phase_name: to.name(),
        missing: Vec::new(),
        skipped_soak: options.skip_soak && facts.soak.as_ref().is_some_and(|soak| !soak.passed),
        ..StepReport::default()
    };
    let unconfirmed = (to == Phase::CleanedUp && !options.confirm).then_some(Cause::Unconfirmed);
    let missing = facts.missing(options.skip_soak).into_iter().chain(unconfirmed.clone());
    report.missing = missing.map(|cause| cause.words()).collect();
    report.allowed = report.missing.is_empty();
    if options.dry_run {
        return plan_forward(db, report, capture);
    }
    // Open differences are looked for again: they may have been mended since.
    let stands = facts.stands.clone();
    let lasting: Vec<Cause> = facts.lasting(options.skip_soak).into_iter().chain(unconfirmed).collect();
    if !lasting.is_empty() {
        remember_soak(db, from, stands)?;
        return Err(not_yet(from, to, &lasting));
    }
    remade::make(db, &options.actor)?;
    if capture == Capture::Broken {
        put_triggers_on_again(db, &options.actor)?;
    }
    let dropped = if to == Phase::CleanedUp { Some(cleanup::backed_up(db, &options.actor)?) } else { None };
    report.backup = dropped.as_ref().map(|backed_up| backed_up.path.clone());
    let legacy = db.read(capture::fingerprint)?;
    let step = Step { from, to, options: options.clone(), legacy, backed_up: dropped };
    let (verified, settled) = verify::prove(db, progress, move |tx, found| step.settle(tx, found))?;
    (report.rows, report.missing_in_new) = (verified.checked, verified.missing_in_new);
    match settled {
        Settled::Moved => {
            if to == Phase::CleanedUp
                && let Err(error) = cleanup::forget_dropped(db)
            {
                // The step is done; `doctor` says what is left of it.
                tracing::warn!(%error, "failed to delete the rows of the dropped tables");
            }
            Ok(report)
        }
        Settled::Refused(why) => Err(why),
    }
}

/// A step that was begun.
struct Step {
    from: Phase,
    to: Phase,
    options: AdvanceOptions,
    legacy: Fingerprint,
    backed_up: Option<cleanup::BackedUp>,
}

impl Step {
    /// Moves the phase if everything still holds. A refusal commits what the comparison found.
    fn settle(&self, tx: &WriteTx<'_>, found: &VerifyReport) -> Result<Settled> {
        if let Some(why) = moved_meanwhile(tx, self.from)? {
            return Ok(Settled::Refused(why));
        }
        let now = self.options.soak.moment(tx.now_ms());
        let before = Facts::read(tx, &self.options.soak, &now)?;
        control::soak::keep(tx, &before.stands)?;
        control::findings::keep(tx, found)?;
        let mut missing = before.lasting(self.options.skip_soak);
        // A row that the backfill has not reached is no difference in what is mirrored.
        let differences = match self.from {
            Phase::TablesCreated => found.differences - found.missing_in_new.min(found.differences),
            _ => found.differences.max(control::pending(tx)?),
        };
        let refused = if self.from == Phase::TablesCreated { 0 } else { found.refused };
        missing.extend(Cause::open(differences, refused));
        if capture::fingerprint(tx)? != self.legacy {
            missing.push(Cause::Altered);
        }
        if self.backed_up.as_ref().is_some_and(|backed_up| backed_up.writes != before.older.all) {
            missing.push(Cause::StaleBackup);
        }
        if !missing.is_empty() {
            return Ok(Settled::Refused(not_yet(self.from, self.to, &missing)));
        }
        let mut detail = json!({
            "checked": found.checked,
            "differences": found.differences,
            "soak_ms": before.soak.as_ref().map(|soak| soak.passed_ms),
            "skipped_soak": self.options.skip_soak && before.soak.is_some_and(|soak| !soak.passed),
            "older_writes": before.older.all,
        });
        if let (Some(backed_up), Some(detail)) = (&self.backed_up, detail.as_object_mut()) {
            detail.insert("backup".into(), backed_up.path.to_string_lossy().into());
            control::cleanup::drop_legacy_tables(tx)?;
        }
        control::set_phase(tx, self.to, &self.options.actor, &now, detail)?;
        Ok(Settled::Moved)
    }
}

/// Goes back. From phase 4 the rows that are in the new tables alone are copied first, and the phase moves with
/// the last of them. New tables that somebody has dropped are made anew, unless rows that the legacy side has not got
/// would go with them. Durable when this returns; killed or paused before, it is still the old phase, and the next
/// call goes on.
///
/// # Errors
///
/// [`ConsensusError::Refused`] where there is no way back, or somebody else has moved the phase;
/// [`ConsensusError::Paused`] once somebody has paused it; [`ConsensusError::Unsettled`] where rows change faster than
/// they can be copied.
pub fn rollback(
    db: &Db,
    options: &RollbackOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<StepReport> {
    let (from, lost) =
        db.read(|conn| Ok::<_, ConsensusError>((control::phase(conn)?, schema::missing_tables(conn)?)))?;
    let to = backward(from, options.to)?;
    let mut report = StepReport {
        from: from.number(),
        phase: to.number(),
        phase_name: to.name(),
        allowed: true,
        ..StepReport::default()
    };
    let irreplaceable = db.read(|conn| irreplaceable(conn, from, &lost))?;
    if options.dry_run {
        report.missing.extend(irreplaceable);
        report.allowed = report.missing.is_empty();
        return plan_back(db, report, from, &lost);
    }
    if let Some(what) = irreplaceable {
        return Err(ConsensusError::refused(
            format!("the step back from phase {} is refused, missing: {what}", from.number()),
            Some("`conclave db restore` brings back a backup that has them"),
        ));
    }
    if !lost.is_empty() {
        make_tables_anew(db, &options.actor, from, &lost)?;
    }
    remade::make(db, &options.actor)?;
    if db.read(capture::state)? == Capture::Broken {
        put_triggers_on_again(db, &options.actor)?;
    }
    let (actor, soak) = (options.actor.clone(), options.soak.clone());
    let settle = move |tx: &WriteTx<'_>| {
        if let Some(why) = moved_meanwhile(tx, from)? {
            return Ok(Settled::Refused(why));
        }
        let now = soak.moment(tx.now_ms());
        let state = control::state(tx)?;
        let mut detail = json!({
            "differences": state.differences,
            "older_writes": control::older::writes(tx)?.all,
        });
        // The way back ends in this transaction: it has just said how many rows it copied.
        if from == Phase::NewOnly
            && let Some(copied) = control::newest_event(tx, "copy-back")?
        {
            detail["copy_back"] = copied;
        }
        control::set_phase(tx, to, &actor, &now, detail)?;
        Ok(Settled::Moved)
    };
    let settled = if from == Phase::NewOnly {
        let reverse_options = ReverseOptions { actor: options.actor.clone(), ..ReverseOptions::default() };
        let (copied, settled) = reverse::run(db, &reverse_options, progress, settle)?;
        report.rows = copied.copied;
        settled
    } else {
        db.write("go back", settle)?
    };
    match settled {
        Settled::Moved => Ok(report),
        Settled::Refused(why) => Err(why),
    }
}

/// Somebody has looked at the soak: stored, what has passed of it outlives this boot of the machine.
fn remember_soak(db: &Db, phase: Phase, stands: Seen) -> Result<()> {
    db.write("look at the soak", move |tx| {
        if control::phase(tx)? == phase && control::soak::seen(tx)?.since == stands.since {
            control::soak::keep(tx, &stands)?;
        }
        Ok(())
    })
}

/// Why a step from `from` is none any more.
fn moved_meanwhile(tx: &WriteTx<'_>, from: Phase) -> Result<Option<ConsensusError>> {
    let phase = control::phase(tx)?;
    Ok((phase != from).then(|| {
        let why = format!(
            "somebody else has moved the migration from phase {} to {} meanwhile",
            from.number(),
            phase.number()
        );
        ConsensusError::refused(why, Some("`conclave migrate status` shows where it is"))
    }))
}

/// What older programs wrote while triggers were missing shows in the comparison that follows.
fn put_triggers_on_again(db: &Db, actor: &str) -> Result<()> {
    let mut bulk = BulkWriter::open(db, None)?;
    bulk.write(|tx| {
        if capture::state(tx)? == Capture::Broken {
            capture::install(tx)?;
            control::record_event(tx, actor, "capture", &json!({"triggers": "put on again"}))?;
        }
        Ok::<_, ConsensusError>(())
    })?;
    Ok(())
}

/// What a way back would need of the new tables that are gone, if the legacy side has not got it: from phase 4 on
/// that cannot be known, before it is what is left in the others.
fn irreplaceable(conn: &ReadConn<'_>, from: Phase, lost: &[&'static str]) -> Result<Option<String>> {
    if from >= Phase::NewOnly && !lost.is_empty() {
        return Ok(Some(format!("{}, which alone has what phase 4 wrote", lost.join(", "))));
    }
    Ok(match schema::lost_with(conn, lost)? {
        0 => None,
        1 => Some("consensus_runs, for 1 row that only the new tables have".to_owned()),
        rows => Some(format!("consensus_runs, for {rows} rows that only the new tables have")),
    })
}

/// New tables that are gone are made again, empty: where the legacy side has every row, going back to it loses
/// nothing, and the backfill fills them.
fn make_tables_anew(db: &Db, actor: &str, from: Phase, lost: &[&'static str]) -> Result<()> {
    let mut bulk = BulkWriter::open(db, None)?;
    bulk.write(|tx| {
        // Somebody may have written meanwhile.
        if let Some(what) = irreplaceable(tx, from, lost)? {
            return Err(ConsensusError::refused(what, None));
        }
        schema::make_anew(tx, lost)?;
        control::record_event(tx, actor, "tables", &json!({"made anew": lost}))
    })?;
    Ok(())
}

fn plan_forward(db: &Db, mut report: StepReport, capture: Capture) -> Result<StepReport> {
    let (rows, estimated_ms) = estimate::comparison(db)?;
    for table in db.read(gone::missing)? {
        report.steps.push(format!("make {table} again, with its rows"));
    }
    if capture == Capture::Broken {
        report.steps.push("put the capture triggers on again".into());
    }
    if report.phase == Phase::CleanedUp.number() {
        let stats = conclave_db::stats(db)?;
        report.disk_bytes = stats.total_bytes();
        report.steps.push("write a verified backup".into());
    }
    report.steps.push("compare both sides".into());
    if report.phase == Phase::CleanedUp.number() {
        report.steps.push("drop the three legacy tables and their triggers".into());
    }
    report.steps.push(format!("begin phase {}", report.phase));
    (report.dry_run, report.rows, report.estimated_ms) = (true, rows, Some(estimated_ms));
    Ok(report)
}

fn plan_back(db: &Db, mut report: StepReport, from: Phase, lost: &[&'static str]) -> Result<StepReport> {
    if !lost.is_empty() {
        report.steps.push(format!("make anew, empty: {}", lost.join(", ")));
    }
    for table in db.read(gone::missing)? {
        report.steps.push(format!("make {table} again, with its rows"));
    }
    // Without the new tables there is nothing to count.
    if from == Phase::NewOnly && lost.is_empty() {
        let plan = reverse::plan(db)?;
        report.rows = plan.rows;
        report.disk_bytes = estimate::room(db, plan.rows)?;
        report.steps.push("copy the rows that only the new tables have to the legacy tables".into());
        report.back = Some(plan);
    }
    report.steps.push(format!("begin phase {}", report.phase));
    (report.dry_run, report.estimated_ms) = (true, Some(estimate::copying(report.rows)));
    Ok(report)
}
