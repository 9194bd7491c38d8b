//! The spool from outside: scenarios, races, crashes.
