//! The SQL of this crate.

pub(crate) mod blocks;
pub(crate) mod imports;
pub(crate) mod schema;
pub(crate) mod taken;
