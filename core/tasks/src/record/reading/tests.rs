use super::*;
use crate::record::{FIELDS, Record};

fn read(members: &str) -> Projection {
    let line = format!(r#"{{"id":"a"{members}}}"#);
    Record::read(line.as_bytes()).unwrap_or_else(|flaw| panic!("{line}: {flaw}")).projection().clone()
}

/// The reasons why a record with these members is odd, apart from what all these records lack.
fn oddities(members: &str) -> Vec<String> {
    let reasons = read(members).oddities.iter().map(Oddity::reason).collect::<Vec<_>>();
    reasons.into_iter().filter(|reason| !reason.starts_with("title is") && reason != "no priority").collect()
}

fn edge(target: &str, kind: &str) -> Edge {
    Edge { target: target.to_owned(), kind: kind.to_owned(), spawner: None, any_child: false }
}

#[test]
fn what_is_absent_reads_by_fixed_rules() {
    let projection = read("");
    let expected = Projection {
        id: "a".to_owned(),
        status: Some("open".to_owned()),
        priority: Some(0),
        issue_type: Some("task".to_owned()),
        oddities: vec![Oddity::NoPriority, Oddity::Title],
        ..Projection::default()
    };
    assert_eq!(projection, expected);
}

#[test]
fn what_is_there_is_read() {
    let time = |second: i64| Moment::parse(&format!("2026-01-02T03:04:0{second}Z"));
    let projection = read(
        r#","title":"<T>","status":"closed","priority":3,"issue_type":"bug","type":"no","assignee":"me",
        "close_reason":"done","external_ref":"gh-9","created_at":"2026-01-02T03:04:00Z",
        "updated_at":"2026-01-02T03:04:01Z","closed_at":"2026-01-02T03:04:02Z","due_at":"2026-01-02T03:04:03Z",
        "defer_until":"2026-01-02T03:04:04Z","deleted_at":"2026-01-02T03:04:05Z",
        "claim_expires_at":"2026-01-02T03:04:06Z","pinned":true,"ephemeral":true,"attempt_count":7,
        "labels":["b","a","b"],"dependencies":[{"depends_on_id":"x","type":"related"}],
        "comments":[{"id":1,"author":"me","text":"hi","created_at":"2026-01-02T03:04:07Z"},{"id":"c-2"}]"#,
    );
    let text = |text: &str| Some(text.to_owned());
    let comment = |id, author, text, created_at| Comment { id, author, text, created_at };
    let expected = Projection {
        id: "a".to_owned(),
        title: text("<T>"),
        status: text("closed"),
        priority: Some(3),
        issue_type: text("bug"),
        assignee: text("me"),
        close_reason: text("done"),
        external_ref: text("gh-9"),
        created_at: time(0),
        updated_at: time(1),
        closed_at: time(2),
        due_at: time(3),
        defer_until: time(4),
        deleted_at: time(5),
        claim_expires_at: time(6),
        pinned: true,
        ephemeral: true,
        attempt_count: 7,
        labels: vec!["b".to_owned(), "a".to_owned()],
        dependencies: vec![edge("x", "related")],
        comments: vec![
            comment(text("1"), text("me"), text("hi"), time(7)),
            comment(text("\"c-2\""), None, None, None),
        ],
        oddities: Vec::new(),
    };
    assert_eq!(projection, expected);
}

#[test]
fn older_names_are_read() {
    assert_eq!(read(r#","type":"epic""#).issue_type.as_deref(), Some("epic"));
    assert!(read(r#","wisp":true"#).ephemeral);
    assert!(read(r#","ephemeral":true,"wisp":false"#).ephemeral);
    assert_eq!(read(r#","assignee":"""#).assignee, None);
    let marker = read(r#","_deleted":true,"_deleted_at":"2026-01-02T03:04:05Z","status":"open""#);
    assert_eq!(marker.status.as_deref(), Some("tombstone"));
    assert_eq!(marker.deleted_at, Moment::parse("2026-01-02T03:04:05Z"));
    assert_eq!(marker.oddities, []);
    assert_eq!(read(r#","_deleted":false"#).status.as_deref(), Some("open"));
}

#[test]
fn a_known_field_of_an_unexpected_type_says_nothing_and_is_odd() {
    for field in FIELDS {
        let Some(kind) = field.kind.filter(|_| !["id", "_type"].contains(&field.key)) else { continue };
        let others = ["null", "true", "7", r#""x""#, "[]", "{}"].into_iter();
        for value in others.filter(|value| json::check(value.as_bytes()) != Ok(kind)) {
            let found = oddities(&format!(r#","{}":{value}"#, field.key));
            assert_eq!(found, [format!("{} cannot be read", field.key)], "{value}");
        }
    }
    let projection = read(
        r#","title":1,"status":null,"priority":"2","issue_type":[],"type":"bug","assignee":{},"closed_at":5,
        "pinned":1,"wisp":"true","attempt_count":null,"labels":"l","dependencies":{"depends_on_id":"x"},"comments":0"#,
    );
    let read_as_nothing =
        Projection { id: "a".to_owned(), oddities: projection.oddities.clone(), ..Projection::default() };
    assert_eq!(projection, read_as_nothing);
}

#[test]
fn what_is_out_of_its_range_says_nothing_and_is_odd() {
    let long = format!(r#","status":"{}""#, "s".repeat(51));
    for (members, key) in [
        (r#","priority":5"#, "priority"),
        (r#","priority":-1"#, "priority"),
        (r#","priority":1.0"#, "priority"),
        (r#","priority":1e0"#, "priority"),
        (r#","priority":12345678901234567890"#, "priority"),
        (r#","status":"""#, "status"),
        (&long, "status"),
        (r#","attempt_count":-1"#, "attempt_count"),
        (r#","attempt_count":1e3"#, "attempt_count"),
        (r#","attempt_count":9223372036854775808"#, "attempt_count"),
    ] {
        let projection = read(members);
        assert_eq!(oddities(members), [format!("{key} cannot be read")], "{members}");
        assert!(
            projection.priority.is_none() || projection.status.is_none() || projection.attempt_count == 0
        );
    }
    assert_eq!(read(r#","priority":-0"#).priority, Some(0));
    assert_eq!(
        read(&format!(r#","status":"{}""#, "s".repeat(50))).status.map(|status| status.len()),
        Some(50)
    );
    assert_eq!(read(r#","attempt_count":9223372036854775807"#).attempt_count, 9_223_372_036_854_775_807);
}

#[test]
fn a_time_that_is_none_is_odd() {
    for key in super::fields::TIMES {
        assert_eq!(
            oddities(&format!(r#","{key}":"soon","status":"tombstone""#)),
            [format!("{key} is no time")]
        );
    }
    assert_eq!(read(r#","updated_at":"2026-01-02 03:04:05""#).updated_at, None);
    assert!(read(r#","updated_at":"2026-01-02\u005403:04:05Z""#).updated_at.is_some());
}

#[test]
fn broken_rules_are_odd() {
    let title = |length: usize| format!(r#","priority":1,"title":"{}""#, "é".repeat(length / 2));
    for (members, expected) in [
        (r#","status":"closed""#, vec![Oddity::ClosedWithoutTime]),
        (
            r#","status":"closed","closed_at":null"#,
            vec![Oddity::ClosedWithoutTime, Oddity::Unreadable("closed_at".into())],
        ),
        (r#","status":"closed","closed_at":"2026-01-02T03:04:05Z""#, vec![]),
        (r#","status":"open","closed_at":"2026-01-02T03:04:05Z""#, vec![Oddity::OpenWithClosedTime]),
        (r#","closed_at":"2026-01-02T03:04:05Z""#, vec![Oddity::OpenWithClosedTime]),
        (r#","status":"tombstone","closed_at":"2026-01-02T03:04:05Z""#, vec![]),
        (r#","status":"done""#, vec![Oddity::Status("done".into())]),
        (
            r#","dependencies":[{"depends_on_id":"x","type":"parent_child"}]"#,
            vec![Oddity::DependencyType("parent_child".into())],
        ),
        (
            r#","dependencies":[{"depends_on_id":"x","type":"parent"},{"depends_on_id":"y","type":"parent"}]"#,
            vec![Oddity::DependencyType("parent".into())],
        ),
        (
            r#","dependencies":[{"depends_on_id":"x","type":"blocked-by"}]"#,
            vec![Oddity::DependencyType("blocked-by".into())],
        ),
        (
            r#","dependencies":[{"depends_on_id":"x","type":"Blocks"}]"#,
            vec![Oddity::DependencyType("Blocks".into())],
        ),
        (r#","dependencies":[{"depends_on_id":"x","type":"follows"}]"#, vec![]),
    ] {
        let members = format!(r#","title":"t","priority":1{members}"#);
        let mut expected = expected;
        expected.sort();
        assert_eq!(read(&members).oddities, expected, "{members}");
    }
    assert_eq!(read(&title(500)).oddities, []);
    assert_eq!(read(&title(502)).oddities, [Oddity::Title]);
    assert_eq!(read(&title(0)).oddities, [Oddity::Title]);
    assert_eq!(read(r#","title":"t""#).oddities, [Oddity::NoPriority]);
}

#[test]
fn dependencies_are_read_in_all_their_forms() {
    for (array, expected) in [
        ("[]", vec![]),
        (r#"["x","y"]"#, vec![edge("x", "blocks"), edge("y", "blocks")]),
        (r#"[{"depends_on_id":"x"}]"#, vec![edge("x", "blocks")]),
        (r#"[{"issue_id":"z","depends_on_id":"\u0078","type":"rel\u0061ted"}]"#, vec![edge("x", "related")]),
        // Two types of a pair both count; a repeated one counts once.
        (
            r#"[{"depends_on_id":"x","type":"blocks"},{"depends_on_id":"x","type":"parent-child"},"x"]"#,
            vec![edge("x", "blocks"), edge("x", "parent-child")],
        ),
    ] {
        let members = format!(r#","dependencies":{array}"#);
        assert_eq!(read(&members).dependencies, expected, "{array}");
        assert_eq!(oddities(&members), Vec::<String>::new());
    }
    for element in [
        r#""""#,
        "1",
        "null",
        "[]",
        "{}",
        r#"{"depends_on_id":1}"#,
        r#"{"depends_on_id":""}"#,
        r#"{"depends_on_id":"x","type":null}"#,
    ] {
        let members = format!(r#","dependencies":[{element},"y"]"#);
        assert_eq!(read(&members).dependencies, [edge("y", "blocks")], "{element}");
        assert_eq!(oddities(&members), ["dependencies cannot be read"]);
    }
}

#[test]
fn a_waits_for_says_whose_children_it_waits_for() {
    for (metadata, spawner, any_child) in [
        ("", "x", false),
        (r#","metadata":"{}""#, "x", false),
        (r#","metadata":"""#, "x", false),
        (r#","metadata":"{\"gate\":\"any-children\"}""#, "x", true),
        (r#","metadata":"{\"gate\":\"all-children\",\"spawner_id\":\"s\"}""#, "s", false),
        (r#","metadata":{"gate":"any-children","spawner_id":"s"}"#, "s", true),
        (r#","metadata":"{\"gate\":1,\"spawner_id\":\"\"}""#, "x", false),
        (r#","metadata":[1]"#, "x", false),
    ] {
        let found =
            read(&format!(r#","dependencies":[{{"depends_on_id":"x","type":"waits-for"{metadata}}}]"#));
        let expected = Edge { spawner: Some(spawner.to_owned()), any_child, ..edge("x", "waits-for") };
        assert_eq!(found.dependencies, [expected], "{metadata}");
    }
    let other = read(r#","dependencies":[{"depends_on_id":"x","metadata":"{\"gate\":\"any-children\"}"}]"#);
    assert_eq!(other.dependencies, [edge("x", "blocks")]);
}

#[test]
fn elements_that_cannot_be_read_hide_no_others() {
    let labels = r#","labels":["b",1,null,"a",["c"],"b"]"#;
    assert_eq!(read(labels).labels, ["b", "a"]);
    assert_eq!(oddities(labels), ["labels cannot be read"]);
    let comments = r#","comments":[1,{"id":true,"text":"x"},{"author":2,"created_at":"soon"},{"id":1e3}]"#;
    let found = read(comments).comments;
    let texts: Vec<_> =
        found.iter().map(|comment| (comment.id.as_deref(), comment.text.as_deref())).collect();
    assert_eq!(texts, [(None, Some("x")), (None, None), (Some("1e3"), None)]);
    assert_eq!(oddities(comments), ["comments cannot be read"]);
}

#[test]
fn fields_have_names_of_their_own() {
    let mut keys: Vec<_> = FIELDS.iter().map(|field| field.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), FIELDS.len());
    assert!(super::fields::TIMES.iter().all(|key| fields::known(key).is_some_and(|known| known.is_time)));
}
