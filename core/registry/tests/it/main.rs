//! The registry from outside, with real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod files;
mod ports;
mod ports_race;
