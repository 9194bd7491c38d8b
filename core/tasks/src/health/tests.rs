use conclave_db::doctor::{Check, CheckState};

use super::{checks, fix};
use crate::testing::{Store, line, on};

fn store() -> Store {
    let full = "\"labels\":[\"b\",\"a\",\"b\"],\"comments\":[{\"id\":1,\"author\":\"x\",\"text\":\"y\",\"created_at\":\"2026-01-01T00:00:00Z\"}],\
        \"dependencies\":[{\"depends_on_id\":\"b\",\"type\":\"waits-for\",\"metadata\":\"{\\\"gate\\\":\\\"any-children\\\"}\"},\
        {\"depends_on_id\":\"b\",\"type\":\"blocks\"}],\"defer_until\":\"2020-01-01T00:00:00Z\",\"pinned\":true,\"attempt_count\":3";
    Store::with(&(line("a", full) + &line("b", "") + &line("c", &on("parent-child", "a"))))
}

fn found(store: &Store) -> Vec<Check> {
    checks(&store.db, &[]).unwrap().into_iter().filter(|check| check.state != CheckState::Ok).collect()
}

#[test]
fn a_sound_store_has_nothing_to_say_and_nothing_to_mend() {
    let store = store();
    assert_eq!(found(&store), []);
    assert_eq!(checks(&store.db, &[]).unwrap().len(), 6);
    assert_eq!(fix(&store.db, "ann").unwrap(), Vec::<String>::new());
    assert_eq!(checks(&Store::new().db, &[]).unwrap(), [Check::ok("tasks", "none")]);
}

#[test]
fn whatever_stands_wrong_beside_a_record_is_seen_and_made_again() {
    for broken in [
        "UPDATE tasks SET title = 'x' WHERE id = 'a'",
        "UPDATE tasks SET status = NULL WHERE id = 'a'",
        "UPDATE tasks SET priority = 4 WHERE id = 'a'",
        "UPDATE tasks SET assignee = '' WHERE id = 'a'",
        "UPDATE tasks SET created_at = 1 WHERE id = 'a'",
        "UPDATE tasks SET defer_until = NULL WHERE id = 'a'",
        "UPDATE tasks SET pinned = 0 WHERE id = 'a'",
        "UPDATE tasks SET attempt_count = 4 WHERE id = 'a'",
        "UPDATE tasks SET oddities = '[]' WHERE id = 'a'",
        "DELETE FROM task_labels WHERE label = 'b'",
        "INSERT INTO task_labels SELECT number, 'c' FROM tasks WHERE id = 'a'",
        "UPDATE task_edges SET any_child = 0 WHERE kind = 'waits-for'",
        "UPDATE task_edges SET spawner = NULL WHERE kind = 'waits-for'",
        "DELETE FROM task_edges WHERE kind = 'waits-for'",
        "UPDATE task_comments SET body = 'z'",
        "DELETE FROM task_comments",
        "DELETE FROM task_search",
    ] {
        let store = store();
        store.execute(broken);
        let checks = found(&store);
        assert!(
            checks.iter().any(|check| check.name == "task-records" && check.state == CheckState::Fail),
            "{broken}: {checks:?}"
        );
        let done = fix(&store.db, "ann").unwrap();
        assert!(done[0].starts_with("made again what stands beside the records of "), "{broken}: {done:?}");
        assert_eq!(found(&store), [], "{broken}");
        assert_eq!(crate::read::search(&store.db, "y", None).unwrap().len(), 1, "{broken}");
    }
}

#[test]
fn who_is_blocked_is_seen_and_computed_again() {
    let store = store();
    store.execute("UPDATE tasks SET blocked = 1 - blocked WHERE id IN ('b', 'c')");
    let checks = found(&store);
    assert_eq!((checks.len(), checks[0].name), (1, "task-blocked"));
    assert_eq!(checks[0].detail, "not what the edges say of b, c");
    assert_eq!(fix(&store.db, "ann").unwrap(), ["computed again who is blocked; 2 tasks were wrong"]);
    assert_eq!(found(&store), []);
}

#[test]
fn a_record_that_cannot_be_read_is_named_and_left() {
    let store = store();
    store.execute("UPDATE tasks SET record = x'7b' WHERE id = 'b'");
    let checks = found(&store);
    assert!(checks[0].detail.starts_with("1 cannot be read, the first: "), "{checks:?}");
    assert_eq!(fix(&store.db, "ann").unwrap(), Vec::<String>::new());
    let read = crate::read::show(&store.db, "b").unwrap_err();
    assert_eq!(read.kind(), crate::TaskErrorKind::Storage(conclave_db::ErrorKind::Corrupt));
}

#[test]
fn what_is_odd_is_counted_and_named() {
    let lines = [
        line("a", "\"status\":\"closed\""),
        line("b", "\"status\":\"closed\""),
        line("c", "\"closed_at\":\"2026-01-01T00:00:00Z\""),
        line("d", &on("parent_child", "a")),
        line("e", &on("blocks", "nowhere")),
        line("f", &on("blocks", "g")),
        line("g", &on("parent-child", "f")),
    ];
    let store = Store::with(&lines.concat());
    let details: Vec<_> = found(&store).into_iter().map(|check| (check.name, check.detail)).collect();
    let expected = [
        (
            "task-rules",
            "2 × closed without closed_at, 1 × closed_at, and not closed, 1 × dependency type \"parent_child\" has no effect",
        ),
        ("task-dependency-types", "1 × parent_child"),
        ("task-edges", "1 to tasks that do not exist, the first: e depends on nowhere"),
        ("task-cycles", "1, the first: f → g → f"),
    ];
    assert_eq!(details, expected.map(|(name, detail)| (name, detail.to_owned())));
    assert!(found(&store).iter().all(|check| check.state == CheckState::Warn));
}

#[test]
fn status_of_the_configuration_is_not_odd() {
    let store = Store::with(&(line("a", "\"status\":\"review\"") + &line("b", "\"status\":\"it's\"")));
    let rules = |statuses: &[&str]| {
        let statuses: Vec<String> = statuses.iter().map(|&status| status.to_owned()).collect();
        checks(&store.db, &statuses).unwrap().into_iter().find(|check| check.name == "task-rules").unwrap()
    };
    assert_eq!(rules(&[]).detail, "1 × unknown status \"it's\", 1 × unknown status \"review\"");
    assert_eq!(rules(&["review"]).detail, "1 × unknown status \"it's\"");
    assert_eq!(rules(&["review", "it's"]).state, CheckState::Ok);
}
