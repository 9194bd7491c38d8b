//! The SQL of this crate.

pub(crate) mod fences;
pub(crate) mod grants;
pub(crate) mod look;
pub(crate) mod schema;
pub(crate) mod waiters;
