use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{audited, blocked, listed, node, shown};
use crate::json::{check, members};
use crate::read::{AuditRow, BlockedRow, Blocker, Detail, Neighbour, TaskRow, Tree};
use crate::record::Record;
use crate::testing::{Store, line, on};

/// A row as a read without anything around it makes it.
fn row(record: &str) -> TaskRow {
    let record = Record::read(record.as_bytes()).unwrap();
    TaskRow {
        status: record.projection().status.clone(),
        assignee: record.projection().assignee.clone(),
        record,
        expired_claim_of: None,
        blocked: false,
        dependency_count: 0,
        dependent_count: 0,
        comment_count: 0,
        parent: None,
    }
}

const COMPUTED: &str = "\"dependency_count\":0,\"dependent_count\":0,\"comment_count\":0,\"parent\":null,\"blocked_by_others\":false}";

#[test]
fn what_the_record_says_stays_as_it_is_and_what_it_lacks_is_put_in() {
    for (record, start) in [
        (
            r#"{"id":"a"}"#,
            r#"{"id":"a","title":null,"status":"open","priority":0,"issue_type":"task","assignee":null,"created_at":null,"updated_at":null,"closed_at":null,"labels":[],"#,
        ),
        (
            r#"{"id": "a", "priority": 1e0, "x": 1.50, "title": "\u00e9", "status": "\u006fpen", "labels": null, "type": "bug",  "closed_at": null}"#,
            r#"{"id": "a", "priority": 1e0, "x": 1.50, "title": "\u00e9", "status": "\u006fpen", "labels": [], "type": "bug",  "closed_at": null,"issue_type":"bug","assignee":null,"created_at":null,"updated_at":null,"#,
        ),
        (
            r#"{"id":"a","status":5,"priority":"high","title":7,"issue_type":"t","assignee":"","created_at":"x","updated_at":"y","closed_at":"z","labels":"l"}"#,
            r#"{"id":"a","status":null,"priority":"high","title":7,"issue_type":"t","assignee":"","created_at":"x","updated_at":"y","closed_at":"z","labels":"l","#,
        ),
        (
            r#"{"id":"a","_deleted":true,"status":"open","title":"t","priority":2,"issue_type":"t","assignee":"b","created_at":"x","updated_at":"y","closed_at":"z","labels":[]}"#,
            r#"{"id":"a","_deleted":true,"status":"tombstone","title":"t","priority":2,"issue_type":"t","assignee":"b","created_at":"x","updated_at":"y","closed_at":"z","labels":[],"#,
        ),
    ] {
        assert_eq!(listed(&row(record)).get(), format!("{start}{COMPUTED}"));
    }
}

#[test]
fn what_is_computed_replaces_what_a_file_brought_along() {
    let record = r#"{"id":"a","parent":"old","dependency_count":9,"blocked_by_others":[],"expired_claim_of":"x","comment_count":{"y":1},"dependent_count":1}"#;
    let mut row = row(record);
    (row.dependency_count, row.parent, row.blocked) = (3, Some("p\"".into()), true);
    let shape = listed(&row);
    assert_eq!(check(shape.get().as_bytes()).map_err(|flaw| flaw.what), Ok(crate::json::Kind::Object));
    assert!(
        shape.get().starts_with(
            r#"{"id":"a","parent":"p\"","dependency_count":3,"blocked_by_others":true,"expired_claim_of":null,"comment_count":0,"dependent_count":0,"#
        ),
        "{shape}"
    );
}

#[test]
fn an_expired_claim_is_open_and_nobodys() {
    let record =
        "\"status\":\"in_progress\",\"assignee\":\"ann\",\"claim_expires_at\":\"1969-01-01T00:00:00Z\"";
    let store = Store::with(&line("a", record));
    let shape = listed(&crate::read::show(&store.db, "a").unwrap().row);
    assert!(
        shape.get().contains("\"status\":\"open\",\"assignee\":null,\"claim_expires_at\":\"1969-"),
        "{shape}"
    );
    assert!(shape.get().contains(",\"expired_claim_of\":\"ann\","), "{shape}");
}

