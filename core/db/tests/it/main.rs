//! Black-box tests of the durable layer, with real files.

mod backup;
mod fixture;
mod migrations;
mod opening;
mod paths;
mod pool;
mod transactions;
mod watch;
