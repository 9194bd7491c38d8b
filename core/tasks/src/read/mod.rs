//! What is there: read in one snapshot each, nothing is written. Limits are at least 1; `None` is all.
//!
//! Wherever a status is asked for or shown it is the effective one: a claim that has expired counts as open.

mod audit;
mod detail;
mod find;
mod graph;
mod list;
mod ready;
mod search;
mod stats;

pub use audit::{AttemptOutcome, AttemptRow, AuditRow, attempts, audit, conflicts};
pub use detail::{Detail, Neighbour, show};
pub use find::find;
pub(crate) use graph::cycles_in;
pub use graph::{Cycle, Direction, Tree, cycles, tree};
pub use list::{ListQuery, TaskRow, list};
pub use ready::{BlockedRow, Blocker, ReadyQuery, Semantics, Sort, blocked, ready};
pub use search::search;
pub use stats::{Counts, Stats, counts, stats};
