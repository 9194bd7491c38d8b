//! Times as people and as programs read them. All times of the state are milliseconds since 1970, UTC.

use std::time::Duration;

use jiff::Timestamp;

/// RFC 3339 with milliseconds, UTC; `None` for a time that no calendar has.
pub(crate) fn rfc3339(ms: i64) -> Option<String> {
    Timestamp::from_millisecond(ms).ok().map(|time| format!("{time:.3}"))
}

/// `2025-11-11 02:33:20`, UTC, for details.
pub(crate) fn absolute(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| "?".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// How long ago, in one unit: `12s`, `5m`, `3h`, `2d`. A time to come is `0s`.
pub(crate) fn ago(now_ms: i64, then_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(then_ms).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration on a clock's face: `0:12`, `1:02:03`.
pub(crate) fn clock(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A measured duration: `0.3 ms`, `4.1 s`.
pub(crate) fn took(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests;
