//! `conclave migrate …`: the schema, legacy files, and the way from the legacy tables to the new ones.

mod backfill;
mod import;
mod pause;
mod repair;
mod status;
mod steps;
mod verify;

use conclave_consensus::migrate;
use conclave_db::Db;
use serde_json::json;

use super::args::{Migrate, MigrateLine};
use super::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::text::counted;

pub(super) fn run(context: &Context, line: MigrateLine) -> Result<Exit, Failure> {
    let dry_run = line.dry_run;
    match line.command {
        None => schema(context, dry_run),
        Some(Migrate::Import { files }) => import::run(context, &files, dry_run),
        Some(Migrate::Status) => status::run(context),
        Some(Migrate::Advance { to, skip_soak, confirm }) => {
            steps::advance(context, steps::Forward { to, skip_soak, confirm, dry_run })
        }
        Some(Migrate::Rollback { to }) => steps::rollback(context, to, dry_run),
        Some(Migrate::Verify) => verify::run(context, dry_run),
        Some(Migrate::Repair) => repair::run(context, dry_run),
        Some(Migrate::Backfill { limit }) => backfill::run(context, limit, dry_run),
        Some(Migrate::Pause) => pause::pause(context, dry_run),
        Some(Migrate::Resume) => pause::resume(context, dry_run),
    }
}

/// The machine-wide file to the current schema, where there is one that is behind: what only reads refuses it, and names
/// this command.
fn machine_wide(context: &Context, dry_run: bool) -> Result<(), Failure> {
    let machine = context.machine()?;
    if !machine.has_state() {
        return Ok(());
    }
    let plan = Db::plan(&machine.options()?).doing("look at the machine-wide file")?;
    if plan.steps.is_empty() {
        return Ok(());
    }
    let (done, from, to, steps) = if dry_run {
        ("would be migrated", plan.from, plan.to, plan.steps)
    } else {
        let db = context.open_machine()?;
        let migrated = db.migrated();
        ("migrated", migrated.from, migrated.to, migrated.applied.clone())
    };
    if !steps.is_empty() {
        let steps = steps.join(", ");
        context.output.notice(format!("the machine-wide file: {done} from schema {from} to {to}: {steps}"));
    }
    Ok(())
}

/// To the current schema.
fn schema(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let output = &context.output;
    machine_wide(context, dry_run)?;
    if dry_run {
        let plan = Db::plan(&context.project.options()?).doing("look at the state")?;
        if output.json {
            output.document(&json!({
                "from": plan.from, "to": plan.to, "steps": plan.steps, "rewrites": plan.rewrites, "dry_run": true,
            }))?;
        } else if plan.steps.is_empty() {
            output.print(format_args!("schema {} is current\n", plan.to))?;
        } else {
            let backup = if plan.rewrites { " (a verified backup comes first)" } else { "" };
            output.print(format_args!(
                "would migrate from schema {} to {}{backup}: {}\n",
                plan.from,
                plan.to,
                plan.steps.join(", ")
            ))?;
        }
        return Ok(Exit::Done);
    }
    let db = context.open()?;
    let migrated = db.migrated();
    if output.json {
        output.document(migrated)?;
    } else if migrated.applied.is_empty() {
        output.print(format_args!("schema {} is current; nothing to do\n", migrated.to))?;
    } else {
        let steps = migrated.applied.join(", ");
        output.print(format_args!("migrated from schema {} to {}: {steps}\n", migrated.from, migrated.to))?;
    }
    let left = migrate::status(&db).map_or(0, |status| status.backfill.remaining);
    if left > 0 {
        output.notice(format!(
            "{} to copy: conclave migrate backfill",
            counted(left, "legacy row", "legacy rows")
        ));
    }
    Ok(Exit::Done)
}

/// The state, for what changes it and has nothing to do where there is none.
fn existing(context: &Context, dry_run: bool) -> Result<Db, Failure> {
    if !context.project.has_state() {
        return Err(Failure::not_found("no state here").hint("conclave init"));
    }
    if dry_run {
        let db = context.project.open_read_only()?;
        return db.ok_or_else(|| Failure::not_found("no state here").hint("conclave init"));
    }
    context.open()
}
