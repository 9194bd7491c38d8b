//! The client against servers on this machine that fail on purpose.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod answers;
mod classes;
mod routing;
mod scene;
mod streams;
mod walk;
