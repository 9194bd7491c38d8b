//! Black-box tests of consensus runs: import, backfill, reading, recording, export.

mod backfill;
mod byte_exact;
mod comparison;
mod export;
mod golden;
mod import;
mod killed;
mod later;
mod old_files;
mod project;
mod reading;
mod recording;
mod schema;
