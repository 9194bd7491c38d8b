//! Black-box tests of consensus runs: import, backfill, reading, recording, export.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod backfill;
mod both_or_none;
mod byte_exact;
mod capture;
mod claims;
mod comparison;
mod counting;
mod dual;
mod export;
mod golden;
mod import;
mod killed;
mod later;
mod mended;
mod old_files;
mod project;
mod reading;
mod recording;
mod schema;
mod sides;
mod unlikely;
