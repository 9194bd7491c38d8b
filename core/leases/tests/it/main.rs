//! Leases from outside, with real processes.
