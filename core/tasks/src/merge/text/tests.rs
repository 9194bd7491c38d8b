//! Texts.

use super::*;

#[test]
fn lines_of_both_sides_are_there() {
    for (base, left, right, merged) in [
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", Some("A\nb\nC")),
        // Appending to a last line without an end touches it not.
        ("a\nb", "A\nb", "a\nb\nc", Some("A\nb\nc")),
        ("a\nb\n", "A\nb\n", "a\nb", Some("A\nb")),
        ("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n", Some("a\nc\nd\n")),
        ("a", "b", "c", None),
        ("", "b", "c", None),
        ("", "b", "b", Some("b")),
        ("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", Some("A\r\nb\r\nC\r\n")),
    ] {
        assert_eq!(merge(base, left, right).as_deref(), merged, "{base:?} {left:?} {right:?}");
    }
}

#[test]
fn texts_of_too_many_lines_are_not_compared() {
    let text = |of: &str| format!("{of}\n").repeat(LINES + 1);
    assert_eq!(merge(&text("a"), &text("b"), &text("a")), None);
}
