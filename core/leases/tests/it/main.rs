//! Leases from outside, with real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod carry;
mod file_guard;
mod fixture;
mod holding;
mod queueing;
mod time;
