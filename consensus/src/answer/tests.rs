//! What is taken out of what agents write, as a table of cases, and for any text at all.

use proptest::prelude::*;
use serde_json::Value;

use super::{Found, NoAnswer, extract, is_template, trim};

#[track_caller]
fn check(text: &str, wants_json: bool, wanted: Result<(&str, Found), NoAnswer>) {
    let got = extract(text.as_bytes(), wants_json);
    let got = got.map(|(content, found)| (String::from_utf8(content).unwrap(), found));
    let wanted = wanted.map(|(content, found)| (content.to_owned(), found));
    assert_eq!(got, wanted, "{text:?}");
}

#[test]
fn answers_are_found_where_json_is_wanted() {
    use Found::{Fence, Object, Text, Whole};
    let answer = r#"{"risks":["one {","two }"]}"#;
    #[rustfmt::skip]
    let cases: &[(&str, &str, Found)] = &[
        ("{}", "{}", Whole),
        ("[1, 2]", "[1, 2]", Whole),
        ("42", "42", Whole),
        ("\u{feff} {\"a\": 1}\n\n", "{\"a\": 1}", Whole),
        // Fences: the last one that is JSON, whatever it is called, closed or not.
        ("Here:\n```json\n{\"a\": 1}\n```\nDone.", "{\"a\": 1}", Fence),
        ("```\n{\"a\": 1}\n```", "{\"a\": 1}", Fence),
        ("1. Plan:\n   ~~~json\n   {\"a\": 1}\n   ~~~\n", "{\"a\": 1}", Fence),
        ("```json\n{\"a\": 1}\n```\n```json\n{\"a\": 2}\n```", "{\"a\": 2}", Fence),
        ("```json\n{\"a\": 1}\n```\nRun:\n```sh\nls {a,b}\n```", "{\"a\": 1}", Fence),
        ("```json\n{\"a\": 1}\n```\n```json\n{\"a\": 2,}\n```", "{\"a\": 1}", Fence),
        ("```json\n{\"a\": 1}\n", "{\"a\": 1}", Fence),
        ("````md\n```json\n{\"a\": 1}\n```\n````", "{\"a\": 1}", Object),
        ("```json\n{\"code\": \"```\\nx\\n```\"}\n```", "{\"code\": \"```\\nx\\n```\"}", Fence),
        ("````\n{\"a\": 1}\n```\n````", "{\"a\": 1}", Object),
        ("```json\r\n{\"a\": 1}\r\n```\r\n", "{\"a\": 1}", Fence),
        // The answer stands before the form: templates are passed over.
        ("```json\n{\"a\": \"yes\"}\n```\nThe form was:\n```json\n{\"a\": \"<why>\"}\n```", "{\"a\": \"yes\"}", Fence),
        // Among sentences: the longest.
        ("Sure! {\"a\": 1} Hope it helps.", "{\"a\": 1}", Object),
        ("First {\"a\": 1}, then {\"a\": 1, \"b\": 2}, e.g. {\"c\": 3}.", "{\"a\": 1, \"b\": 2}", Object),
        ("{\"a\": 1} {\"b\": 2}", "{\"b\": 2}", Object),
        ("Use {x} and ${Y}: {\"a\": 1}", "{\"a\": 1}", Object),
        ("The list: [{\"a\": 1}, {\"b\": 2}].", "[{\"a\": 1}, {\"b\": 2}]", Object),
        ("As in [1]: {\"a\": 1}", "{\"a\": 1}", Object),
        // Parts of a broken answer are no answer.
        ("{\"a\": [{\"b\": 1}, {\"c\": 2}], \"d\": \"cut o", "{\"a\": [{\"b\": 1}, {\"c\": 2}], \"d\": \"cut o", Text),
        ("{a: {\"b\": 1}}", "{a: {\"b\": 1}}", Text),
        ("{\"a\": [{\"b\": 1},],}", "{\"a\": [{\"b\": 1},],}", Text),
        ("I cannot do that.", "I cannot do that.", Text),
    ];
    for (text, content, found) in cases {
        check(text, true, Ok((content, *found)));
    }
    check(&format!("Thinking…\n{answer}\nDone"), true, Ok((answer, Object)));
}

#[test]
fn a_report_stays_whole_where_no_json_is_wanted() {
    let report = "# Review\n\n```json\n{\"a\": 1}\n```\nand {\"b\": 2}";
    check(&format!("\n{report}\n"), false, Ok((report, Found::Text)));
    check("{\"a\": 1}", false, Ok(("{\"a\": 1}", Found::Whole)));
}

