//! The one place that prints. Results go to stdout, everything else to stderr.

use std::fmt::Display;

/// A line of the result.
#[expect(clippy::print_stdout, reason = "the one place that prints")]
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// A line about what goes on.
#[expect(clippy::print_stderr, reason = "the one place that prints")]
pub(crate) fn note(text: impl Display) {
    eprintln!("{text}");
}
