//! The shared state with injected clocks: one process, several that are made up, and real ones.

mod file;
pub(crate) mod fixture;
mod hosts;
mod load;
mod presence;
mod processes;
