use super::*;

fn task(line: &str) -> Record {
    match parse(line.as_bytes()) {
        Ok(Line::Task(record)) => record,
        other => panic!("{line}: {other:?}"),
    }
}

fn other(line: &str) -> Other {
    match parse(line.as_bytes()) {
        Ok(Line::Other(other)) => other,
        line => panic!("{line:?}"),
    }
}

#[test]
fn objects_with_an_id_are_tasks() {
    for line in [
        r#"{"id":"a-1"}"#,
        r#"{"title":"x","id":"a-1"}"#,
        r#"{"_type":"issue","id":"a-1"}"#,
        r#"{"\u005ftype":"iss\u0075e","\u0069d":"\u0061-1"}"#,
        r#"{"id":"a-1","_deleted":true,"_deleted_at":"2026-01-02T03:04:05Z"}"#,
        r#"{"_schema":"x","id":"a-1"}"#,
    ] {
        assert_eq!(task(line).id(), "a-1", "{line}");
        assert_eq!(task(line).bytes(), line.as_bytes());
    }
}

#[test]
fn blanks_around_a_record_are_not_kept() {
    for line in ["{\"id\":\"a\"}\r", " \t{\"id\":\"a\"} ", "\n{\"id\":\"a\"}\n"] {
        assert_eq!(task(line).bytes(), br#"{"id":"a"}"#);
    }
    assert_eq!(task(r#"{ "id":"a" }"#).bytes(), br#"{ "id":"a" }"#);
    assert_eq!(other(" {\"k\": 1}\r").bytes, br#"{"k": 1}"#);
}

#[test]
fn other_objects_are_kept_as_they_are() {
    for (line, kind, id) in [
        (r#"{"_type":"memory","key":"k","value":"v"}"#, OtherKind::Record, None),
        (r#"{"_type":"memory","id":"m-1"}"#, OtherKind::Record, Some("m-1")),
        (r#"{"_type":null,"id":"m-1"}"#, OtherKind::Record, Some("m-1")),
        (r#"{"_type":1,"id":"m-1"}"#, OtherKind::Record, Some("m-1")),
        (r#"{"_schema":"beads-jsonl/1"}"#, OtherKind::Header, None),
        (r#"{"_schema":"beads-jsonl/1","_type":"header","id":"h"}"#, OtherKind::Header, Some("h")),
        (r#"{"id":""}"#, OtherKind::Record, None),
        (r#"{"id":7}"#, OtherKind::Record, None),
        (r#"{"id":null}"#, OtherKind::Record, None),
        (r#"{"a":{"id":"x"}}"#, OtherKind::Record, None),
        (r"{}", OtherKind::Record, None),
    ] {
        let found = other(line);
        assert_eq!((found.kind, found.id.as_deref(), found.bytes.as_slice()), (kind, id, line.as_bytes()));
    }
    let dated = other(r#"{"id":5,"updated_at":"2026-01-02T03:04:05Z"}"#);
    assert_eq!(dated.updated_at, Moment::parse("2026-01-02T03:04:05Z"));
    assert_eq!(other(r#"{"updated_at":"now"}"#).updated_at, None);
}

#[test]
fn what_is_no_object_is_refused_with_what_is_wrong() {
    for (line, flaw) in [
        ("<<<<<<< HEAD", "a conflict marker of git at byte 0"),
        ("=======", "a conflict marker of git at byte 0"),
        (">>>>>>> theirs", "a conflict marker of git at byte 0"),
        ("||||||| base", "a conflict marker of git at byte 0"),
        ("======", "expected a value at byte 0"),
        ("", "expected a value, not the end at byte 0"),
        ("[1]", "no object at byte 0"),
        (" 1", "no object at byte 1"),
        (r#"{"id":"a","title":"to"#, "a text without an end at byte 18"),
        (r#" {"id":"a","id":"a"}"#, "the key \"id\" is there twice at byte 11"),
        (r#"{"id":"a"} {"id":"b"}"#, "more after the end of the value at byte 11"),
        (r#"{"id":"\udead"}"#, "half of a surrogate pair at byte 7"),
    ] {
        assert_eq!(parse(line.as_bytes()).map_err(|flaw| flaw.to_string()), Err(flaw.to_owned()), "{line}");
    }
}

#[test]
fn only_tasks_can_be_read_from_a_store() {
    assert!(Record::read(br#"{"id":"a"}"#).is_ok());
    for bytes in [r#"{"id":""}"#, r#"{"_type":"memory","id":"a"}"#, "null", ""] {
        assert!(Record::read(bytes.as_bytes()).is_err(), "{bytes}");
    }
}

#[test]
fn values_are_found_under_the_texts_of_their_keys() {
    let record = task(r#"{"id":"a","\u0078":"\u003c","n": 1.50 ,"o":{"x":2}}"#);
    assert_eq!(record.value("x"), Some(br#""\u003c""#.as_slice()));
    assert_eq!(record.value("n"), Some(b"1.50".as_slice()));
    assert_eq!(record.value("o"), Some(br#"{"x":2}"#.as_slice()));
    assert_eq!(record.value(r"\u0078"), None);
    assert_eq!((record.text("x").as_deref(), record.text("n"), record.text("none")), (Some("<"), None, None));
    let keys: Vec<_> = record.members().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(keys, ["id", "x", "n", "o"]);
}

#[test]
fn a_record_is_composed_in_the_order_of_the_fields() {
    let json = |text: &str| text.as_bytes().to_vec();
    let members = [
        ("zeta", json("1")),
        ("labels", json(r#"["a"]"#)),
        ("alpha", json("{\n \"a\":\r1 }\n")),
        ("result", json(r#""r""#)),
        ("updated_at", json(r#""u""#)),
        ("created_at", json(r#""c""#)),
        ("title", json(r#""t""#)),
        ("id", json(r#""a-1""#)),
    ];
    let record = Record::compose(&members).unwrap();
    let expected = r#"{"id":"a-1","title":"t","created_at":"c","updated_at":"u","labels":["a"],"result":"r","zeta":1,"alpha":{  "a": 1 }}"#;
    assert_eq!(std::str::from_utf8(record.bytes()).unwrap(), expected);
    assert!(Record::compose(&[("title", json("1"))]).is_err());
    assert!(Record::compose(&[("id", json(r#""a""#)), ("x", json("1,2"))]).is_err());
    assert!(Record::compose(&[("id", json(r#""a""#)), ("id", json(r#""a""#))]).is_err());
}
