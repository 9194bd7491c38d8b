//! The SQL of this crate.

pub(crate) mod schema;
