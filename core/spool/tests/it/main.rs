//! The spool from outside: scenarios, races, crashes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed helper is a failed test")]

mod desk;
mod fixture;
mod foreign;
mod importing;
mod no_room;
mod recovery;
mod writing;
