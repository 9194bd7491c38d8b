//! Black-box tests of consensus runs: import, backfill, reading, recording, export.

mod golden;
mod project;
