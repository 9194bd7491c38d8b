//! New tasks: their names, their records, and what is refused.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::ids::{Seed, hashed};
use conclave_tasks::work::{self, NewTask};

use crate::project::{NOW, Project, ids, texts, titled};

#[test]
fn record_has_what_was_given_and_the_rest_by_default() {
    let project = Project::new();
    project.task("bd-1");
    assert_eq!(
        project.record("bd-1"),
        "{\"id\":\"bd-1\",\"title\":\"bd-1\",\"status\":\"open\",\"priority\":2,\"issue_type\":\"task\",\
         \"created_at\":\"2026-01-02T03:04:05.006Z\",\"created_by\":\"alice\",\"updated_at\":\"2026-01-02T03:04:05.006Z\"}"
    );
    let row = project.make(NewTask {
        id: Some("bd-2".to_owned()),
        title: "Ünïcode \"quoted\"".to_owned(),
        description: "a\nb".to_owned(),
        design: "d".to_owned(),
        acceptance_criteria: "c".to_owned(),
        notes: "n".to_owned(),
        priority: Some(0),
        issue_type: Some("bug".to_owned()),
        assignee: Some("bob".to_owned()),
        labels: texts(&["b", "a", "b"]),
        dependencies: vec![
            ("bd-1".to_owned(), "blocks".to_owned()),
            ("bd-1".to_owned(), "related".to_owned()),
        ],
        due_at: Some("2026-02-01T00:00:00+01:00".to_owned()),
        defer_until: Some("2026-01-01T00:00:00Z".to_owned()),
        external_ref: Some("gh-9".to_owned()),
        estimated_minutes: Some(90),
        ..NewTask::default()
    });
    let projection = row.record.projection();
    assert_eq!(row.title(), "Ünïcode \"quoted\"");
    assert_eq!(projection.priority, Some(0));
    assert_eq!(projection.labels, ["a", "b"]);
    assert_eq!(projection.dependencies.len(), 2);
    assert_eq!(projection.oddities, []);
    for (key, value) in [
        ("description", "a\nb"),
        ("design", "d"),
        ("acceptance_criteria", "c"),
        ("notes", "n"),
        ("issue_type", "bug"),
        ("assignee", "bob"),
        ("due_at", "2026-02-01T00:00:00+01:00"),
        ("defer_until", "2026-01-01T00:00:00Z"),
        ("external_ref", "gh-9"),
    ] {
        assert_eq!(row.record.text(key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(row.record.value("estimated_minutes"), Some(&b"90"[..]));
    assert!(row.blocked, "bd-1 is open");
    assert_eq!(project.ready(), ["bd-1"]);
    let audit = project.audit("bd-2");
    assert_eq!(audit.len(), 1);
    let created = &audit[0];
    assert_eq!((created.operation.as_str(), created.who.as_str(), created.at), ("created", "alice", NOW));
    assert_eq!((created.old_status.as_deref(), created.new_status.as_deref()), (None, Some("open")));
    assert!(created.changes.as_deref().unwrap().contains("\"assignee\":{\"new\":\"bob\"}"), "{created:?}");
}

#[test]
fn name_is_a_hash_behind_the_commonest_prefix() {
    let project = Project::new();
    let seed =
        |title| Seed { title, description: "", creator: "alice", created_ns: i128::from(NOW) * 1_000_000 };
    // Nothing is stored yet: the folder, or nothing at all, says how the first one begins.
    let first = project.make(NewTask { folder_prefix: "home".to_owned(), ..titled("first") });
    assert_eq!(first.id(), hashed("home", &seed("first"), 3, 0));
    for id in ["app-x1y", "app-2", "app-2.7"] {
        project.task(id);
    }
    let common = project.make(NewTask { folder_prefix: "home".to_owned(), ..titled("common") });
    assert_eq!(common.id(), hashed("app", &seed("common"), 3, 0));
    let given = project.make(NewTask { prefix: Some("own".to_owned()), ..titled("given") });
    assert_eq!(given.id(), hashed("own", &seed("given"), 3, 0));
    let nothing = Project::new();
    assert_eq!(nothing.make(titled("first")).id(), hashed("task", &seed("first"), 3, 0));
}

#[test]
fn name_was_never_given_before() {
    let project = Project::new();
    let same = NewTask { prefix: Some("bd".to_owned()), ..titled("same") };
    let seed =
        Seed { title: "same", description: "", creator: "alice", created_ns: i128::from(NOW) * 1_000_000 };
    // One at a time of the same title, the same creator and the same instant; each deleted before the next comes.
    for n in 0..25 {
        let id = project.make(same.clone()).id().to_owned();
        assert_eq!(id, hashed("bd", &seed, 3 + n / 10, u32::try_from(n % 10).unwrap()));
        work::delete(&project.db, "alice", &[id], None).unwrap();
    }
    let taken = NewTask { id: Some(hashed("bd", &seed, 3, 0)), ..titled("again") };
    assert_eq!(work::create(&project.db, "alice", taken).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn child_is_numbered_behind_all_that_ever_were() {
    let project = Project::new();
    project.task("bd-1");
    let child = |parent: &str| {
        let new = NewTask { parent: Some(parent.to_owned()), ..titled("child") };
        project.make(new)
    };
    assert_eq!(child("bd-1").id(), "bd-1.1");
    assert_eq!(child("bd-1").id(), "bd-1.2");
    assert_eq!(child("bd-1.2").id(), "bd-1.2.1");
    work::delete(&project.db, "alice", &texts(&["bd-1.2"]), None).unwrap();
    let third = child("bd-1");
    assert_eq!((third.id(), third.parent.as_deref()), ("bd-1.3", Some("bd-1")));
    assert_eq!(third.record.projection().dependencies[0].kind, "parent-child");
    // Numbers count, not their spelling; neighbours in the order of ids are not children.
    for id in ["bd-1.10", "bd-1.9", "bd-1-99", "bd-1.x", "bd-10.50", "bd-1077"] {
        project.task(id);
    }
    assert_eq!(child("bd-1").id(), "bd-1.11");
    let own = project.make(NewTask {
        id: Some("bd-own".to_owned()),
        parent: Some("bd-1".to_owned()),
        ..titled("own")
    });
    assert_eq!((own.id(), own.parent.as_deref()), ("bd-own", Some("bd-1")));
}

#[test]
fn nonsense_is_refused_and_leaves_nothing() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-gone");
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    let good = titled("good");
    let on = |target: &str, kind: &str| vec![(target.to_owned(), kind.to_owned())];
    let cases: Vec<(&str, NewTask, Kind)> = vec![
        ("no title", titled(""), Kind::Invalid),
        ("a blank title", titled(" \n"), Kind::Invalid),
        ("a long title", titled(&"é".repeat(251)), Kind::Invalid),
        ("priority", NewTask { priority: Some(5), ..good.clone() }, Kind::Invalid),
        ("type", NewTask { issue_type: Some(String::new()), ..good.clone() }, Kind::Invalid),
        ("assignee", NewTask { assignee: Some(String::new()), ..good.clone() }, Kind::Invalid),
        ("label", NewTask { labels: texts(&["a", ""]), ..good.clone() }, Kind::Invalid),
        ("long label", NewTask { labels: vec!["x".repeat(256)], ..good.clone() }, Kind::Invalid),
        ("due", NewTask { due_at: Some("tomorrow".to_owned()), ..good.clone() }, Kind::Invalid),
        (
            "defer",
            NewTask { defer_until: Some("2026-13-01T00:00:00Z".to_owned()), ..good.clone() },
            Kind::Invalid,
        ),
        ("dependency type", NewTask { dependencies: on("bd-1", ""), ..good.clone() }, Kind::Invalid),
        ("long type", NewTask { dependencies: on("bd-1", &"x".repeat(51)), ..good.clone() }, Kind::Invalid),
        ("target", NewTask { dependencies: on("bd-9", "blocks"), ..good.clone() }, Kind::NotFound),
        ("tombstone", NewTask { dependencies: on("bd-gone", "blocks"), ..good.clone() }, Kind::Refused),
        ("parent", NewTask { parent: Some("bd-9".to_owned()), ..good.clone() }, Kind::NotFound),
        ("dead parent", NewTask { parent: Some("bd-gone".to_owned()), ..good.clone() }, Kind::Refused),
        ("taken", NewTask { id: Some("bd-1".to_owned()), ..good.clone() }, Kind::Refused),
        ("given again", NewTask { id: Some("bd-gone".to_owned()), ..good.clone() }, Kind::Refused),
        ("blank id", NewTask { id: Some("b d".to_owned()), ..good.clone() }, Kind::Invalid),
        ("empty id", NewTask { id: Some(String::new()), ..good.clone() }, Kind::Invalid),
        ("prefix", NewTask { prefix: Some("a b".to_owned()), ..good.clone() }, Kind::Invalid),
    ];
    for (what, new, kind) in cases {
        let error = work::create(&project.db, "alice", new).unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
        assert_eq!(error.hint().is_some(), matches!(kind, Kind::NotFound | Kind::Refused), "{what}");
    }
    assert_eq!(work::create(&project.db, " ", good).unwrap_err().kind(), Kind::Invalid);
    assert_eq!(project.value::<i64>("SELECT count(*) FROM tasks"), 2);
    assert_eq!(project.value::<i64>("SELECT count(*) FROM task_audit"), 3);
    project.make(titled(&"é".repeat(250)));
}

#[test]
fn projections_are_written_with_the_record() {
    let project = Project::new();
    project.task("bd-1");
    project.make(NewTask {
        id: Some("bd-2".to_owned()),
        notes: "needle in notes".to_owned(),
        labels: texts(&["haystack", "x"]),
        dependencies: vec![("bd-1".to_owned(), "blocks".to_owned())],
        ..titled("words")
    });
    project.clock.advance(Duration::from_secs(1));
    assert_eq!(project.column::<String>("SELECT label FROM task_labels ORDER BY label"), ["haystack", "x"]);
    assert_eq!(project.column::<String>("SELECT target || ' ' || kind FROM task_edges"), ["bd-1 blocks"]);
    for words in ["needle", "haystack", "words"] {
        assert_eq!(
            ids(&conclave_tasks::read::search(&project.db, words, None).unwrap()),
            ["bd-2"],
            "{words}"
        );
    }
    assert_eq!(project.column::<i64>("SELECT place FROM tasks ORDER BY id"), [1, 2]);
}
