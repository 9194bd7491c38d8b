//! The cache from outside: scenarios, races, crashes.
