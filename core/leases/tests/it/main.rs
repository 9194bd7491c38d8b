//! Leases from outside, with real processes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed helper is a failed test")]

mod ends_with_boot;
mod fixture;
mod holding;
mod keeping;
mod processes;
mod protocol;
mod queueing;
mod random;
mod time;
