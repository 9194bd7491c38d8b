//! JSON cut into lines.

use proptest::prelude::*;

use super::{Value, parse};

fn drawn(text: &str) -> Option<Vec<String>> {
    let lines = parse(text)?;
    let draw = |line: &super::Line| {
        let key = line.key.clone().map_or(String::new(), |key| format!("{}: ", &text[key]));
        let value = match &line.value {
            Value::Scalar(range) => text[range.clone()].to_owned(),
            Value::Open { object, end, items } => format!("{}{items}>{end}", if *object { '{' } else { '[' }),
            Value::Close { object } => (if *object { "}" } else { "]" }).to_owned(),
        };
        format!("{}{key}{value}{}", " ".repeat(line.depth.into()), if line.comma { "," } else { "" })
    };
    Some(lines.iter().map(draw).collect())
}

#[test]
fn order_and_spelling_are_kept() {
    let text = r#" {"z":1.50, "a":[true,null,{}], "s":"a\"}b"} "#;
    let wanted = [
        "{3>9",
        r#" "z": 1.50,"#,
        r#" "a": [3>7"#,
        "  true,",
        "  null,",
        "  {0>6",
        "  }",
        " ],",
        r#" "s": "a\"}b""#,
        "}",
    ];
    assert_eq!(drawn(text).unwrap(), wanted);
    assert_eq!(drawn("3"), Some(vec!["3".into()]));
}

#[test]
fn every_opening_line_knows_the_one_that_closes_it() {
    let text = r#"{"a":{"b":[1,[2,3]]},"c":[]}"#;
    let lines = parse(text).unwrap();
    for (at, line) in lines.iter().enumerate() {
        if let Value::Open { object, end, .. } = line.value {
            assert!(end > at);
            assert_eq!(lines[end].value, Value::Close { object });
            assert_eq!(lines[end].depth, line.depth);
        }
    }
}

#[test]
fn what_is_no_json_is_no_tree() {
    for text in [
        "",
        "{",
        "[1,]",
        "{\"a\"}",
        "{ \"id\": string }",
        "[1 2]",
        "nul",
        "\"a",
        "{} {}",
        "\"\\",
        "1e",
        "[,1]",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse(&"[".repeat(100_000)), None, "no recursion");
}

proptest! {
    #[test]
    fn it_agrees_with_the_parser_of_others(text in r#"[\[\]{}",:0-9a-z\\ .-]{0,40}"#) {
        let ours = parse(&text).is_some();
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(ours, "{}", text);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }
}
