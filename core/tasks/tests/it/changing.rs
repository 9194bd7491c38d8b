//! Changes of fields: what is touched, what is left, and what is refused.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::read;
use conclave_tasks::work::{self, Attempt, Change, Set};

use crate::project::{NOW, Project, ids, texts};

fn update(project: &Project, id: &str, change: Change) -> read::TaskRow {
    work::update(&project.db, "bob", &texts(&[id]), change).unwrap().remove(0)
}

fn status(status: &str) -> Change {
    Change { status: Some(status.to_owned()), ..Change::default() }
}

fn to(text: &str) -> Set<String> {
    Set::To(text.to_owned())
}

#[test]
fn only_what_is_touched_changes() {
    let project = Project::new();
    project.task("bd-1");
    project.clock.advance(Duration::from_millis(994));
    let change = Change {
        title: Some("other".to_owned()),
        priority: Some(0),
        notes: to("a \"note\""),
        add_labels: texts(&["b", "a"]),
        ..Change::default()
    };
    let row = update(&project, "bd-1", change);
    assert_eq!(
        String::from_utf8_lossy(row.record.bytes()),
        "{\"id\":\"bd-1\",\"title\":\"other\",\"status\":\"open\",\"priority\":0,\"issue_type\":\"task\",\
         \"created_at\":\"2026-01-02T03:04:05.006Z\",\"created_by\":\"alice\",\"updated_at\":\"2026-01-02T03:04:06.000Z\",\
         \"notes\":\"a \\\"note\\\"\",\"labels\":[\"a\",\"b\"]}"
    );
    let last = project.audit("bd-1").pop().unwrap();
    assert_eq!((last.operation.as_str(), last.who.as_str(), last.at), ("updated", "bob", NOW + 994));
    assert_eq!(
        last.changes.as_deref(),
        Some(
            "{\"title\":{\"old\":\"bd-1\",\"new\":\"other\"},\"priority\":{\"old\":2,\"new\":0},\
             \"updated_at\":{\"old\":\"2026-01-02T03:04:05.006Z\",\"new\":\"2026-01-02T03:04:06.000Z\"},\
             \"notes\":{\"new\":\"a \\\"note\\\"\"},\"labels\":{\"new\":[\"a\",\"b\"]}}"
        )
    );
    let cleared = Change { notes: Set::Clear, set_labels: Some(vec![]), ..Change::default() };
    let row = update(&project, "bd-1", cleared);
    assert_eq!((row.record.value("notes"), row.record.value("labels")), (None, None));
    assert_eq!(project.value::<i64>("SELECT count(*) FROM task_labels"), 0);
    assert!(read::search(&project.db, "note", None).unwrap().is_empty(), "its words are gone too");
}

#[test]
fn nothing_changes_where_nothing_is_other() {
    let project = Project::new();
    let before = project.task("bd-1");
    project.clock.advance(Duration::from_secs(1));
    for change in [
        Change::default(),
        status("open"),
        Change { title: Some("bd-1".to_owned()), priority: Some(2), notes: Set::Clear, ..Change::default() },
        Change { notes: to(""), remove_labels: texts(&["x"]), set_labels: None, ..Change::default() },
    ] {
        let row = update(&project, "bd-1", change.clone());
        assert_eq!(row.record.bytes(), before.record.bytes(), "{change:?}");
    }
    assert_eq!(project.operations("bd-1"), ["created"]);
}

#[test]
fn status_keeps_closed_at_and_claims_right() {
    let project = Project::new();
    project.task("bd-1");
    work::claim(&project.db, "bob", "bd-1", Some(Duration::from_mins(1))).unwrap();
    let row = update(&project, "bd-1", status("closed"));
    assert_eq!(row.record.text("closed_at").as_deref(), Some("2026-01-02T03:04:05.008Z"));
    assert_eq!(row.record.value("claim_expires_at"), None);
    for (name, further) in [("deferred", vec![]), ("pinned", vec![]), ("review", texts(&["review"]))] {
        let row = update(&project, "bd-1", Change { statuses: further, ..status(name) });
        assert_eq!(row.status.as_deref(), Some(name));
        assert_eq!(row.record.value("closed_at"), None, "{name}");
    }
    work::close(
        &project.db,
        "bob",
        &texts(&["bd-1"]),
        &work::Closing { reason: Some("done".to_owned()), ..Default::default() },
    )
    .unwrap();
    let row = update(&project, "bd-1", status("in_progress"));
    assert_eq!((row.record.value("closed_at"), row.record.value("close_reason")), (None, None));
    let last = project.audit("bd-1").pop().unwrap();
    assert_eq!(
        (last.old_status.as_deref(), last.new_status.as_deref()),
        (Some("closed"), Some("in_progress"))
    );
}

