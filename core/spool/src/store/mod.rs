//! The SQL of this crate.

pub(crate) mod events;
pub(crate) mod ledger;
pub(crate) mod schema;
pub(crate) mod segments;
