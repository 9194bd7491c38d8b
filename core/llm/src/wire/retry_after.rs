//! How long a server asks to wait: `retry-after-ms`, `retry-after`, else when a limit of its rates is filled again.

use std::time::Duration;

use conclave_retry::{RETRY_AFTER_LIMIT, retry_after};

/// The limits of a rate, whose `-remaining` and `-reset` tell when one is used up.
const RATES: [&str; 6] = [
    "anthropic-ratelimit-requests",
    "anthropic-ratelimit-tokens",
    "anthropic-ratelimit-input-tokens",
    "anthropic-ratelimit-output-tokens",
    "x-ratelimit-requests",
    "x-ratelimit-tokens",
];

/// The value of a header, whose name is given in lower case.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.trim())
}

/// What the server asks for in so many words, an hour at most. `now_ms` is the wall clock, ms since 1970.
pub(super) fn asked(headers: &[(String, String)], now_ms: i64) -> Option<Duration> {
    let milliseconds = header(headers, "retry-after-ms").and_then(milliseconds);
    milliseconds.or_else(|| retry_after(header(headers, "retry-after")?, now_ms))
}

/// A number, also a negative one (no wait); not "inf", "nan" and "1e300", which are numbers for Rust.
fn milliseconds(value: &str) -> Option<Duration> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    is_number.then(|| value.parse::<f64>().ok()).flatten().map(|number| from_ms(number.max(0.0)))
}

/// When the limits that are used up are filled again: the last of them, an hour at most.
pub(super) fn refilled(headers: &[(String, String)], now_ms: i64) -> Option<Duration> {
    let wait = |rate: &str| {
        // OpenAI puts the word in the middle: `x-ratelimit-remaining-requests`.
        let named = |word: &str| match rate.strip_prefix("x-ratelimit-") {
            Some(kind) => format!("x-ratelimit-{word}-{kind}"),
            None => format!("{rate}-{word}"),
        };
        let is_used_up = header(headers, &named("remaining"))?.parse::<f64>().ok()? <= 0.0;
        let reset = header(headers, &named("reset"))?;
        let wait = date(reset, now_ms).or_else(|| span(reset))?;
        is_used_up.then_some(wait.min(RETRY_AFTER_LIMIT))
    };
    RATES.iter().filter_map(|rate| wait(rate)).max()
}

/// Until a time as RFC 3339 writes it.
fn date(text: &str, now_ms: i64) -> Option<Duration> {
    let at = text.parse::<jiff::Timestamp>().ok()?.as_millisecond();
    Some(Duration::from_millis(u64::try_from(at.saturating_sub(now_ms)).unwrap_or(0)))
}

/// A length as Go writes it: `6m0s`, `1.5s`, `20ms`.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(end);
        let number = number.parse::<f64>().ok()?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        sum += number
            * match unit {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1_000.0,
                "ms" => 1.0,
                _ => return None,
            };
        rest = after;
    }
    (!text.is_empty()).then(|| from_ms(sum))
}

fn from_ms(milliseconds: f64) -> Duration {
    Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(RETRY_AFTER_LIMIT).min(RETRY_AFTER_LIMIT)
}
