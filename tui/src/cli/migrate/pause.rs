//! `conclave migrate pause` and `conclave migrate resume`

use conclave_consensus::migrate::{self, Paused};
use serde_json::json;

use super::existing;
use crate::cli::context::Context;
use crate::failure::{Doing, Exit, Failure};
use crate::times;

pub(super) fn pause(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let db = existing(context, dry_run)?;
    let output = &context.output;
    if dry_run {
        let paused = migrate::status(&db).doing("read the migration")?.paused;
        return tell(context, paused.as_ref(), "would pause");
    }
    let (paused, first) = migrate::pause(&db, &context.actor).doing("pause")?;
    if output.json {
        output.document(&json!({ "paused": paused }))?;
    } else if first {
        output.print(
            "paused: a backfill or a way back ends before its next chunk, a repair before its next row\n",
        )?;
    } else {
        return tell(context, Some(&paused), "");
    }
    Ok(Exit::Done)
}

pub(super) fn resume(context: &Context, dry_run: bool) -> Result<Exit, Failure> {
    let db = existing(context, dry_run)?;
    if dry_run {
        let paused = migrate::status(&db).doing("read the migration")?.paused;
        if context.output.json {
            return tell(context, paused.as_ref(), "");
        }
        context.output.print(match paused {
            Some(Paused { by, at }) => {
                format!("would let it go on: paused by {by} at {}\n", times::absolute(at))
            }
            None => "was not paused\n".to_owned(),
        })?;
        return Ok(Exit::Done);
    }
    let was_paused = migrate::resume(&db, &context.actor).doing("resume")?;
    if context.output.json {
        context.output.document(&json!({ "paused": null, "was_paused": was_paused }))?;
    } else if was_paused {
        context.output.print("no longer paused: start the work again\n")?;
    } else {
        context.output.print("was not paused\n")?;
    }
    Ok(Exit::Done)
}

fn tell(context: &Context, paused: Option<&Paused>, otherwise: &str) -> Result<Exit, Failure> {
    if context.output.json {
        context.output.document(&json!({ "paused": paused }))?;
    } else {
        match paused {
            Some(Paused { by, at }) => {
                context.output.print(format_args!("paused by {by} at {}\n", times::absolute(*at)))?;
            }
            None => context.output.print(format_args!("{otherwise}\n"))?,
        }
    }
    Ok(Exit::Done)
}
