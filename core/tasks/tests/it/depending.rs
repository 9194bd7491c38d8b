//! Dependencies: both ends, cycles, and what is there already.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::work::{self, NewTask};

use crate::project::{Project, texts, titled};

#[test]
fn edge_is_added_once_per_type_and_taken_away_again() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-2");
    let depend = |kind| work::depend(&project.db, "bob", "bd-2", "bd-1", kind).unwrap();
    project.clock.advance(Duration::from_millis(994));
    let added = depend("blocks");
    assert!(added.changed && added.issue.blocked);
    assert_eq!((added.depends_on.as_str(), added.kinds.as_slice()), ("bd-1", &["blocks".to_owned()][..]));
    assert_eq!(added.target.unwrap().id(), "bd-1");
    let record = project.record("bd-2");
    assert!(
        record.ends_with(
            "\"updated_at\":\"2026-01-02T03:04:06.000Z\",\"dependencies\":[{\"issue_id\":\"bd-2\",\
             \"depends_on_id\":\"bd-1\",\"type\":\"blocks\",\"created_at\":\"2026-01-02T03:04:06.000Z\",\
             \"created_by\":\"bob\"}]}"
        ),
        "{record}"
    );
    assert!(!depend("blocks").changed);
    assert_eq!(project.record("bd-2"), record);
    assert!(depend("related").changed);
    assert!(depend("parent").changed, "any text is a type");
    let gone = work::undepend(&project.db, "bob", "bd-2", "bd-1", Some("blocks")).unwrap();
    assert!(gone.changed && !gone.issue.blocked);
    assert_eq!(gone.kinds, ["blocks"]);
    let gone = work::undepend(&project.db, "bob", "bd-2", "bd-1", None).unwrap();
    assert_eq!(gone.kinds, ["related", "parent"]);
    assert_eq!(gone.issue.record.value("dependencies"), None);
    assert_eq!(project.value::<i64>("SELECT count(*) FROM task_edges"), 0);
    assert_eq!(project.operations("bd-2").len(), 6);
    let error = work::undepend(&project.db, "bob", "bd-2", "bd-1", Some("blocks")).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert_eq!(error.to_string(), "bd-2 does not depend on bd-1 by blocks");
}

#[test]
fn nonsense_is_refused() {
    let project = Project::new();
    for id in ["bd-1", "bd-2", "bd-gone"] {
        project.task(id);
    }
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    for (issue, on, kind, wanted) in [
        ("bd-1", "bd-1", "blocks", Kind::Refused),
        ("bd-1", "bd-1", "related", Kind::Refused),
        ("bd-1", "bd-9", "blocks", Kind::NotFound),
        ("bd-9", "bd-1", "blocks", Kind::NotFound),
        ("bd-1", "bd-gone", "blocks", Kind::Refused),
        ("bd-gone", "bd-1", "blocks", Kind::Refused),
        ("bd-1", "bd-2", "", Kind::Invalid),
        ("bd-1", "bd-2", &"x".repeat(51), Kind::Invalid),
    ] {
        let error = work::depend(&project.db, "bob", issue, on, kind).unwrap_err();
        assert_eq!(error.kind(), wanted, "{issue} {on} {kind}: {error}");
    }
    assert_eq!(project.value::<i64>("SELECT count(*) FROM task_edges"), 0);
}

#[test]
fn cycle_is_refused_over_all_types_that_make_tasks_wait() {
    let project = Project::new();
    for id in ["bd-a", "bd-b", "bd-c", "bd-d", "bd-e"] {
        project.task(id);
    }
    for (issue, on, kind) in [
        ("bd-a", "bd-b", "blocks"),
        ("bd-b", "bd-c", "parent-child"),
        ("bd-c", "bd-d", "waits-for"),
        ("bd-d", "bd-e", "conditional-blocks"),
    ] {
        work::depend(&project.db, "bob", issue, on, kind).unwrap();
    }
    for kind in ["blocks", "parent-child", "waits-for", "conditional-blocks"] {
        let error = work::depend(&project.db, "bob", "bd-e", "bd-a", kind).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        assert_eq!(error.to_string(), "bd-e would wait for itself: bd-e → bd-a → bd-b → bd-c → bd-d → bd-e");
    }
    assert!(work::depend(&project.db, "bob", "bd-e", "bd-a", "related").unwrap().changed);
    // What does not make a task wait closes no cycle.
    work::undepend(&project.db, "bob", "bd-b", "bd-c", None).unwrap();
    work::depend(&project.db, "bob", "bd-b", "bd-c", "discovered-from").unwrap();
    assert!(work::depend(&project.db, "bob", "bd-e", "bd-a", "blocks").unwrap().changed);
}

#[test]
fn new_task_closes_no_cycle_through_edges_that_waited_for_it() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-2");
    work::depend(&project.db, "bob", "bd-1", "bd-2", "blocks").unwrap();
    // An edge to an id that no task has, as files have them.
    project.dangle("bd-2", "bd-3");
    let new = NewTask {
        id: Some("bd-3".to_owned()),
        dependencies: vec![("bd-1".to_owned(), "blocks".to_owned())],
        ..titled("late")
    };
    let error = work::create(&project.db, "bob", new).unwrap_err();
    assert_eq!(error.to_string(), "bd-3 would wait for itself: bd-3 → bd-1 → bd-2 → bd-3");
    project.task("bd-3");
}

#[test]
fn diamonds_are_walked_once() {
    // 2 to the power of 60 paths, 240 edges.
    let project = Project::new();
    project.task("bd-000");
    let mut top = "bd-000".to_owned();
    for n in 1..=60 {
        let (left, right, next) = (format!("bd-{n:03}l"), format!("bd-{n:03}r"), format!("bd-{n:03}"));
        for (id, on) in [(&left, vec![&top]), (&right, vec![&top]), (&next, vec![&left, &right])] {
            let dependencies = on.into_iter().map(|on| (on.clone(), "blocks".to_owned())).collect();
            project.make(NewTask { id: Some(id.clone()), dependencies, ..titled(id) });
        }
        top = next;
    }
    project.task("bd-new");
    assert!(work::depend(&project.db, "bob", "bd-new", &top, "blocks").unwrap().changed);
    let error = work::depend(&project.db, "bob", "bd-000", &top, "blocks").unwrap_err();
    assert_eq!(error.to_string(), "bd-000 would wait for itself: bd-000 → bd-060 → bd-060l → … → bd-000");
}
