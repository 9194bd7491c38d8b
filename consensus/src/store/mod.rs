//! All SQL of this crate.

pub(crate) mod back;
pub(crate) mod canonical;
pub(crate) mod capture;
pub(crate) mod changed;
pub(crate) mod chunk;
pub(crate) mod control;
pub(crate) mod copy;
pub(crate) mod counting;
pub(crate) mod dual;
pub(crate) mod mend;
mod parted;
pub(crate) mod reading;
pub(crate) mod record;
pub(crate) mod remade;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod shape;
pub(crate) mod sources;
pub(crate) mod verify;
pub(crate) mod workflow;
