//! Runs as they are driven: roster, attempts, retries, deadlines, the verdict at the end, and going on after a crash.

mod detail;
mod event;
mod request;

pub use self::detail::{AgentState, AttemptDetails, Owner, RosterEntry, RunSettings};
pub use self::event::{AttemptEnd, Event};
pub use self::request::RunRequest;
