//! Runs as they are driven: roster, attempts, retries, deadlines, the verdict at the end, and going on after a crash.

mod event;
mod request;

pub use self::event::{AttemptEnd, Event};
pub use self::request::RunRequest;