#[test]
fn one_task_in_full() {
    let dependencies =
        "\"dependencies\":[{\"depends_on_id\":\"b\",\"type\":\"blocks\"},\"gone\"],\"comments\":[{\"id\":1}]";
    let store = Store::with(&(line("a", dependencies) + &line("b", "") + &line("c", &on("tracks", "a"))));
    let shape = shown(&crate::read::show(&store.db, "a").unwrap());
    let value: serde_json::Value = serde_json::from_str(shape.get()).unwrap();
    assert_eq!(value["dependencies"][0]["id"], "b");
    assert_eq!(value["dependencies"][0]["dependency_type"], "blocks");
    assert_eq!(value["dependencies"][0]["status"], "open");
    let gone = serde_json::json!({"id": "gone", "missing": true, "dependency_type": "blocks"});
    assert_eq!(value["dependencies"][1], gone);
    assert_eq!(
        (&value["dependents"][0]["id"], &value["dependents"][0]["dependency_type"]),
        (&"c".into(), &"tracks".into())
    );
    assert_eq!(value["comments"], serde_json::json!([{"id": 1}]));
    assert_eq!((&value["blocked_by"], &value["ready"]), (&serde_json::json!(["b"]), &false.into()));
    assert_eq!(value["blocked_why"], serde_json::json!(["waits for b (open): b"]));
    let shape = shown(&crate::read::show(&store.db, "b").unwrap());
    let value: serde_json::Value = serde_json::from_str(shape.get()).unwrap();
    assert_eq!((&value["comments"], &value["ready"]), (&serde_json::json!([]), &true.into()));
    let held = crate::read::blocked(&store.db, None).unwrap();
    let value: serde_json::Value = serde_json::from_str(blocked(&held[0]).get()).unwrap();
    assert_eq!(
        (&value["id"], &value["blocked_by_count"], &value["blocked_by"][0]),
        (&"a".into(), &1.into(), &"b".into())
    );
}

