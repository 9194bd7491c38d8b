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
mod distrust;
mod doctor;
mod exclusive;
mod faults;
mod fixture;
mod leftovers;
mod migrations;
mod opening;
mod paths;
mod pool;
mod power;
mod put_aside;
mod race;
mod reset;
mod restore;
mod slices;
mod transactions;
mod turn;
mod unwritable;
mod vacuum;
mod watch;
mod workload;
