use super::*;

#[test]
fn escapes_are_resolved() {
    for (quoted, text) in [
        (r#""""#, ""),
        (r#""a b""#, "a b"),
        (r#""\u003cb\u003e \u0026""#, "<b> &"),
        (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\ud83d\uDE80""#, "🚀"),
        (r#""日本\u8a9e""#, "日本語"),
        (r#""\u0000\u007f""#, "\0\u{7f}"),
        (r#""\u00e9é\\u00e9""#, "éé\\u00e9"),
    ] {
        assert_eq!(decode(quoted.as_bytes()).as_deref(), Some(text), "{quoted}");
    }
}

#[test]
fn what_is_no_text_is_none() {
    for quoted in [
        "",
        "\"",
        "a",
        "1",
        "null",
        r#""a"#,
        r#"a""#,
        r#""a"b""#,
        r#" "a""#,
        r#""\""#,
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\x""#,
        r#""\u12""#,
        "\"a\nb\"",
    ] {
        assert_eq!(decode(quoted.as_bytes()), None, "{quoted}");
    }
    assert_eq!(decode(b"\"\xff\""), None);
}

#[test]
fn only_what_json_demands_is_escaped() {
    for (text, quoted) in [
        ("", r#""""#),
        ("<b> & 'é' 日本 🚀 \u{2028}\u{7f}/", "\"<b> & 'é' 日本 🚀 \u{2028}\u{7f}/\""),
        ("\"\\", r#""\"\\""#),
        ("a\nb\rc\td\u{8}e\u{c}", r#""a\nb\rc\td\be\f""#),
        ("\0\u{1f}\u{1b}[31m", r#""\u0000\u001f\u001b[31m""#),
    ] {
        assert_eq!(encode(text), quoted);
    }
}

/// Eight bytes are looked at at once: each byte at each place of them, beside bytes that could hide it.
#[test]
fn special_bytes_are_found_at_every_place() {
    for byte in 0..=u8::MAX {
        let is_special = byte < b' ' || byte == b'"' || byte == b'\\';
        for place in 0..20 {
            for around in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff] {
                let mut bytes = [around; 20];
                bytes[place] = byte;
                assert_eq!(
                    plain_end(&bytes, 0),
                    if is_special { place } else { 20 },
                    "{byte} at {place} in {around}"
                );
            }
        }
    }
}