#[test]
fn nodes_and_audit_rows() {
    let missing = Tree { depth: 2, id: "x".into(), kind: Some("blocks".into()), row: None, repeated: false };
    assert_eq!(
        node(&missing).get(),
        r#"{"id":"x","missing":true,"depth":2,"dependency_type":"blocks","repeated":false}"#
    );
    let root = Tree {
        depth: 0,
        id: "a".into(),
        kind: None,
        row: Some(row(r#"{"id":"a","depth":7}"#)),
        repeated: false,
    };
    assert!(node(&root).get().starts_with(r#"{"id":"a","depth":0,"title":null"#), "{}", node(&root));
    assert!(node(&root).get().ends_with(r#","dependency_type":null,"repeated":false}"#));
    let again = Tree { depth: 3, kind: Some("blocks".into()), repeated: true, ..root };
    assert_eq!(
        node(&again).get(),
        r#"{"id":"a","title":null,"status":"open","depth":3,"dependency_type":"blocks","repeated":true}"#
    );
    let audit = |changes: Option<&str>| {
        let row = AuditRow {
            number: 7,
            task_id: "a".into(),
            at: 1_769_904_000_005,
            who: "ann \"x\"".into(),
            operation: "claimed".into(),
            old_status: None,
            new_status: Some("open".into()),
            changes: changes.map(str::to_owned),
        };
        audited(&row).get().to_owned()
    };
    let start = r#"{"number":7,"task_id":"a","at":"2026-02-01T00:00:00.005Z","who":"ann \"x\"","operation":"claimed","old_status":null,"new_status":"open","changes":"#;
    assert_eq!(audit(Some(r#"{"x":{"old":1e0}}"#)), format!(r#"{start}{{"x":{{"old":1e0}}}}}}"#));
    assert_eq!(audit(None), format!("{start}null}}"));
    assert_eq!(audit(Some("no JSON")), format!(r#"{start}"no JSON"}}"#));
}

#[test]
fn a_record_as_deep_as_one_may_be_has_a_shape_too() {
    let depth = crate::json::DEPTH - 1;
    let record = format!(r#"{{"id":"a","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let row = row(&record);
    assert!(listed(&row).get().starts_with(&record[..record.len() - 1]));
    let neighbour = Neighbour { id: "a".into(), kind: "blocks".into(), row: Some(row.clone()) };
    let detail = Detail {
        attempts: Vec::new(),
        dependencies: vec![neighbour],
        dependents: Vec::new(),
        blockers: Vec::new(),
        ready: true,
        row,
    };
    // Deeper than what is stored, and still an object.
    assert!(shown(&detail).get().ends_with(",\"ready\":true,\"attempts\":[]}"));
}

const KEYS: [&str; 22] = [
    "title",
    "status",
    "priority",
    "issue_type",
    "type",
    "assignee",
    "created_at",
    "closed_at",
    "labels",
    "comments",
    "dependencies",
    "dependency_count",
    "parent",
    "blocked_by",
    "blocked_why",
    "blocked_by_count",
    "ready",
    "expired_claim_of",
    "dependents",
    "x",
    "é",
    "_deleted",
];
const VALUES: [&str; 14] = [
    "null",
    "\"\"",
    "\"open\"",
    "\"in_progress\"",
    "1",
    "-1.50e+3",
    "18446744073709551616",
    "[]",
    "[ \"a\" ,1]",
    "{}",
    "{\"a\" : [\"\\ud83d\\ude80\"]}",
    "true",
    "\"\\u0000 \\/ \u{2028}\"",
    "\"2026-01-01T00:00:00Z\"",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_shape_is_one_object_with_all_that_the_record_has(
        found in vec((select(&KEYS[..]), select(&VALUES[..])), 0..12),
        blank in select(vec!["", " ", "\t "]),
        expired in any::<bool>(),
    ) {
        let mut record = format!("{{{blank}\"id\":{blank}\"a\"");
        let mut keys = std::collections::BTreeSet::new();
        for (key, value) in found {
            if keys.insert(key) {
                record.extend([blank, ",", blank, "\"", key, "\"", blank, ":", blank, value]);
            }
        }
        record.push_str(blank);
        record.push('}');
        let mut row = row(&record);
        if expired {
            (row.status, row.assignee, row.expired_claim_of) = (Some("open".into()), None, Some("é\"\n".into()));
        }
        let by = Blocker { id: "b\\".into(), title: None, status: None, kind: "blocks".into(), why: "\u{1}".into() };
        let neighbour = Neighbour { id: "a".into(), kind: "\"".into(), row: Some(row.clone()) };
        let detail = Detail {
            attempts: Vec::new(),
            row: row.clone(),
            dependencies: vec![neighbour.clone()],
            dependents: vec![neighbour, Neighbour { id: "\"".into(), kind: "x".into(), row: None }],
            blockers: vec![by.clone()],
            ready: true,
        };
        let held = BlockedRow { row: row.clone(), by: vec![by] };
        for shape in [listed(&row), shown(&detail), blocked(&held)] {
            let bytes = shape.get().as_bytes();
            prop_assert!(check(bytes).is_ok(), "{}", shape);
            let shaped = members(bytes).unwrap();
            let value = |key: &str| {
                let member = shaped.iter().find(|member| member.key == key);
                member.map(|member| &bytes[member.span.clone()])
            };
            for key in ["id", "title", "status", "priority", "issue_type", "assignee", "created_at", "updated_at", "closed_at",
                "labels", "dependency_count", "dependent_count", "comment_count", "parent", "blocked_by_others"] {
                prop_assert!(value(key).is_some(), "{} in {}", key, shape);
            }
            for key in ["title", "created_at", "x", "é", "_deleted", "type"] {
                let own = row.record.value(key);
                prop_assert!(own.is_none() || own == value(key), "{} in {}", key, shape);
            }
        }
    }
}
