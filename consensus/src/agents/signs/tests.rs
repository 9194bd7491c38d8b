//! The wait that words ask for, and the class of words that no preset knows.

use std::time::Duration;

use conclave_retry::RETRY_AFTER_LIMIT;

use super::{class_of, wait_in};
use crate::agents::preset;

#[test]
fn words_may_ask_for_a_wait() {
    for (words, wanted) in [
        ("429 Too Many Requests, Retry-After: 30", Some(30_000)),
        (r#"{"retry-after": "7"}"#, Some(7_000)),
        ("rate limit reached; please try again in 1.898s.", Some(1_898)),
        ("Try again in 250ms", Some(250)),
        ("retry after 2 minutes", Some(120_000)),
        ("try again in 3 days", Some(3_600_000)),
        ("try again in 99999999999999999999999999 h", Some(3_600_000)),
        ("try again later", None),
        ("try again in a while", None),
        ("é retry after é", None),
        ("retry after", None),
        ("", None),
    ] {
        assert_eq!(wait_in(words), wanted.map(Duration::from_millis), "{words}");
    }
    assert_eq!(wait_in("retry after 1e9 h").map(|wait| wait <= RETRY_AFTER_LIMIT), Some(true));
}

#[test]
fn the_class_comes_from_the_most_telling_part() {
    let claude = preset("claude");
    for (status, words, wanted) in [
        (None, "API Error: 529 {\"type\":\"error\"}", "retryable (unavailable)"),
        (None, "API Error: 401 whatever", "permanent (denied)"),
        (Some(429), "slow down", "retryable (rate_limited)"),
        (Some(429), "slow down, retry after 5 seconds", "retryable (rate_limited, not before 5s)"),
        // What the preset knows comes before the status: a 400 may be an empty account.
        (Some(400), "Your credit balance is too low to access the API", "permanent (quota_exhausted)"),
        (Some(200), "connection refused", "retryable (connection)"),
        (None, "something else", "permanent (unknown)"),
    ] {
        assert_eq!(class_of(claude, Some(1), status, words).to_string(), wanted, "{words}");
    }
    assert_eq!(class_of(None, Some(41), None, "x").to_string(), "permanent (unknown)", "gemini's code alone");
}
