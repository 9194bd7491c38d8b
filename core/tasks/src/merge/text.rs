//! Texts, three ways: line by line.

use std::collections::HashSet;

/// Lines of one text, at most: comparing two that share nothing takes the product of both.
const LINES: usize = 2_000;

/// The text with the changes of both sides; `None` where they touch the same lines.
pub(super) fn merge(base: &str, left: &str, right: &str) -> Option<String> {
    if [base, left, right].iter().any(|text| text.lines().count() > LINES) {
        return None;
    }
    // A last line without an end would differ from the same line with one, and appending to it would touch it.
    let ended = |text: &str| {
        if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
    };
    let (whole_base, whole_left, whole_right) = (ended(base), ended(left), ended(right));
    let mut merged = diffy::merge(&whole_base, &whole_left, &whole_right).ok()?;
    let has_end = |text: &str| text.ends_with('\n');
    let end = if has_end(left) == has_end(base) { has_end(right) } else { has_end(left) };
    if !end && merged.ends_with('\n') {
        merged.pop();
    }
    let lines: HashSet<&str> = merged.lines().collect();
    let old: HashSet<&str> = base.lines().collect();
    // Whatever the algorithm does: what a side has written is there.
    let kept = left.lines().chain(right.lines()).all(|line| lines.contains(line) || old.contains(line));
    kept.then_some(merged)
}

#[cfg(test)]
mod tests;
