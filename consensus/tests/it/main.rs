//! Black-box tests of consensus runs: import, backfill, reading, recording, export.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod backfill;
mod beside;
mod both_or_none;
mod branches;
mod byte_exact;
mod capture;
mod changing;
mod claims;
mod cleanup;
mod comparison;
mod control;
mod counting;
mod dual;
mod export;
mod golden;
mod import;
mod killed;
mod later;
mod mended;
mod old_files;
mod original;
mod parted;
mod phase_model;
mod phases;
mod phases_killed;
mod project;
mod random;
mod reading;
mod recording;
mod repair;
mod reverse;
mod rollback;
mod schema;
mod sides;
mod unlikely;
