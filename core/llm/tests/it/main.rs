//! The client against servers on this machine that fail on purpose.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic is a failed test")]

mod answers;
mod cancel;
mod checks;
mod classes;
mod load;
mod reasons;
mod routing;
mod scene;
mod streams;
mod walk;
