//! Text of others, made safe and made to fit.

use proptest::prelude::*;

use super::{count, counted, fit, pad, size, visible, visible_lines, width};

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    assert_eq!(visible("plain ünï ✓"), "plain ünï ✓");
    assert_eq!(visible("a\x1b[31mb\u{7f}\n"), "a␛[31mb␡␊");
    assert_eq!(visible("x\u{9b}y\u{202e}z"), "x<U+009B>y<U+202E>z");
    assert_eq!(visible_lines("a\r\nb\tc\rd\n"), "a\nb    c␍d\n");
}

#[test]
fn cut_text_says_so() {
    assert_eq!(fit("abcdef", 6), "abcdef");
    assert_eq!(fit("abcdef", 5), "abcd…");
    assert_eq!(fit("日本語", 5), "日本…");
    assert_eq!(fit("日本語", 4), "日…");
    assert_eq!(fit("abc", 0), "");
    assert_eq!(pad("é", 3, true), "  é");
}

#[test]
fn sizes_and_counts() {
    for (bytes, wanted) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_468_006, "1.3 MiB"),
        (1_073_741_824, "1.0 GiB"),
        (u64::MAX, "16383.9 PiB"),
    ] {
        assert_eq!(size(bytes), wanted);
    }
    assert_eq!(count(999), "999");
    assert_eq!(count(1_234_567), "1,234,567");
    assert_eq!(counted(1, "run", "runs"), "1 run");
}

proptest! {
    #[test]
    fn any_text_becomes_safe_and_fits(text in any::<String>(), columns in 0_usize..40) {
        let shown = visible(&text);
        prop_assert!(!shown.chars().any(char::is_control));
        prop_assert!(width(&fit(&shown, columns)) <= columns);
        prop_assert!(visible_lines(&text).chars().all(|character| character == '\n' || !character.is_control()));
    }
}
