//! Leases from outside, with real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod fixture;
mod holding;
mod processes;
mod queueing;
mod time;
