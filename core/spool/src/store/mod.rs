//! The SQL of this crate.

pub(crate) mod drops;
pub(crate) mod quota;
pub(crate) mod schema;
pub(crate) mod trimmed;
