//! The integration tests of tasks: real files, real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod changing;
mod claim_race;
mod claiming;
mod closing;
mod creating;
mod depending;
mod dispatching;
mod edits;
mod exporting;
mod faults;
mod git;
mod golden;
mod importing;
mod json;
mod killed;
mod older;
mod project;
mod real;
mod remarks;
mod spelled;
mod syncing;
mod work_killed;
mod work_model;
