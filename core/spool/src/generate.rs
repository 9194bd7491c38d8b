//! Sample events, for trying the spool out.

use conclave_retry::Clock;

use crate::monitor::MonitorName;

/// Crockford's base 32: no I, L, O, U (https://github.com/ulid/spec).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_BITS: u32 = 80;

/// Makes events of a monitor, one JSON line each (no newline), with ids that are ULIDs and rise.
#[derive(Debug)]
pub struct Sample {
    monitor: MonitorName,
    session: String,
    ids: Ids,
}

impl Sample {
    /// Events of this monitor in one session.
    pub fn of(monitor: &MonitorName, clock: &dyn Clock) -> Self {
        let mut ids = Ids::default();
        Self { monitor: monitor.clone(), session: ids.next(clock.wall_ms()), ids }
    }

    /// The next one.
    pub fn line(&mut self, clock: &dyn Clock) -> String {
        let now = clock.wall_ms();
        let (action, subject_type, attributes) = of_monitor(self.monitor.as_str());
        let event = Event {
            id: self.ids.next(now),
            ts_utc: now,
            monitor: self.monitor.as_str(),
            session_id: &self.session,
            action,
            subject_type,
            attrs_json: attributes,
        };
        // Strings and a number: this cannot fail.
        serde_json::to_string(&event).unwrap_or_default()
    }
}

/// The keys that an event must have, and one that it may.
#[derive(serde::Serialize)]
struct Event<'s> {
    id: String,
    ts_utc: i64,
    monitor: &'s str,
    session_id: &'s str,
    action: &'s str,
    subject_type: &'s str,
    attrs_json: &'s str,
}

/// What such a monitor sees: an action, what kind of thing it is done to, and more about it, as JSON.
fn of_monitor(monitor: &str) -> (&'static str, &'static str, &'static str) {
    match monitor {
        "active_window" => ("window_focus", "window", r#"{"duration_ms": 1200}"#),
        "agent" => ("output", "none", r#"{"text": "a sample"}"#),
        "browser" => ("page_visit", "url", r#"{"tab_count": 4}"#),
        "context_snapshot" => ("snapshot", "none", r#"{"windows": 3}"#),
        "file" => ("file_modified", "file", r#"{"size_bytes": 2048}"#),
        "heartbeat" => ("heartbeat", "none", r#"{"uptime_s": 60}"#),
        "keyboard" => ("key_press", "none", r#"{"keys_per_minute": 45, "special_keys": 3}"#),
        "mouse" => ("click", "none", r#"{"button": "left", "clicks": 1}"#),
        _ => ("sample", "none", "{}"),
    }
}

/// ULIDs that rise: 48 bits of time, then 80 that are random, and one more than before within a millisecond.
#[derive(Debug, Default)]
struct Ids {
    last: u128,
}

impl Ids {
    fn next(&mut self, wall_ms: i64) -> String {
        let time = u128::from(u64::try_from(wall_ms).unwrap_or(0) & 0xffff_ffff_ffff) << RANDOM_BITS;
        let mut bytes = [0; 16];
        // Without randomness it is 0, and ids still rise.
        let random = match getrandom::fill(&mut bytes) {
            Ok(()) => u128::from_le_bytes(bytes) & ((1 << RANDOM_BITS) - 1),
            Err(_) => 0,
        };
        // Half of the random room is left to count on in.
        let fresh = time | random >> 1;
        let same_or_earlier = time >> RANDOM_BITS <= self.last >> RANDOM_BITS && self.last > 0;
        self.last = if same_or_earlier { self.last.wrapping_add(1) } else { fresh };
        let digit = |place: u32| DIGITS[usize::try_from(self.last >> (5 * place) & 31).unwrap_or(0)];
        (0..26).rev().map(|place| char::from(digit(place))).collect()
    }
}

#[cfg(test)]
mod tests;
