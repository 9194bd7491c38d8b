//! The SQL of this crate.

pub(crate) mod agents;
pub(crate) mod schema;
