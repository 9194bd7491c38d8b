//! How long a request may take (R8). What the configuration says wins over every number here.

use std::time::Duration;

use crate::host::{Dialect, Host};
use crate::transport::Limits;

/// To a machine of one's own network, and to the world.
const CONNECT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// To the first byte, the prompt's reading included.
const FIRST_BYTE: Duration = Duration::from_mins(2);

/// The same where Ollama has to load the model first: its own limit for that is five minutes (`OLLAMA_LOAD_TIMEOUT`),
/// and whoever gives up earlier makes it begin again (2.2, trap a).
const FIRST_BYTE_COLD: Duration = Duration::from_mins(5);

const IDLE: Duration = Duration::from_mins(1);
const TOTAL: Duration = Duration::from_mins(10);

/// All checks together.
pub(crate) const CHECK: Duration = Duration::from_secs(2);

/// The limits of a question. `is_cold`: whether the model may have to be loaded first.
pub(crate) fn limits(host: &Host, is_cold: bool, deadline: Option<Duration>) -> Limits {
    let total = host.timeouts.total.unwrap_or(TOTAL);
    let usual = if !host.stream {
        // Nothing comes before all is there.
        total
    } else if is_cold && host.dialect == Dialect::Ollama {
        FIRST_BYTE_COLD
    } else {
        FIRST_BYTE
    };
    Limits {
        connect: connect(host),
        first_byte: host.timeouts.first_byte.unwrap_or(usual),
        idle: host.timeouts.idle.unwrap_or(IDLE),
        total,
        deadline,
    }
}

/// The limits of a check.
pub(crate) fn of_check(host: &Host, left: Duration, deadline: Option<Duration>) -> Limits {
    let left = left.min(CHECK);
    Limits { connect: connect(host).min(left), first_byte: left, idle: left, total: left, deadline }
}

fn connect(host: &Host) -> Duration {
    let [near, far] = CONNECT;
    host.timeouts.connect.unwrap_or(if host.endpoint.is_private() { near } else { far })
}
