//! The shared state with injected clocks: one process, and several that are made up.

mod fixture;
mod hosts;
