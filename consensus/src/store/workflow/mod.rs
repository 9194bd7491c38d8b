//! What the workflow stores: settings and roster of a run, its attempts' details, verdicts, gates, pipelines.

pub(crate) mod gates;

/// The tables of version 101.
pub(crate) const SQL: &str = include_str!("schema.sql");