#[test]
fn several_tasks_change_together_or_not_at_all() {
    let project = Project::new();
    for id in ["bd-1", "bd-2", "bd-3"] {
        project.task(id);
    }
    work::delete(&project.db, "alice", &texts(&["bd-3"]), None).unwrap();
    let change = || Change { priority: Some(4), ..Change::default() };
    let rows = work::update(&project.db, "bob", &texts(&["bd-2", "bd-1", "bd-2"]), change()).unwrap();
    assert_eq!(ids(&rows), ["bd-2", "bd-1"]);
    assert_eq!(project.operations("bd-2"), ["created", "updated"]);
    for (other, kind) in [("bd-9", Kind::NotFound), ("bd-3", Kind::Refused)] {
        let change = Change { priority: Some(0), ..Change::default() };
        let error = work::update(&project.db, "bob", &texts(&["bd-1", other]), change).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    assert_eq!(project.row("bd-1").record.projection().priority, Some(4));
    assert_eq!(work::update(&project.db, "bob", &[], change()).unwrap(), []);
}

#[test]
fn nonsense_is_refused() {
    let project = Project::new();
    let before = project.task("bd-1");
    let cases = [
        ("unknown status", status("bananas")),
        ("empty status", status("")),
        ("long status", Change { statuses: vec!["x".repeat(51)], ..status(&"x".repeat(51)) }),
        ("tombstone", status("tombstone")),
        ("title", Change { title: Some("é".repeat(251)), ..Change::default() }),
        ("empty title", Change { title: Some(String::new()), ..Change::default() }),
        ("priority", Change { priority: Some(5), ..Change::default() }),
        ("type", Change { issue_type: Some(String::new()), ..Change::default() }),
        ("due", Change { due_at: to("soon"), ..Change::default() }),
        ("defer", Change { defer_until: to("2026-01-01"), ..Change::default() }),
        ("label", Change { add_labels: texts(&["a", " "]), ..Change::default() }),
        ("labels twice", Change { add_labels: texts(&["a"]), set_labels: Some(vec![]), ..Change::default() }),
        ("attempts", Change { attempt: Some(Attempt::Number(u64::MAX)), ..Change::default() }),
    ];
    for (what, change) in cases {
        let error = work::update(&project.db, "bob", &texts(&["bd-1"]), change).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{what}: {error}");
    }
    assert_eq!(project.row("bd-1").record, before.record);
}

#[test]
fn attempts_are_kept_whole() {
    let project = Project::new();
    project.task("bd-1");
    let long = "x".repeat(40_000);
    let failed = Change { error: to(&long), attempt: Some(Attempt::Next), ..Change::default() };
    let row = update(&project, "bd-1", failed);
    assert_eq!(row.record.text("last_error").as_deref(), Some(long.as_str()));
    assert_eq!(row.record.projection().attempt_count, 1);
    // A result is a success: the last error goes, the number of attempts stays.
    let row = update(&project, "bd-1", Change { result: to("done"), ..Change::default() });
    assert_eq!((row.record.text("result").as_deref(), row.record.value("last_error")), (Some("done"), None));
    let both = Change {
        result: to("half"),
        error: to("but"),
        attempt: Some(Attempt::Number(7)),
        ..status("closed")
    };
    let row = update(&project, "bd-1", both);
    assert_eq!(row.record.text("last_error").as_deref(), Some("but"));
    let row = update(&project, "bd-1", Change { attempt: Some(Attempt::Number(0)), ..Change::default() });
    assert_eq!(row.record.projection().attempt_count, 0);
    // The same again changes no record, and was tried nevertheless.
    update(&project, "bd-1", Change { result: to("half"), error: to("but"), ..Change::default() });
    update(&project, "bd-1", Change { result: Set::Clear, ..Change::default() });
    let attempts = read::attempts(&project.db, "bd-1").unwrap();
    let shown: Vec<_> = attempts
        .iter()
        .rev()
        .map(|row| (row.attempt, row.status.as_deref(), row.result.as_deref(), row.error.as_deref()))
        .collect();
    let (open, closed) = (Some("open"), Some("closed"));
    assert_eq!(
        shown,
        [
            (1, open, None, Some(long.as_str())),
            (1, open, Some("done"), None),
            (7, closed, Some("half"), Some("but")),
            (1, closed, Some("half"), Some("but")),
        ]
    );
    assert_eq!(attempts[0].who, "bob");
}

#[test]
fn updated_at_never_goes_back() {
    let project = Project::new();
    project.task("bd-1");
    project.clock.set_wall_ms(NOW - 3_600_000);
    let row = update(&project, "bd-1", Change { priority: Some(1), ..Change::default() });
    assert_eq!(row.record.text("updated_at").as_deref(), Some("2026-01-02T03:04:05.007Z"));
    let row = update(&project, "bd-1", Change { priority: Some(3), ..Change::default() });
    assert_eq!(row.record.text("updated_at").as_deref(), Some("2026-01-02T03:04:05.008Z"));
}

#[test]
fn change_of_an_expired_claim_begins_with_the_open_task_that_is_shown() {
    let project = Project::new();
    project.task("bd-1");
    work::claim(&project.db, "bob", "bd-1", Some(Duration::from_secs(1))).unwrap();
    project.clock.advance(Duration::from_secs(2));
    let row = update(&project, "bd-1", Change { title: Some("t".to_owned()), ..Change::default() });
    assert_eq!((row.status.as_deref(), row.expired_claim_of.as_deref()), (Some("open"), Some("bob")));
    let row = update(&project, "bd-1", Change { assignee: to("carol"), ..Change::default() });
    assert_eq!((row.status.as_deref(), row.assignee.as_deref()), (Some("open"), Some("carol")));
    assert_eq!(row.record.value("claim_expires_at"), None);
    let mine = work::claim(&project.db, "carol", "bd-1", Some(Duration::from_secs(1))).unwrap();
    assert_eq!(mine.row.assignee.as_deref(), Some("carol"));
    project.clock.advance(Duration::from_secs(2));
    let row = update(&project, "bd-1", status("in_progress"));
    assert_eq!((row.status.as_deref(), row.assignee.as_deref()), (Some("in_progress"), Some("bob")));
    assert_eq!(row.record.value("claim_expires_at"), None);
    assert_eq!(project.operations("bd-1").last().unwrap(), "taken_over");
}

#[test]
fn what_is_in_progress_is_somebodys() {
    let project = Project::new();
    for id in ["bd-1", "bd-2", "bd-3"] {
        project.task(id);
    }
    let row = update(&project, "bd-1", status("in_progress"));
    assert_eq!(row.assignee.as_deref(), Some("bob"));
    // A heartbeat after the claim has expired: it is bob's again, and not lost.
    work::claim(&project.db, "bob", "bd-2", Some(Duration::from_secs(1))).unwrap();
    project.clock.advance(Duration::from_secs(2));
    let row = update(&project, "bd-2", Change { attempt: Some(Attempt::Next), ..status("in_progress") });
    assert_eq!((row.status.as_deref(), row.assignee.as_deref()), (Some("in_progress"), Some("bob")));
    assert_eq!(project.operations("bd-2").last().unwrap(), "updated");
    // One that is given to somebody else stays so.
    update(&project, "bd-3", Change { assignee: to("carol"), ..status("in_progress") });
    assert_eq!(update(&project, "bd-3", status("in_progress")).assignee.as_deref(), Some("carol"));
    for change in [
        Change { assignee: Set::Clear, ..Change::default() },
        Change { assignee: to(""), ..status("in_progress") },
    ] {
        let error = work::update(&project.db, "bob", &texts(&["bd-3"]), change).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert!(error.hint().unwrap().contains("--status open"));
    }
    let row = update(&project, "bd-3", Change { assignee: Set::Clear, ..status("open") });
    assert_eq!((row.status.as_deref(), row.assignee), (Some("open"), None));
}

#[test]
fn title_is_found_by_its_new_words_only() {
    let project = Project::new();
    project.task("bd-1");
    update(&project, "bd-1", Change { title: Some("before".to_owned()), ..Change::default() });
    update(&project, "bd-1", Change { title: Some("after".to_owned()), ..Change::default() });
    let found = |words: &str| ids(&read::search(&project.db, words, None).unwrap());
    assert_eq!((found("after"), found("before")), (vec!["bd-1".to_owned()], vec![]));
}

#[test]
fn labels_are_added_taken_away_or_set() {
    let project = Project::new();
    project.task("bd-1");
    let labels = |change: Change| update(&project, "bd-1", change).record.projection().labels.clone();
    assert_eq!(labels(Change { add_labels: texts(&["c", "a", "b"]), ..Change::default() }), ["a", "b", "c"]);
    let change = Change { add_labels: texts(&["d"]), remove_labels: texts(&["a", "x"]), ..Change::default() };
    assert_eq!(labels(change), ["b", "c", "d"]);
    assert_eq!(labels(Change { set_labels: Some(texts(&["e", "c"])), ..Change::default() }), ["c", "e"]);
}
