//! Values that say the same, and others.

use super::*;

#[test]
fn spelling_is_no_difference_but_for_numbers() {
    for (left, right, is_same) in [
        (r#"{"a":1,"b":[1,2]}"#, r#" { "b" : [ 1 , 2 ] , "\u0061":1 } "#, true),
        (r#""\u00e9\n""#, "\"é\\u000a\"", true),
        ("1e3", "1000", false),
        ("1.0", "1", false),
        ("[1,2]", "[2,1]", false),
        ("[1,[2]]", "[[1],2]", false),
        ("[]", "{}", false),
        ("[[]]", "[]", false),
        ("null", r#""null""#, false),
        (r#"{"a":"b"}"#, r#"["a","b"]"#, false),
        (r#"{"a":{"b":1}}"#, r#"{"a":1,"b":1}"#, false),
        (r#"{"ab":"c"}"#, r#"{"a":"bc"}"#, false),
        (r#""a\"b""#, r#""a\u0022b""#, true),
        (r#"{"a":null}"#, "{}", false),
    ] {
        assert_eq!(same(left.as_bytes(), right.as_bytes()), is_same, "{left} {right}");
    }
}

#[test]
fn what_is_no_json_is_no_panic() {
    for bytes in
        [&b""[..], b"}", b"]]", b"\"", b"\"\\", b"{\"a", b"{:}", b"\xff", b"[1", b"{\"a\":\"\\ud800\"}"]
    {
        let _ = fingerprint(bytes);
    }
}
