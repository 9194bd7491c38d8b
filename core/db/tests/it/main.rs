//! Black-box tests of the durable layer, with real files.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests are tests too"
)]

mod backup;
mod ballast;
mod checkpoint;
mod crash;
mod daemon;
mod doctor;
mod faults;
mod fixture;
mod migrations;
mod opening;
mod paths;
mod pool;
mod power;
mod race;
mod restore;
mod transactions;
mod vacuum;
mod watch;
mod workload;
