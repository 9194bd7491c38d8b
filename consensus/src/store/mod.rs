//! All SQL of this crate.

pub(crate) mod canonical;
pub(crate) mod schema;
