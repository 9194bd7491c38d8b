//! The last resort: errors that are nothing but words.
//!
//! Words are compared whole, never as parts of others, and only in phrases that say something by themselves: "lock",
//! "busy", "auth" and bare numbers occur in the names of files and in sizes. Phrases of permanent errors are looked
//! for first, so that a text with both is not repeated.

use super::{PERMANENT_PHRASES, RETRYABLE_PHRASES, http_status};
use crate::classify::{ErrorClass, PermanentReason};

/// Stands for the beginning, the end and the punctuation between the clauses of a text.
const BREAK: &str = "|";

/// The class of an error of which only the text is known. Case does not matter.
///
/// ```
/// use conclave_retry::error_text;
///
/// assert!(error_text("database is locked").is_retryable());
/// assert!(error_text("HTTP 503: try later").is_retryable());
/// assert!(!error_text("SPEC-KIT-503 validation failed").is_retryable());
/// ```
pub fn error_text(text: &str) -> ErrorClass {
    let text = text.to_lowercase();
    let words = words(&text);
    let holds = |phrases: &[&str]| phrases.iter().any(|phrase| contains(&words, phrase));
    if let Some((reason, _)) = PERMANENT_PHRASES.iter().find(|(_, phrases)| holds(phrases)) {
        return ErrorClass::permanent(*reason);
    }
    if let Some(status) = status(&words) {
        return http_status(status);
    }
    match RETRYABLE_PHRASES.iter().find(|(_, phrases)| holds(phrases)) {
        Some((reason, _)) => ErrorClass::retryable(*reason),
        None => ErrorClass::permanent(PermanentReason::Unknown),
    }
}

/// The words of a text with a [`BREAK`] at each edge of a clause.
///
/// `-`, `.`, `/` and `_` join, so that `SPEC-KIT-503`, `author.rs` and `--timeout` are one word each.
fn words(text: &str) -> Vec<&str> {
    let mut words = vec![BREAK];
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | '_');
    for piece in text.split_inclusive(|c: char| !joins(c)) {
        let (word, after) = match piece.char_indices().next_back() {
            Some((at, c)) if !joins(c) => (&piece[..at], Some(c)),
            _ => (piece, None),
        };
        let bare = word.trim_end_matches(['.', '-', '/']);
        if !bare.is_empty() {
            words.push(bare);
        }
        if bare.len() < word.len() || after.is_some_and(|c| !c.is_whitespace()) {
            words.push(BREAK);
        }
    }
    words.push(BREAK);
    words.dedup_by(|second, first| *second == BREAK && *first == BREAK);
    words
}

fn contains(words: &[&str], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| window == phrase)
}

/// The status in `HTTP 503`, `HTTP/1.1 503`, `status: 503` and `status code 503`; an exit status is none.
fn status(words: &[&str]) -> Option<u16> {
    let spoken: Vec<&str> = words.iter().copied().filter(|word| *word != BREAK).collect();
    for (at, word) in spoken.iter().enumerate() {
        let Some(number) = word.parse().ok().filter(|number| (400..=599).contains(number)) else {
            continue;
        };
        let named = match spoken[..at] {
            [.., "exit", "status"] | [] => false,
            [.., "status" | "http"] | [.., "status", "code"] | [.., "http", "error"] => true,
            [.., version] => version.starts_with("http/"),
        };
        if named {
            return Some(number);
        }
    }
    None
}
