//! The cache from outside: scenarios, races, crashes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed helper is a failed test")]

mod clearing;
mod fixture;
mod guard;
mod kills;
mod limits;
mod races;
mod room;
