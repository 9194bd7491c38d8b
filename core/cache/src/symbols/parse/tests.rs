//! Garbage, and a clock that runs away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_retry::{Clock, SystemClock};

use super::NotParsed;
use crate::symbols::{Language, extract};

/// tree-sitter gives up by a function that calls itself: on the stack of a usual thread each of these ends the process.
#[test]
fn no_garbage_overflows_the_stack() {
    for (language, source) in
        [(Language::Rust, "<|>=&&{[(".repeat(150_000)), (Language::TypeScript, "{a:".repeat(350_000))]
    {
        let extracted = extract(language, source.as_bytes(), &SystemClock);
        assert!(!extracted.is_ok_and(|found| found.syntax_error.is_none()), "{language:?}");
    }
}

/// A second passes each time that somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Fast(AtomicU64);

impl Clock for Fast {
    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wall_ms(&self) -> i64 {
        0
    }
}

#[test]
fn a_parser_that_takes_too_long_is_stopped() {
    if !Language::Rust.is_built_in() {
        return;
    }
    let cut = extract(Language::Rust, "fn f() {}\n".repeat(1_000).as_bytes(), &Fast::default());
    assert_eq!(cut, Err(NotParsed::TooLong(Duration::from_secs(3))));
    assert_eq!(cut.unwrap_err().to_string(), "the parser did not get through it within 3 s: given up");
    let soon = extract(Language::Rust, b"fn f() {}\n", &Fast::default());
    assert!(soon.is_ok_and(|found| found.syntax_error.is_none()));
}

/// Each token makes the scanner read all that follows: it grew with the cube of the length.
#[test]
fn no_garbage_takes_for_ever() {
    for (language, source) in [
        (Language::Rust, "r#\"".repeat(40_000)),
        (Language::Go, "a[".repeat(500_000)),
        (Language::TypeScript, "a<".repeat(500_000)),
    ] {
        let begin = SystemClock.monotonic();
        let extracted = extract(language, source.as_bytes(), &SystemClock);
        assert!(!extracted.is_ok_and(|found| found.syntax_error.is_none()), "{language:?}");
        let took = SystemClock.monotonic().saturating_sub(begin);
        // Without a limit on time: minutes.
        assert!(took < Duration::from_mins(1), "{language:?}: {took:?}");
    }
}
