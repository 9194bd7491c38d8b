//! The `Retry-After` field of an HTTP answer (RFC 9110, section 10.2.3).

use std::time::{Duration, UNIX_EPOCH};

/// The longest wait that is taken from a field; a longer one counts as this.
///
/// A server that is sent away for a day by a broken clock or a typing error should be asked again before that.
pub const RETRY_AFTER_LIMIT: Duration = Duration::from_hours(1);

/// The wait that a `Retry-After` field asks for, from `now_ms` (wall clock, milliseconds since 1970) on.
///
/// Takes seconds (also with a fraction) and the three date forms of HTTP. What lies in the past or is negative is
/// no wait, what is above [`RETRY_AFTER_LIMIT`] is cut to it, and what cannot be read is `None`.
///
/// ```
/// use conclave_retry::retry_after;
/// use std::time::Duration;
///
/// let now_ms = 1_792_567_675_000; // 2026-10-21T07:27:55Z
/// assert_eq!(retry_after("5", now_ms), Some(Duration::from_secs(5)));
/// assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT", now_ms), Some(Duration::from_secs(5)));
/// assert_eq!(retry_after("soon", now_ms), None);
/// ```
pub fn retry_after(value: &str, now_ms: i64) -> Option<Duration> {
    let value = value.trim();
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => until_date(value, now_ms)?,
    };
    Some(wait.min(RETRY_AFTER_LIMIT))
}

/// A decimal number of seconds. Not `f64::from_str` alone, which also takes "inf", "nan" and "1e300".
fn seconds(value: &str) -> Option<Duration> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: f64 = value.parse().ok()?;
    // Out of the range of Duration: as far in the past or in the future as can be.
    let extreme = if number < 0.0 { Duration::ZERO } else { Duration::MAX };
    Some(Duration::try_from_secs_f64(number).unwrap_or(extreme))
}

fn until_date(value: &str, now_ms: i64) -> Option<Duration> {
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
    // A clock before 1970 knows nothing: then any date is beyond the limit.
    let now = Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    Some(date.saturating_sub(now))
}

#[cfg(test)]
mod tests;
