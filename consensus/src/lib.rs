//! Consensus runs: one question, several agents, every answer kept.
//!
//! A run is (run key, spec, stage) and has one row; its outputs, attempts and syntheses hang on it by id. The
//! crate promises that what a legacy database holds arrives byte for byte, that an import or a backfill may be
//! killed anywhere and goes on exactly, and that doing either again changes nothing. It does not repair what it
//! reads: invalid JSON, unknown times and repeated agents are kept, flagged and counted.
//!
//! It fails with [`ConsensusError`], whose kind says whether the storage, the input or the caller is the cause.
//! All SQL of this crate stands in `store/`; all times are milliseconds since 1970, UTC, absent when unknown.

pub mod agents;
pub mod answer;
pub mod canonical;
pub mod child;
pub mod error;
pub mod export;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gates;
pub mod golden;
pub mod import;
pub mod migrate;
pub mod names;
pub mod record;
pub mod runs;
pub mod shadow;
pub mod stages;
mod store;
pub mod synthesis;
mod time;
pub mod transcripts;
pub mod verdict;
pub mod workflow;

pub use error::{ConsensusError, ConsensusErrorKind, Result};
pub use store::schema::{LEGACY_TABLES, MIGRATIONS};
