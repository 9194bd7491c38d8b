//! The spool from outside: scenarios, races, crashes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed helper is a failed test")]

mod beside;
mod desk;
mod fixture;
mod importing;
mod no_room;
mod pressure;
mod foreign;
mod random;
mod recovery;
mod writing;
