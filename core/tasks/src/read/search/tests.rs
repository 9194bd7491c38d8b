use proptest::prelude::*;

use super::{query, search};
use crate::testing::{Store, line};

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

fn found(store: &Store, words: &str) -> Vec<String> {
    search(&store.db, words, None).unwrap().iter().map(|row| row.id().to_owned()).collect()
}

fn store() -> Store {
    Store::with(
        &[
            line(
                "bd-a3f8",
                "\"title\":\"Fix the login page\",\"description\":\"Users can't sign in at the café\"",
            ),
            line("bd-b1", "\"title\":\"login login login\",\"labels\":[\"security\"]"),
            line("bd-c1", "\"title\":\"Other\",\"comments\":[{\"id\":1,\"text\":\"see the page of NEAR\"}]"),
            line("bd-d1", "\"title\":\"login\",\"status\":\"tombstone\""),
            line("bd-f1", "\"title\":\"same\""),
            line("bd-e1", "\"title\":\"same\""),
        ]
        .concat(),
    )
}

#[test]
fn all_words_must_be_there_in_any_field_and_the_last_may_be_a_beginning() {
    let store = store();
    for (words, ids) in [
        ("login", &["bd-b1", "bd-a3f8"][..]),
        ("LOGIN pag", &["bd-a3f8"]),
        ("pag login", &[]),
        ("cafe", &["bd-a3f8"]),
        ("CAFÉ", &["bd-a3f8"]),
        ("can't", &["bd-a3f8"]),
        ("security", &["bd-b1"]),
        ("bd-a3", &["bd-a3f8"]),
        ("NEAR", &["bd-c1"]),
        ("login OR page", &[]),
        // Equally good: by id.
        ("same", &["bd-e1", "bd-f1"]),
        ("nothing", &[]),
        ("", &[]),
        ("* - \"", &[]),
    ] {
        assert_eq!(found(&store, words), ids, "{words:?}");
    }
    assert_eq!(search(&store.db, "same", Some(1)).unwrap().len(), 1);
}

#[test]
fn no_input_is_an_error() {
    let store = store();
    let many = "word ".repeat(5_000);
    let long = "w".repeat(1 << 20);
    for words in [
        &many,
        &long,
        "\0",
        "a\0b",
        "title:",
        "{a b}:c",
        "NEAR(a b, 2)",
        "AND",
        "a OR",
        "NOT a",
        "^a",
        "a*",
        "\"",
        "'",
        "𞤀𞤣",
        "\u{e000}",
    ] {
        let _ = found(&store, words);
    }
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(words in any::<String>(), signs in "[a-c\"*():^+{}. \0-]{0,12}")| {
        search(&store.db, &words, Some(3)).unwrap();
        search(&store.db, &signs, Some(3)).unwrap();
    });
}
