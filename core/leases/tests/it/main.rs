//! Leases from outside, with real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod ends_with_boot;
mod fixture;
mod holding;
