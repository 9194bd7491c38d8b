//! Black-box tests of the durable layer, with real files.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test; clippy only knows functions marked as tests")]

mod backup;
mod crash;
mod fixture;
mod migrations;
mod opening;
mod paths;
mod pool;
mod race;
mod transactions;
mod vacuum;
mod watch;