#[test]
fn nothing_and_templates_are_no_answers() {
    for empty in ["", " ", "\n\t\r\n", "\u{feff}", "\0\0", "\u{b}\u{c}"] {
        check(empty, true, Err(NoAnswer::Empty));
        check(empty, false, Err(NoAnswer::Empty));
    }
    for template in [
        r#"{"a": "<why>"}"#,
        "```json\n{\"a\": \"<why>\"}\n```",
        "You asked for:\n```json\n{\"a\": \"<why>\"}\n```",
        r#"The form is {"a": "<why>"}."#,
    ] {
        check(template, true, Err(NoAnswer::Template));
    }
}

#[test]
fn depth_is_no_limit() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    check(&deep, true, Ok((&deep, Found::Whole)));
    let objects = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    check(&format!("So: {objects}"), true, Ok((&objects, Found::Object)));
}

#[test]
fn bytes_that_are_no_utf_8_are_kept() {
    let text = b"caf\xe9 {\"a\": \"\xff\"}";
    assert_eq!(extract(text, true), Ok((text.to_vec(), Found::Text)));
    assert_eq!(extract(b"\xff {\"a\": 1}", true), Ok((b"{\"a\": 1}".to_vec(), Found::Object)));
}

/// Texts that take a naive search a time that grows with the square of their length: a minute and more here.
#[test]
fn long_texts_are_read_in_one_pass() {
    let count = 200_000;
    for unit in ["{", "[", "{\"", "{\"a\":", "{\"}\":[0,", "{x ", "[{", "}{", "```\n", "{\"a\":1,x", "\\\"{"]
    {
        let text = unit.repeat(count);
        assert!(extract(text.as_bytes(), true).is_ok(), "{unit}");
        assert!(extract(format!("{text}x").as_bytes(), true).is_ok(), "{unit}x");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[`~{}\\[\\]\"\\\\\n.<>|a-z ]{0,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("[a-z_$`{}\"]{0,8}", inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Text of the pieces that matter, in any order.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            ":",
            ",",
            "```",
            "~~~",
            "\n",
            "json",
            "...",
            "<",
            ">",
            "${",
            "|",
            "1",
            "-",
            "e",
            "true",
            "nul",
            "\\u12",
            " ",
            "string",
            "é",
            "{\"a\":1}",
            "[{}]",
            "```json\n",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_json_comes_back_whole(data in any_json(), pretty in any::<bool>(), space in "[ \n\t]{0,3}") {
        // One sentence in it: a form with nothing filled in is no answer.
        let value = serde_json::json!({"answer": "yes, and this is why", "data": data});
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let around = format!("{space}{text}{space}");
        prop_assert_eq!(extract(around.as_bytes(), true), Ok((text.clone().into_bytes(), Found::Whole)));
        prop_assert_eq!(extract(around.as_bytes(), false), Ok((text.clone().into_bytes(), Found::Whole)));
        let fenced = format!("Here it is:\n```json\n{text}\n```\nThat is all.");
        prop_assert_eq!(extract(fenced.as_bytes(), true), Ok((text.clone().into_bytes(), Found::Fence)));
        let said = format!("Here it is: {text} That is all.");
        prop_assert_eq!(extract(said.as_bytes(), true), Ok((text.into_bytes(), Found::Object)));
    }

    #[test]
    fn any_json_value_is_whole_or_a_template(data in any_json()) {
        let text = data.to_string().into_bytes();
        let wanted = if is_template(&text) { Err(NoAnswer::Template) } else { Ok((text.clone(), Found::Whole)) };
        prop_assert_eq!(extract(&text, true), wanted);
    }

    #[test]
    fn any_text_is_taken(text in any_text(), wants_json in any::<bool>()) {
        match extract(&text, wants_json) {
            Ok((content, found)) => {
                prop_assert!(!content.is_empty());
                prop_assert!(text.windows(content.len()).any(|window| window == content));
                prop_assert!(!is_template(&content));
                if found == Found::Fence || found == Found::Object {
                    prop_assert!(wants_json);
                    prop_assert!(super::json::is_container(&content));
                }
                // Taking the answer from an answer changes nothing.
                prop_assert_eq!(extract(&content, wants_json).map(|(content, _)| content), Ok(content.clone()));
            }
            Err(NoAnswer::Empty) => prop_assert!(trim(&text).is_empty()),
            Err(NoAnswer::Template) => {}
        }
    }
}
