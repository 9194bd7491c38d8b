use std::path::Path;

use proptest::prelude::*;

use super::{Document, Fields};

fn fields(text: &str) -> Result<Fields<'_>, String> {
    let value = Document::new(Path::new("f"), text.as_bytes()).and_then(Document::value);
    value.and_then(|value| Fields::of(value, "r")).map_err(|error| error.to_string())
}

#[test]
fn mistakes_have_a_line_and_a_column_of_characters() {
    for (text, wanted) in [
        ("", "f: line 1, column 1: the file is empty"),
        (" \n", "f: line 1, column 1: the file is empty"),
        ("\u{feff}", "f: line 1, column 1: the file is empty"),
        ("{\r\n \"ä\": }", "f: line 2, column 7: expected value"),
        ("{\"a\": [1,", "f: line 1, column 9: the text is cut off: EOF while parsing a value"),
        ("{} x", "f: line 1, column 4: trailing characters"),
        ("[1]", "f: line 1, column 1: r: wanted an object, found a list"),
        (" 42", "f: line 1, column 2: r: wanted an object, found a number"),
        ("\"\"", "f: line 1, column 1: r: wanted an object, found text"),
        ("null", "f: line 1, column 1: r: wanted an object, found null"),
        (
            "{\"ä\": 1,\n \"b\":2, \"\\u00e4\":3}",
            "f: line 2, column 9: r: the key \"ä\" stands here twice, first in line 1",
        ),
        ("{\"\\ud800\": 1}", "f: line 1, column 2: r: a key is no Unicode text"),
    ] {
        assert_eq!(fields(text).unwrap_err(), wanted, "{text:?}");
    }
    let error = Document::new(Path::new("f"), b"{\n\"a\": \"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "f: line 2: is no UTF-8");
}

#[test]
fn fields_are_taken_by_their_type() {
    let text = "\u{feff}{\"t\": \"x\\u00e4\", \"n\": -7, \"z\": null, \"more\": {\"a\": [1]}, \"f\": 1.5, \"s\": \"\\ud800\"}";
    let mut fields = fields(text).unwrap();
    assert_eq!(fields.text("t").unwrap(), "xä");
    assert_eq!(fields.optional_whole("n").unwrap(), Some(-7));
    assert_eq!(fields.optional_whole("z").unwrap(), None);
    assert_eq!(fields.optional_text("absent").unwrap(), None);
    let said = |error: crate::RegistryError| error.to_string();
    assert_eq!(
        said(fields.text("n").unwrap_err()),
        "f: line 1, column 23: r: field \"n\": wanted text, found a number"
    );
    assert_eq!(said(fields.text("z").unwrap_err()), "f: line 1, column 1: r: field \"z\": is missing");
    let wrong = "f: line 1, column 63: r: field \"f\": wanted a whole number, found 1.5";
    assert_eq!(said(fields.optional_whole("f").unwrap_err()), wrong);
    assert_eq!(
        said(fields.text("s").unwrap_err()),
        "f: line 1, column 73: r: field \"s\": is no Unicode text"
    );
    let unknown = "line 1: r: not taken over, since nobody here knows it: \"more\"";
    assert_eq!(fields.unknown().unwrap(), unknown);
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]{}\",:a-c\\\\ u0-9.\n-]{0,60}") {
        if let Ok(mut fields) = fields(&text) {
            let _ = (fields.text("a"), fields.optional_whole("b"), fields.time("c"), fields.unknown());
        }
    }

    #[test]
    fn what_is_an_object_for_others_is_one_here(text in "\\{(\"[a-d]\":[0-9\"tn]{1,3},?){0,3}\\}") {
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        match (fields(&text), theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours.members.len(), theirs.len()),
            (Err(error), Ok(_)) => prop_assert!(error.contains("twice"), "{}", error),
            (ours, Err(_)) => prop_assert!(ours.is_err()),
        }
    }
}
