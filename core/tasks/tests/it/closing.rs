//! Closing, reopening, deleting.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::read;
use conclave_tasks::work::{self, Attempt, Change, Closing, NewTask};

use crate::project::{Project, ids, texts, titled};

fn close(
    project: &Project,
    of: &[&str],
    how: &Closing,
) -> conclave_tasks::Result<(Vec<String>, Vec<String>)> {
    let closed = work::close(&project.db, "bob", &texts(of), how)?;
    assert!(closed.rows.iter().all(|row| row.status.as_deref() == Some("closed")));
    Ok((ids(&closed.rows), closed.ready))
}

fn task(project: &Project, id: &str, issue_type: &str, dependencies: &[(&str, &str)]) {
    let dependencies = dependencies.iter().map(|&(on, kind)| (on.to_owned(), kind.to_owned())).collect();
    project.make(NewTask {
        id: Some(id.to_owned()),
        issue_type: Some(issue_type.to_owned()),
        dependencies,
        ..titled(id)
    });
}

#[test]
fn closing_says_what_it_frees() {
    let project = Project::new();
    for (id, on) in
        [("bd-1", vec![]), ("bd-2", vec![]), ("bd-3", vec!["bd-1"]), ("bd-4", vec!["bd-1", "bd-2"])]
    {
        task(&project, id, "task", &on.iter().map(|on| (*on, "blocks")).collect::<Vec<_>>());
    }
    // Freed, and not ready for another reason.
    task(&project, "bd-5", "gate", &[("bd-1", "blocks")]);
    // Inherited.
    task(&project, "bd-6", "task", &[("bd-3", "parent-child")]);
    assert_eq!(project.ready(), ["bd-1", "bd-2"]);
    let how = Closing {
        reason: Some("all done".to_owned()),
        result: Some("42".to_owned()),
        attempt: Some(Attempt::Next),
        ..Closing::default()
    };
    project.clock.advance(Duration::from_millis(994));
    assert_eq!(close(&project, &["bd-1"], &how).unwrap(), (texts(&["bd-1"]), texts(&["bd-3", "bd-6"])));
    let record = project.row("bd-1").record;
    for (key, value) in [
        ("closed_at", "2026-01-02T03:04:06.000Z"),
        ("updated_at", "2026-01-02T03:04:06.000Z"),
        ("close_reason", "all done"),
        ("result", "42"),
    ] {
        assert_eq!(record.text(key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(record.projection().attempt_count, 1);
    assert_eq!(read::attempts(&project.db, "bd-1").unwrap().len(), 1);
    assert_eq!(project.operations("bd-1"), ["created", "closed"]);
}

#[test]
fn closed_task_keeps_its_time_and_reason_and_gets_what_came_of_it() {
    let project = Project::new();
    project.task("bd-1");
    let reason = |reason: &str| Closing { reason: Some(reason.to_owned()), ..Closing::default() };
    close(&project, &["bd-1"], &reason("done")).unwrap();
    let before = project.row("bd-1").record;
    project.clock.advance(Duration::from_secs(1));
    let again = work::close(&project.db, "bob", &texts(&["bd-1"]), &reason("once more")).unwrap();
    assert_eq!((again.already, again.ready), (texts(&["bd-1"]), vec![]));
    assert_eq!(project.row("bd-1").record, before, "a reason alone changes nothing");
    let tried = Closing {
        result: Some("43".to_owned()),
        error: Some("but".to_owned()),
        attempt: Some(Attempt::Next),
        ..reason("once more")
    };
    close(&project, &["bd-1"], &tried).unwrap();
    let after = project.row("bd-1").record;
    for (key, value) in
        [("result", "43"), ("last_error", "but"), ("close_reason", "done"), ("status", "closed")]
    {
        assert_eq!(after.text(key).as_deref(), Some(value), "{key}");
    }
    assert_eq!((after.value("closed_at"), after.projection().attempt_count), (before.value("closed_at"), 1));
    let attempts = read::attempts(&project.db, "bd-1").unwrap();
    assert_eq!((attempts.len(), attempts[0].result.as_deref()), (1, Some("43")));
    assert_eq!(project.operations("bd-1"), ["created", "closed", "updated"]);
}

#[test]
fn update_to_closed_is_refused_where_closing_is() {
    let project = Project::new();
    task(&project, "bd-1", "task", &[]);
    task(&project, "bd-2", "task", &[("bd-1", "blocks")]);
    task(&project, "bd-epic", "epic", &[]);
    task(&project, "bd-epic.1", "task", &[("bd-epic", "parent-child")]);
    let to_closed = || Change { status: Some("closed".to_owned()), ..Change::default() };
    let update = |ids: &[&str]| work::update(&project.db, "bob", &texts(ids), to_closed());
    for id in ["bd-2", "bd-epic"] {
        let error = update(&[id]).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert!(error.hint().unwrap().contains("conclave task close --force"));
        assert_eq!(project.row(id).status.as_deref(), Some("open"));
    }
    // Together nothing of them is left that the others wait for.
    update(&["bd-2", "bd-1", "bd-epic", "bd-epic.1"]).unwrap();
    // What is closed already is no matter of blockers, here as there.
    work::reopen(&project.db, "bob", &texts(&["bd-1"]), None).unwrap();
    update(&["bd-2"]).unwrap();
}

#[test]
fn closing_is_refused_while_others_are_unfinished() {
    let project = Project::new();
    task(&project, "bd-1", "task", &[]);
    task(&project, "bd-2", "task", &[("bd-1", "blocks")]);
    task(&project, "bd-3", "task", &[("bd-1", "conditional-blocks")]);
    task(&project, "bd-epic", "epic", &[]);
    task(&project, "bd-epic.1", "task", &[("bd-epic", "parent-child")]);
    task(&project, "bd-epic.2", "task", &[("bd-epic", "parent-child")]);
    task(&project, "bd-wait", "task", &[("bd-epic", "waits-for")]);
    task(&project, "bd-feature", "feature", &[]);
    task(&project, "bd-feature.1", "task", &[("bd-feature", "parent-child"), ("bd-1", "related")]);
    for (id, why) in [
        ("bd-2", "bd-2 waits for bd-1 (open): bd-1"),
        ("bd-3", "bd-3 waits for bd-1 (open): bd-1"),
        (
            "bd-epic",
            "bd-epic is an epic with children that are not closed: bd-epic.1 (open): bd-epic.1; bd-epic.2 (open): bd-epic.2",
        ),
        ("bd-wait", "bd-wait waits for bd-epic.1 (open): bd-epic.1; bd-epic.2 (open): bd-epic.2"),
    ] {
        let error = close(&project, &["bd-feature.1", id], &Closing::default()).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (Kind::Refused, why));
        assert!(error.hint().is_some());
    }
    assert_eq!(project.row("bd-feature.1").status.as_deref(), Some("open"), "all or nothing");
    // Others of the same call are no hindrance, whatever the order; nor are children of what is no epic.
    let all = ["bd-2", "bd-1", "bd-epic", "bd-epic.1", "bd-epic.2", "bd-feature"];
    close(&project, &all, &Closing::default()).unwrap();
    close(&project, &["bd-wait", "bd-3"], &Closing::default()).unwrap();
    let forced = Project::new();
    task(&forced, "bd-1", "task", &[]);
    task(&forced, "bd-2", "task", &[("bd-1", "blocks")]);
    close(&forced, &["bd-2"], &Closing { force: true, ..Closing::default() }).unwrap();
}

#[test]
fn refusal_names_a_few_and_counts_the_rest() {
    let project = Project::new();
    let others: Vec<String> = (1..=7).map(|n| format!("bd-{n}")).collect();
    for id in &others {
        project.task(id);
    }
    task(&project, "bd-x", "task", &others.iter().map(|id| (id.as_str(), "blocks")).collect::<Vec<_>>());
    let error = close(&project, &["bd-x"], &Closing::default()).unwrap_err().to_string();
    assert!(error.ends_with("bd-5 (open): bd-5; and 2 more"), "{error}");
}

#[test]
fn closing_needs_living_tasks() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-gone");
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    for (other, kind) in [("bd-9", Kind::NotFound), ("bd-gone", Kind::Refused)] {
        assert_eq!(close(&project, &["bd-1", other], &Closing::default()).unwrap_err().kind(), kind);
    }
    assert_eq!(project.row("bd-1").status.as_deref(), Some("open"));
}

#[test]
fn reopening_takes_back_what_closing_said() {
    let project = Project::new();
    task(&project, "bd-1", "task", &[]);
    task(&project, "bd-2", "task", &[("bd-1", "blocks")]);
    project.task("bd-gone");
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    work::claim(&project.db, "bob", "bd-1", Some(Duration::from_mins(1))).unwrap();
    let how = Closing { reason: Some("done".to_owned()), ..Closing::default() };
    close(&project, &["bd-1"], &how).unwrap();
    assert!(!project.row("bd-2").blocked);
    let rows = work::reopen(&project.db, "carol", &texts(&["bd-1", "bd-2"]), Some("not yet")).unwrap();
    assert_eq!(rows[0].status.as_deref(), Some("open"));
    assert!(rows[1].blocked);
    let record = &rows[0].record;
    assert_eq!((record.value("closed_at"), record.value("close_reason")), (None, None));
    let comment = &record.projection().comments[0];
    assert_eq!((comment.author.as_deref(), comment.text.as_deref()), (Some("carol"), Some("not yet")));
    assert_eq!(project.operations("bd-1"), ["created", "claimed", "closed", "reopened"]);
    assert_eq!(project.operations("bd-2"), ["created"], "an open one stays as it is");
    let error = work::reopen(&project.db, "carol", &texts(&["bd-gone"]), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
}

#[test]
fn deleting_leaves_a_tombstone() {
    let project = Project::new();
    task(&project, "bd-1", "bug", &[]);
    task(&project, "bd-2", "task", &[("bd-1", "blocks")]);
    close(&project, &["bd-1"], &Closing { reason: Some("done".to_owned()), ..Closing::default() }).unwrap();
    project.clock.advance(Duration::from_millis(994));
    let rows = work::delete(&project.db, "bob", &texts(&["bd-1"]), Some("twice there")).unwrap();
    let record = &rows[0].record;
    for (key, value) in [
        ("status", Some("tombstone")),
        ("deleted_at", Some("2026-01-02T03:04:06.000Z")),
        ("deleted_by", Some("bob")),
        ("delete_reason", Some("twice there")),
        ("original_type", Some("bug")),
        ("title", Some("bd-1")),
        ("closed_at", Some("2026-01-02T03:04:05.007Z")),
        ("close_reason", Some("done")),
    ] {
        assert_eq!(record.text(key).as_deref(), value, "{key}");
    }
    assert_eq!(record.projection().oddities, []);
    assert_eq!(project.ready(), ["bd-2"], "what is gone blocks nothing");
    project.clock.advance(Duration::from_secs(1));
    let again = work::delete(&project.db, "carol", &texts(&["bd-1"]), None).unwrap();
    assert_eq!(again[0].record, *record);
    assert_eq!(project.operations("bd-1"), ["created", "closed", "deleted"]);
    let missing = work::delete(&project.db, "bob", &texts(&["bd-2", "bd-9"]), None).unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound);
    assert_eq!(project.ready(), ["bd-2"]);
    let update = work::update(&project.db, "bob", &texts(&["bd-1"]), Change::default()).unwrap_err();
    assert_eq!(update.kind(), Kind::Refused);
}
