//! The steps of the migration, and pausing its long work.

use conclave_consensus::migrate::{self, AdvanceOptions, Paused, RepairOptions, RollbackOptions};

use super::Shared;
use crate::failure::{Doing, Failure};
use crate::project::Project;
use crate::text::{count, counted};
use crate::times;
use crate::ui::message::Outcome;

/// How far the work is: done, all, of what.
type Told<'told> = dyn FnMut(u64, u64, &'static str) + 'told;

pub(super) fn advance(
    shared: &Shared,
    project: &Project,
    confirm: bool,
    progress: &mut Told<'_>,
) -> Result<Outcome, Failure> {
    let options = AdvanceOptions {
        confirm,
        actor: shared.actor.clone(),
        soak: project.config.soak(),
        ..AdvanceOptions::default()
    };
    let db = project.open()?;
    let report = migrate::advance(&db, &options, &mut |at| progress(at.done_rows, at.total_rows, at.phase))
        .doing("advance")?;
    let rows = counted(report.rows, "row", "rows");
    let found = report.found();
    Ok(Outcome::Said(format!("phase {} {}: {rows} compared, {found}", report.phase, report.phase_name)))
}

pub(super) fn roll_back(
    shared: &Shared,
    project: &Project,
    progress: &mut Told<'_>,
) -> Result<Outcome, Failure> {
    let options = RollbackOptions {
        actor: shared.actor.clone(),
        soak: project.config.soak(),
        ..RollbackOptions::default()
    };
    let db = project.open()?;
    let report = migrate::rollback(&db, &options, &mut |at| progress(at.done_rows, at.total_rows, at.phase))
        .doing("roll back")?;
    let rows = counted(report.rows, "row", "rows");
    Ok(Outcome::Said(format!("back in phase {} {}: {rows} copied back", report.phase, report.phase_name)))
}

pub(super) fn repair(
    shared: &Shared,
    project: &Project,
    progress: &mut Told<'_>,
) -> Result<Outcome, Failure> {
    let options = RepairOptions { dry_run: false, actor: shared.actor.clone() };
    let db = project.open()?;
    let report = migrate::repair(&db, &options, &mut |at| progress(at.done_rows, at.total_rows, at.phase))
        .doing("repair")?;
    let repaired = counted(report.repaired, "row", "rows");
    let mut said = format!("repair: {repaired} made equal, {} left", count(report.left));
    if let Some(advice) = report.advice() {
        said = format!("{said}: {advice}");
    }
    Ok(Outcome::Said(said))
}

/// Pauses, or lets go on. Runs beside other work.
pub(super) fn pause(shared: &Shared, pauses: bool) -> Result<Outcome, Failure> {
    let db = shared.project().open()?;
    let said = if pauses {
        let (Paused { by, at }, _) = migrate::pause(&db, &shared.actor).doing("pause")?;
        format!("paused by {by} {}; `P` lets it go on", times::absolute(at))
    } else if migrate::resume(&db, &shared.actor).doing("resume")? {
        "no longer paused: start the work again".to_owned()
    } else {
        "was not paused".to_owned()
    };
    Ok(Outcome::Said(said))
}
