use super::query;

#[test]
fn every_word_is_quoted_and_the_last_may_be_a_beginning() {
    for (words, expected) in [
        ("fix", "\"fix\" *"),
        ("fix the login", "\"fix\" \"the\" \"login\" *"),
        ("a-b c\"d", "\"a\" \"b\" \"c\" \"d\" *"),
        ("x NEAR y OR z NOT w", "\"x\" \"NEAR\" \"y\" \"OR\" \"z\" \"NOT\" \"w\" *"),
        ("title:fix*", "\"title\" \"fix\" *"),
        ("nul\0byte", "\"nul\" \"byte\" *"),
        ("日本語 タスク", "\"日本語\" \"タスク\" *"),
        ("cafe\u{301} x", "\"cafe\u{301}\" \"x\" *"),
    ] {
        assert_eq!(query(words).as_deref(), Some(expected), "{words:?}");
    }
}

#[test]
fn without_a_word_there_is_no_query() {
    for words in ["", " ", "\"", "*", "-()^+:{}", "🚀", "\0", "\u{301}"] {
        assert_eq!(query(words), None, "{words:?}");
    }
}
