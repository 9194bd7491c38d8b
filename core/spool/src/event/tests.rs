use super::*;

const WHOLE: &str = r#"{"id":"01J7ZZZZZZZZZZZZZZZZZZ0001","ts_utc":1757440800000,"monitor":"keyboard","action":"key_press","subject_type":"none","session_id":"01J7ZZZZZZZZZZZZZZZZZZZZZZ""#;

fn parse(line: &str) -> Result<Event<'_>, Refused> {
    Event::parse(line.as_bytes(), &Monitors::default())
}

fn reason(line: &str) -> (&'static str, String) {
    let refused = parse(line).expect_err(line);
    (refused.reason, refused.detail)
}

/// The whole event with one key given another value (or one more key).
fn with(key: &str, value: &str) -> String {
    format!("{WHOLE},\"{key}\":{value}}}")
}

#[test]
fn the_smallest_event_is_borrowed_from_its_line() {
    let line = format!("{WHOLE}}}");
    let event = parse(&line).unwrap();
    assert_eq!(event.id, "01J7ZZZZZZZZZZZZZZZZZZ0001");
    assert_eq!(event.ts_utc, 1_757_440_800_000);
    assert_eq!(event.subject_type, "none");
    assert!(matches!(event.action, Cow::Borrowed("key_press")));
    assert_eq!((event.pid, event.attrs_json), (None, None));
}

#[test]
fn every_key_finds_its_place() {
    let line = r#"{"attrs_json":"{\"a\": 1}","file_path_hash":"f","url_hash":"u","window_title_hash":"w","exe_path_hash":"p","exe_name":"e","pid":7,"batch_id":"b","subject_id":"s","session_id":"ses","subject_type":"url","action":"go","monitor":"browser","ts_utc":-5,"id":"x"}"#;
    let event = parse(line).unwrap();
    let texts = [
        event.subject_id.as_deref(),
        event.batch_id.as_deref(),
        event.exe_name.as_deref(),
        event.exe_path_hash.as_deref(),
        event.window_title_hash.as_deref(),
        event.url_hash.as_deref(),
        event.file_path_hash.as_deref(),
        event.attrs_json.as_deref(),
    ];
    assert_eq!(texts.map(Option::unwrap), ["s", "b", "e", "p", "w", "u", "f", "{\"a\": 1}"]);
    assert_eq!((event.pid, event.ts_utc), (Some(7), -5));
    assert_eq!((&*event.id, &*event.monitor, &*event.action), ("x", "browser", "go"));
    assert_eq!((&*event.session_id, &*event.subject_type), ("ses", "url"));
}

#[test]
fn other_keys_are_passed_over_and_the_last_of_two_counts() {
    assert_eq!(parse(&with("more", r#"{"a":[1,{"b":null}]}"#)).unwrap().action, "key_press");
    assert_eq!(parse(&with("action", "\"later\"")).unwrap().action, "later");
    assert_eq!(parse(&with("pid", "null")).unwrap().pid, None);
    assert_eq!(reason(&with("action", "null")).0, "wrong_type");
}

// The reasons of spool A18, and what the original took though it should not have.
#[test]
fn what_is_no_event_is_refused_with_its_reason() {
    let deep = "[".repeat(100_000);
    let nul = "{\u{0}}";
    for (line, wanted, word) in [
        ("{bad", "not_json", ""),
        ("", "not_json", ""),
        ("nonsense", "not_json", ""),
        (nul, "not_json", ""),
        ("[1]", "not_an_object", ""),
        ("\"\"", "not_an_object", ""),
        ("null", "not_an_object", ""),
        ("12", "not_an_object", ""),
        (&deep, "not_an_object", ""),
        (r#"{"valid":"json"}"#, "missing_key", "id"),
        ("{}", "missing_key", "id"),
        (&with("ts_utc", "true"), "wrong_type", "ts_utc"),
        (&with("ts_utc", "1.5"), "wrong_type", "ts_utc"),
        (&with("ts_utc", "\"1\""), "wrong_type", "ts_utc"),
        (&with("ts_utc", "null"), "wrong_type", "ts_utc"),
        (&with("ts_utc", "9223372036854775808"), "out_of_range", "ts_utc"),
        (&with("ts_utc", "-9223372036854775809"), "out_of_range", "ts_utc"),
        (&with("ts_utc", "99999999999999999999999"), "out_of_range", "ts_utc"),
        (&with("pid", "18446744073709551616"), "out_of_range", "pid"),
        (&with("action", "null"), "wrong_type", "action"),
        (&with("session_id", "7"), "wrong_type", "session_id"),
        (&with("id", "\"\""), "empty", "id"),
        (&with("id", "[1]"), "wrong_type", "id"),
        (&with("attrs_json", "{\"a\":1}"), "wrong_type", "attrs_json"),
        (&with("url_hash", "false"), "wrong_type", "url_hash"),
        (&with("monitor", "\"nobody\""), "unknown_monitor", "nobody"),
        (&with("monitor", "\"../evil\""), "unknown_monitor", "evil"),
        (&with("subject_type", "\"thing\""), "unknown_subject", "thing"),
        (&with("action", "\"\\ud800\""), "not_json", ""),
        (&with("deep", &deep), "not_json", ""),
        (&format!("{WHOLE}}} {{}}"), "not_json", ""),
        (WHOLE, "not_json", ""),
    ] {
        let (found, detail) = reason(line);
        assert_eq!(found, wanted, "{}: {detail}", line.chars().take(200).collect::<String>());
        assert!(detail.contains(word), "{detail}");
    }
    assert_eq!(Event::parse(b"{\"id\":\"\xff\"}", &Monitors::default()).unwrap_err().reason, "not_json");
}

// spool A19
#[test]
fn every_known_monitor_is_taken() {
    for name in Monitors::default().iter() {
        parse(&with("monitor", &format!("\"{name}\""))).unwrap();
    }
}
