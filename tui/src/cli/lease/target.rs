//! Which leases: those of the project, or with `--global` those of the machine.

use conclave_db::Db;
use conclave_leases::Leases;

use super::args::Place;
use super::refusal::Refusal;
use crate::cli::context::Context;
use crate::failure::Doing as _;

/// Opens them to be changed; where there is no file it is made.
pub(super) fn open(context: &Context, place: Place) -> Result<(Leases, Db), Refusal> {
    let db = if place.global { context.machine()?.open()? } else { context.open()? };
    Ok((Leases::new(db.clone()).doing("open the leases")?, db))
}

/// Opens those that are there; nothing is held where there is no file, and none is made.
pub(super) fn open_existing(context: &Context, place: Place) -> Result<Option<(Leases, Db)>, Refusal> {
    let there = if place.global { context.machine()?.has_state() } else { context.project.has_state() };
    if there { open(context, place).map(Some) } else { Ok(None) }
}

/// Opens them to be read; `None` where there is no file, which is said. Creates nothing.
pub(super) fn open_read_only(context: &Context, place: Place) -> Result<Option<(Leases, Db)>, Refusal> {
    let db = if place.global {
        let db = context.machine()?.open_read_only()?;
        match &db {
            Some(db) => context.say_how_it_is_read(db),
            None => context.output.notice("no machine-wide state here"),
        }
        db
    } else {
        context.open_read_only()?
    };
    let Some(db) = db else { return Ok(None) };
    Ok(Some((Leases::new(db.clone()).doing("open the leases")?, db)))
}
