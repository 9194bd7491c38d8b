//! The SQL of this crate.

pub(crate) mod drops;
pub(crate) mod events;
pub(crate) mod ledger;
pub(crate) mod quota;
pub(crate) mod schema;
pub(crate) mod segments;
pub(crate) mod trimmed;
