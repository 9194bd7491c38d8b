//! The SQL of this crate.

pub(crate) mod audit;
pub(crate) mod blocked;
pub(crate) mod closing;
pub(crate) mod edges;
mod parts;
pub(crate) mod reading;
pub(crate) mod schema;
pub(crate) mod sync;
pub(crate) mod tasks;
