//! The spool from outside: scenarios, races, crashes.

mod fixture;
mod no_room;
mod writing;
