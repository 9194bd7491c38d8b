//! The one place that asks for the time.

use std::time::Instant;

/// Now, to measure with.
pub fn now() -> Instant {
    Instant::now()
}
