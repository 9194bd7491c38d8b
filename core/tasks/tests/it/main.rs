//! The integration tests of tasks: real files, real processes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod edits;
mod json;
mod real;
mod spelled;
