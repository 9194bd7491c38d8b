//! What the lexer must not confuse.

use super::split;

#[test]
fn comments_and_literals_are_blanked() {
    let cases = [
        ("a // b", "a     ", &[][..]),
        ("a /* b /* c */ d */ e", "a                   e", &[]),
        (r#"f("x // y")"#, r#"f("      ")"#, &["x // y"]),
        (r#"f("a\"b", 'c', '"', '\'')"#, r#"f("    ",    ,    ,     )"#, &[r#"a\"b"#]),
        ("r#\"raw \" inside\"# + x", "r#\"            \"# + x", &["raw \" inside"]),
        ("br\"raw\" b\"bytes\"", "br\"   \" b\"     \"", &["raw", "bytes"]),
        ("fn f<'a>(x: &'a str) -> &'a str", "fn f<'a>(x: &'a str) -> &'a str", &[]),
        ("'\\u{1F600}' 'ä'", "               ", &[]),
        ("\"one\ntwo\" // three\nfour", "\"   \n   \"         \nfour", &["one\ntwo"]),
    ];
    for (text, code, literals) in cases {
        let parts = split(text);
        let found: Vec<&str> = parts.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(found, literals, "{text}");
        assert_eq!(parts.code, code, "{text}");
    }
}

#[test]
fn literals_know_their_line() {
    let parts = split("a\n\"b\n\"\n c \"d\"");
    assert_eq!(parts.literals.iter().map(|literal| literal.line).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn unfinished_text_ends() {
    for text in ["\"", "r#\"", "/*", "'\\", "'", "//"] {
        split(text);
    }
}
