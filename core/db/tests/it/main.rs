//! Black-box tests of the durable layer, with real files.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod backup;
mod ballast;
mod checkpoint;
mod crash;
mod daemon;
mod distrust;
mod doctor;
mod exclusive;
mod fixture;
mod leftovers;
mod migrations;
mod opening;
mod paths;
mod pool;
mod race;
mod restore;
mod slices;
mod transactions;
mod turn;
mod unwritable;
mod vacuum;
mod watch;
