//! The SQL of this crate.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod bases;
pub(crate) mod blocked;
pub(crate) mod closing;
pub(crate) mod counting;
pub(crate) mod edges;
pub(crate) mod filter;
pub(crate) mod finding;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod holding;
pub(crate) mod inspecting;
pub(crate) mod lines;
pub(crate) mod listing;
mod parts;
pub(crate) mod predicates;
pub(crate) mod raw;
pub(crate) mod reading;
pub(crate) mod schema;
pub(crate) mod tasks;
