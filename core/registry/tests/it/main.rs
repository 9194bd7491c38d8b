//! The registry from outside, with real processes.
