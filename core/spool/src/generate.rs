//! Sample events, for trying the spool out.

use conclave_retry::Clock;

use crate::monitor::MonitorName;

/// Makes events of a monitor, one JSON line each (no newline), with ids that are ULIDs and rise.
#[derive(Debug)]
pub struct Sample {}

impl Sample {
    /// Events of this monitor in one session.
    pub fn of(monitor: &MonitorName, clock: &dyn Clock) -> Self {
        let _ = (monitor, clock);
        todo!("s1")
    }

    /// The next one.
    pub fn line(&mut self, clock: &dyn Clock) -> String {
        let _ = clock;
        todo!("s1")
    }
}
