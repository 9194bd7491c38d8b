//! What is JSON and what is not, against the parser that reads it afterwards.

use proptest::prelude::*;

use super::is_json;

#[test]
fn json_is_what_the_standard_says() {
    for text in [
        "0",
        "-0",
        "1.5e-3",
        "1E+9",
        "1e999",
        "\"\"",
        "\"\\u00e9\\\\\"",
        "[]",
        "[ ]",
        "{}",
        "{ }",
        " [1 , 2] ",
        "{\"a\":{\"b\":[null,true,false]}}",
        "{\"\":0}",
        "\"é\"",
    ] {
        assert!(is_json(text.as_bytes()), "{text}");
    }
    for text in [
        "",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "tru",
        "nulll",
        "'a'",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1}}",
        "[1 2]",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "NaN",
    ] {
        assert!(!is_json(text.as_bytes()), "{text}");
    }
    assert!(!is_json(b"\"\xff\""));
}

proptest! {
    #[test]
    fn it_agrees_with_the_parser(text in "[\\[\\]{}\",:0-9.eE+a-u \\\\-]{0,12}") {
        // The parser also wants numbers that fit and pairs of surrogates: what it takes is JSON for certain.
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(is_json(text.as_bytes()));
        }
        if is_json(text.as_bytes()) {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }
}
