//! Labels and comments.

use std::time::Duration;

use conclave_tasks::TaskErrorKind as Kind;
use conclave_tasks::read;
use conclave_tasks::work;

use crate::project::{Project, ids, texts};

#[test]
fn labels_are_a_set() {
    let project = Project::new();
    project.task("bd-1");
    let label = |add: &[&str], remove: &[&str]| {
        work::label(&project.db, "bob", "bd-1", &texts(add), &texts(remove)).unwrap().record
    };
    assert_eq!(label(&["b", "a", "b"], &[]).projection().labels, ["a", "b"]);
    assert_eq!(label(&["c"], &["a", "x"]).projection().labels, ["b", "c"]);
    let before = project.record("bd-1");
    project.clock.advance(Duration::from_secs(1));
    assert_eq!(String::from_utf8_lossy(label(&["c"], &["x"]).bytes()), before);
    assert_eq!(project.column::<String>("SELECT label FROM task_labels ORDER BY label"), ["b", "c"]);
    assert_eq!(label(&[], &["b", "c"]).value("labels"), None);
    assert_eq!(project.operations("bd-1").len(), 4);
}

#[test]
fn comments_are_numbered_over_all_tasks() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-2");
    project.clock.advance(Duration::from_millis(994));
    let comment = |id: &str, text: &str| work::comment(&project.db, "bob", id, text).unwrap();
    comment("bd-1", "first");
    comment("bd-2", "second");
    let row = comment("bd-1", "a \"third\"\nwith needles");
    assert_eq!(row.comment_count, 2);
    let record = project.record("bd-1");
    assert!(
        record.contains(
            "{\"id\":3,\"issue_id\":\"bd-1\",\"author\":\"bob\",\"text\":\"a \\\"third\\\"\\nwith needles\",\
             \"created_at\":\"2026-01-02T03:04:06.001Z\"}"
        ),
        "{record}"
    );
    assert_eq!(
        project.column::<String>(
            "SELECT position || ' ' || comment_id || ' ' || author FROM task_comments ORDER BY comment_id"
        ),
        ["0 1 bob", "0 2 bob", "1 3 bob"]
    );
    assert_eq!(ids(&read::search(&project.db, "needles", None).unwrap()), ["bd-1"]);
    assert_eq!(project.operations("bd-1"), ["created", "updated", "updated"]);
}

#[test]
fn nonsense_is_refused() {
    let project = Project::new();
    project.task("bd-1");
    project.task("bd-gone");
    work::delete(&project.db, "alice", &texts(&["bd-gone"]), None).unwrap();
    for text in ["", " \n"] {
        assert_eq!(work::comment(&project.db, "bob", "bd-1", text).unwrap_err().kind(), Kind::Invalid);
        let error = work::label(&project.db, "bob", "bd-1", &texts(&[text]), &[]).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
    for (id, kind) in [("bd-9", Kind::NotFound), ("bd-gone", Kind::Refused)] {
        assert_eq!(work::comment(&project.db, "bob", id, "text").unwrap_err().kind(), kind);
        assert_eq!(work::label(&project.db, "bob", id, &texts(&["a"]), &[]).unwrap_err().kind(), kind);
    }
    assert_eq!(project.operations("bd-1"), ["created"]);
}
