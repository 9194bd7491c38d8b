use super::show;
use crate::error::TaskErrorKind;
use crate::testing::{Store, line};

#[test]
fn a_task_is_shown_with_both_ends_of_every_edge() {
    let dependencies = "\"dependencies\":[{\"depends_on_id\":\"z\",\"type\":\"related\"},\"gone\",\
        {\"depends_on_id\":\"a\",\"type\":\"parent-child\"},{\"depends_on_id\":\"a\",\"type\":\"blocks\"}]";
    let on_b = |kind| format!("\"dependencies\":[{{\"depends_on_id\":\"b\",\"type\":\"{kind}\"}}]");
    let lines = line("z", "") + &line("a", "") + &line("b", dependencies);
    let store = Store::with(&(lines + &line("y", &on_b("tracks")) + &line("x", &on_b("blocks"))));
    let detail = show(&store.db, "b").unwrap();
    let ends = |ends: &[super::Neighbour]| -> Vec<(String, String, bool)> {
        ends.iter().map(|end| (end.id.clone(), end.kind.clone(), end.row.is_some())).collect()
    };
    let end = |id: &str, kind: &str, exists| (id.to_owned(), kind.to_owned(), exists);
    assert_eq!(
        ends(&detail.dependencies),
        [
            end("z", "related", true),
            end("gone", "blocks", false),
            end("a", "parent-child", true),
            end("a", "blocks", true)
        ]
    );
    assert_eq!(ends(&detail.dependents), [end("x", "blocks", true), end("y", "tracks", true)]);
    assert_eq!(
        detail.blockers.iter().map(|by| by.why.as_str()).collect::<Vec<_>>(),
        ["waits for a (open): a"]
    );
    assert!(!detail.ready && detail.row.blocked);
    assert!(show(&store.db, "a").unwrap().ready);
    assert_eq!(show(&store.db, "gone").unwrap_err().kind(), TaskErrorKind::NotFound);
}

#[test]
fn what_is_finished_is_held_up_by_nothing() {
    let on_a = "\"dependencies\":[\"a\"],\"status\":";
    let ended = ["closed", "tombstone", "open"].map(|status| line(status, &format!("{on_a}\"{status}\"")));
    let store = Store::with(&(line("a", "") + &ended.concat()));
    let blockers = |id: &str| show(&store.db, id).unwrap().blockers.len();
    assert_eq!((blockers("closed"), blockers("tombstone"), blockers("open")), (0, 0, 1));
}
