//! Leases from outside, with real processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed helper is a failed test")]

mod carry;
mod ends_with_boot;
mod file_guard;
mod fixture;
mod holding;
mod power;
mod processes;
mod protocol;
mod queueing;
mod random;
mod time;
