use super::*;

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, flaw: &str) {
    let found = check(bytes.as_ref()).map_err(|flaw| flaw.to_string());
    assert_eq!(found, Err(flaw.to_owned()), "{}", String::from_utf8_lossy(bytes.as_ref()));
}

#[test]
fn what_the_grammar_has_passes() {
    for (text, kind) in [
        ("null", Kind::Null),
        ("true", Kind::Boolean),
        (" \t\r\nfalse ", Kind::Boolean),
        ("0", Kind::Number),
        ("-0", Kind::Number),
        ("-0.0e-0", Kind::Number),
        ("1e3", Kind::Number),
        ("1E+999999", Kind::Number),
        ("12345678901234567890", Kind::Number),
        (r#""""#, Kind::Text),
        (r#""\u003c\u2028\/\b\f\n\r\t\"\\""#, Kind::Text),
        (r#""\ud83d\ude80 \uD83D\uDE80""#, Kind::Text),
        ("\"\u{7f}\u{80}\u{ffff}\u{10ffff}\"", Kind::Text),
        (r#""\u0000""#, Kind::Text),
        ("[]", Kind::Array),
        ("[ ]", Kind::Array),
        ("[[],[[]],{}]", Kind::Array),
        ("{}", Kind::Object),
        (r#" { "a" : [ 1 , { "a" : 2 } ] , "" : { } } "#, Kind::Object),
    ] {
        assert_eq!(check(text.as_bytes()), Ok(kind), "{text}");
    }
}

#[test]
fn what_the_grammar_lacks_is_refused_with_its_place() {
    for (text, flaw) in [
        ("", "expected a value, not the end at byte 0"),
        ("  ", "expected a value, not the end at byte 2"),
        ("nul", "expected a value at byte 0"),
        ("True", "expected a value at byte 0"),
        ("NaN", "expected a value at byte 0"),
        ("'a'", "expected a value at byte 0"),
        ("\u{feff}1", "expected a value at byte 0"),
        ("1 2", "more after the end of the value at byte 2"),
        ("nullnull", "more after the end of the value at byte 4"),
        ("{} // no", "more after the end of the value at byte 3"),
        ("01", "a number that is none at byte 0"),
        ("-", "a number that is none at byte 0"),
        ("-01", "a number that is none at byte 0"),
        ("[+1]", "expected a value at byte 1"),
        ("[.5]", "expected a value at byte 1"),
        ("[1.]", "a number that is none at byte 1"),
        ("[1e]", "a number that is none at byte 1"),
        ("[1e+]", "a number that is none at byte 1"),
        ("[0x1]", "a number that is none at byte 1"),
        ("[1,]", "expected a value at byte 3"),
        ("[,1]", "expected a value at byte 1"),
        ("[1 2]", "expected a comma or the end of the array at byte 3"),
        ("[1}", "expected a comma or the end of the array at byte 2"),
        ("[1", "expected a comma or the end of the array, not the end at byte 2"),
        ("[", "expected a value, not the end at byte 1"),
        ("]", "expected a value at byte 0"),
        ("{", "expected a key, not the end at byte 1"),
        (r#"{"a""#, "expected a colon, not the end at byte 4"),
        (r#"{"a" 1}"#, "expected a colon at byte 5"),
        (r#"{"a":}"#, "expected a value at byte 5"),
        (r#"{"a":1,}"#, "expected a key at byte 7"),
        (r"{a:1}", "expected a key at byte 1"),
        (r#"{"a":1]"#, "expected a comma or the end of the object at byte 6"),
        (r#"{"a":1 "b":2}"#, "expected a comma or the end of the object at byte 7"),
        (r#"{"a":{"b":[{"title":"tor"#, "a text without an end at byte 20"),
        (r#"["a\"]"#, "a text without an end at byte 1"),
        ("[\"a\nb\"]", "a control character in a text at byte 3"),
        ("[\"12345678\u{1f}\"]", "a control character in a text at byte 10"),
        ("[\"\0\"]", "a control character in a text at byte 2"),
        (r#""\x""#, "an escape that is none at byte 1"),
        (r#""\u12g4""#, "an escape that is none at byte 1"),
        (r#""\u+123""#, "an escape that is none at byte 1"),
        (r#""\U0041""#, "an escape that is none at byte 1"),
        ("\"\\", "an escape that is none at byte 1"),
    ] {
        refused(text, flaw);
    }
}

#[test]
fn half_of_a_surrogate_pair_is_refused_with_its_place() {
    for (text, at) in [
        (r#""\ud800""#, 1),
        (r#"{"a":"x\udc00"}"#, 7),
        (r#""\ud83dx""#, 1),
        (r#""\ud83d\n""#, 1),
        (r#""\ud83d\ud83d\ude80""#, 1),
        (r#""\ud83d\u0041""#, 1),
        (r#""\ude80\ud83d""#, 1),
        (r#"{"\ud800":1}"#, 2),
    ] {
        refused(text, &format!("half of a surrogate pair at byte {at}"));
    }
}

#[test]
fn what_is_no_utf8_is_refused() {
    for (bytes, at) in [
        (b"\"\xc0\xaf\"".as_slice(), 1),
        (b"\"\xe0\x80\xaf\"", 1),
        (b"\"a\xf0\x80\x80\xaf\"", 2),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xf4\x90\x80\x80\"", 1),
        (b"\"\x80\"", 1),
        (b"\"\xe2\x82\"", 1),
        (b"\"\xff\"", 1),
        (b"{\"\xc3\":1}", 2),
        (b"\"\xe2\x82", 1),
    ] {
        refused(bytes, &format!("no UTF-8 at byte {at}"));
    }
}

#[test]
fn keys_that_stand_twice_in_an_object_are_refused() {
    for (text, flaw) in [
        (r#"{"a":1,"a":1}"#, r#"the key "a" is there twice at byte 7"#),
        (r#"{"a":1,"b":2,"a":3,"b":4}"#, r#"the key "a" is there twice at byte 13"#),
        (r#"{"id":1,"\u0069d":2}"#, r#"the key "id" is there twice at byte 8"#),
        (r#"{"\u0069d":1,"i\u0064":2}"#, r#"the key "id" is there twice at byte 13"#),
        (r#"{"\"":1,"\u0022":2}"#, r#"the key "\"" is there twice at byte 8"#),
        (r#"{"😀":1,"\ud83d\ude00":2}"#, r#"the key "😀" is there twice at byte 10"#),
        (r#"{"x":[{"y":{"a":1,"a":2}}]}"#, r#"the key "a" is there twice at byte 18"#),
        (r#"{"":1,"":2}"#, r#"the key "" is there twice at byte 6"#),
        (r#"{"a":{"b":1},"a":2}"#, r#"the key "a" is there twice at byte 13"#),
    ] {
        refused(text, flaw);
    }
    for text in [
        r#"{"a":{"a":{"a":1}}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"A":1,"a":2}"#,
        r#"{"a":1,"a ":2,"":3}"#,
        r#"{"\\u0061":1,"a":2}"#,
    ] {
        assert_eq!(check(text.as_bytes()).map(|_| ()), Ok(()), "{text}");
    }
}

#[test]
fn keys_are_compared_in_objects_of_any_size() {
    for count in [2, 15, 16, 17, 100_000] {
        let keys: Vec<_> = (0..count).map(|number| format!(r#""{number}":0"#)).collect();
        let good = format!("{{{}}}", keys.join(","));
        assert_eq!(check(good.as_bytes()), Ok(Kind::Object), "{count}");
        for twice in [0, count / 2, count - 1] {
            let at = good.len();
            let bad = format!(r#"{},"{twice}":1}}"#, &good[..at - 1]);
            refused(&bad, &format!("the key \"{twice}\" is there twice at byte {at}"));
        }
    }
}

#[test]
fn a_long_key_is_named_by_its_beginning() {
    let key = "k".repeat(100_000);
    let flaw = check(format!(r#"{{"{key}":1,"{key}":2}}"#).as_bytes()).unwrap_err();
    assert_eq!(flaw.what.len(), 60 + r#"the key "" is there twice"#.len());
}

#[test]
fn ten_thousand_levels_pass_and_one_more_does_not() {
    let nested = |depth: usize| {
        let arrays = "[".repeat(depth) + &"]".repeat(depth);
        let objects = r#"{"a":"#.repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
        [arrays, objects]
    };
    for text in nested(DEPTH) {
        assert!(check(text.as_bytes()).is_ok());
    }
    for (text, at) in nested(DEPTH + 1).into_iter().zip([10_000, 50_000]) {
        refused(text, &format!("more than 10000 arrays and objects within each other at byte {at}"));
    }
    // What is beside each other is not within each other.
    assert_eq!(check(format!("[{}[]]", "[],".repeat(20_000)).as_bytes()), Ok(Kind::Array));
}

#[test]
fn members_have_their_spans() {
    let text = r#" {"a" : 1e3 , "\u0062":{"a":[1,{"b":2}]},"c":[],"d":"}" } "#;
    let found: Vec<_> = members(text.as_bytes())
        .unwrap()
        .into_iter()
        .map(|member| (member.key, &text[member.key_span], &text[member.span], member.kind))
        .collect();
    let expected = [
        ("a", r#""a""#, "1e3", Kind::Number),
        ("b", r#""\u0062""#, r#"{"a":[1,{"b":2}]}"#, Kind::Object),
        ("c", r#""c""#, "[]", Kind::Array),
        ("d", r#""d""#, r#""}""#, Kind::Text),
    ];
    assert_eq!(found, expected.map(|(key, quoted, value, kind)| (key.to_owned(), quoted, value, kind)));
    assert_eq!(members(b"{ }"), Ok(Vec::new()));
}

#[test]
fn elements_have_their_spans() {
    let text = r#"[ "a" ,[1,[2]],{"a":[3]}, null,-1.50 ]"#;
    let found: Vec<_> =
        elements(text.as_bytes()).unwrap().into_iter().map(|(span, kind)| (&text[span], kind)).collect();
    let expected = [
        (r#""a""#, Kind::Text),
        ("[1,[2]]", Kind::Array),
        (r#"{"a":[3]}"#, Kind::Object),
        ("null", Kind::Null),
        ("-1.50", Kind::Number),
    ];
    assert_eq!(found, expected);
    assert_eq!(elements(b"[]"), Ok(Vec::new()));
}

#[test]
fn members_and_elements_of_something_else_are_refused() {
    for text in ["[1]", "1", r#""a""#, "null", "{", ""] {
        assert!(members(text.as_bytes()).is_err(), "{text}");
    }
    for text in ["{}", r#"{"a":[1]}"#, "1", r#""a""#, "null", "[", ""] {
        assert!(elements(text.as_bytes()).is_err(), "{text}");
    }
}
