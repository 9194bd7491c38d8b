//! The SQL of this crate.

pub(crate) mod counters;
pub(crate) mod entries;
pub(crate) mod schema;
