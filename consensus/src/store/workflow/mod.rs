//! What the workflow stores: settings and roster of a run, its attempts' details, verdicts, gates, pipelines.
//!
//! What the legacy schema has a place for goes by way of [`super::record`] to the sides that the phase asks for, in
//! the same transaction; the tables of version 101 are on the new side alone, in every phase.

mod attempts;
mod begin;
mod close;
mod delete;
mod owner;
mod reading;

pub(crate) use self::attempts::{
    AttemptEnded, IN_WORDS, Past, REPAIR, Spawned, answer, ended, lost, past, spawn, started,
};
pub(crate) use self::begin::{NewRun, begin, find};
pub(crate) use self::close::{Closed, close, closed, material, seen};
pub(crate) use self::delete::{dangling, delete};
pub(crate) use self::owner::{
    Taken, cancel, driven, is_cancelled, left_by, release, standing, take, unfinished,
};
pub(crate) use self::reading::{
    Driven, answered, answers, details, driven_run, has_answered, must_be_there, roster,
};

pub(crate) mod gates;
pub(crate) mod pipelines;

/// The tables of version 101.
pub(crate) const SQL: &str = include_str!("schema.sql");

use conclave_db::sql::Error;

/// JSON that we stored ourselves, which somebody may have changed since.
fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text)
        .map_err(|error| Error::FromSqlConversionFailure(0, conclave_db::sql::Type::Text, Box::new(error)))
}
