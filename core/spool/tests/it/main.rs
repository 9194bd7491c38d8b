//! The spool from outside: scenarios, races, crashes.
#![expect(clippy::unwrap_used, reason = "a failed helper is a failed test")]

mod beside;
mod desk;
mod fixture;
mod foreign;
mod importing;
mod looking;
mod no_room;
mod pressure;
mod random;
mod recovery;
mod tampered;
mod writing;
