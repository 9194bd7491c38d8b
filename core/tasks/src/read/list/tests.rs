use super::{ListQuery, list};
use crate::error::TaskErrorKind;
use crate::testing::{Store, line, on};

fn store() -> Store {
    let closed = |at: &str| format!("\"status\":\"closed\",\"closed_at\":\"{at}\"");
    let lines = [
        ("p1", "\"priority\":1,\"title\":\"Fix the LOGIN\",\"labels\":[\"axb\"]".to_owned()),
        ("p0", "\"priority\":0,\"issue_type\":\"bug\"".into()),
        ("none", "\"priority\":[]".into()),
        ("late", "\"created_at\":\"2026-01-05T00:00:00Z\",\"labels\":[\"a%b\",\"x\"]".into()),
        ("child", on("parent-child", "p0")),
        ("held", on("blocks", "p0")),
        ("taken", "\"status\":\"in_progress\",\"assignee\":\"ann\"".into()),
        (
            "lapsed",
            "\"status\":\"in_progress\",\"assignee\":\"ann\",\"claim_expires_at\":\"2026-01-01T00:00:00Z\""
                .into(),
        ),
        ("numeric", "\"status\":5".into()),
        ("done-1", closed("2026-01-02T00:00:00Z")),
        ("done-3", closed("2026-01-02T00:00:00.5Z")),
        ("done-2", closed("2026-01-02T02:00:00+02:00")),
        ("done-0", "\"status\":\"closed\"".into()),
        ("gone", "\"status\":\"tombstone\"".into()),
    ];
    let store = Store::with(&lines.iter().map(|(id, members)| line(id, members)).collect::<String>());
    store.clock.set_wall_ms(1_769_904_000_000);
    store
}

fn ids(store: &Store, query: &ListQuery) -> Vec<String> {
    list(&store.db, query).unwrap().iter().map(|row| row.id().to_owned()).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn each_filter_narrows() {
    let store = store();
    let query = ListQuery::default;
    let live = ["p0", "p1", "child", "held", "lapsed", "numeric", "taken", "late", "none"];
    for (query, expected) in [
        (query(), &live[..]),
        (
            ListQuery { statuses: texts(&["open"]), ..query() },
            &["p0", "p1", "child", "held", "lapsed", "late", "none"],
        ),
        (ListQuery { statuses: texts(&["in_progress"]), ..query() }, &["taken"]),
        (ListQuery { statuses: texts(&["closed"]), ..query() }, &["done-3", "done-1", "done-2", "done-0"]),
        (ListQuery { statuses: texts(&["tombstone", "in_progress"]), ..query() }, &["gone", "taken"]),
        (ListQuery { assignee: Some("ann".into()), ..query() }, &["taken"]),
        (ListQuery { priority: Some(1), ..query() }, &["p1"]),
        (ListQuery { types: texts(&["bug", "epic"]), ..query() }, &["p0"]),
        (ListQuery { labels: texts(&["x", "a%b"]), ..query() }, &["late"]),
        (ListQuery { labels: texts(&["a%b"]), ..query() }, &["late"]),
        (ListQuery { labels: texts(&["x", "y"]), ..query() }, &[]),
        (ListQuery { parent: Some("p0".into()), ..query() }, &["child"]),
        (ListQuery { blocked: Some(true), ..query() }, &["held"]),
        (ListQuery { containing: Some("the login".into()), ..query() }, &["p1"]),
        (
            ListQuery { containing: Some("DONE-".into()), all: true, ..query() },
            &["done-0", "done-1", "done-2", "done-3"],
        ),
        (ListQuery { containing: Some("%".into()), ..query() }, &[]),
        (ListQuery { limit: Some(2), ..query() }, &["p0", "p1"]),
        (ListQuery { assignee: Some("x' OR 1=1 --".into()), ..query() }, &[]),
    ] {
        assert_eq!(ids(&store, &query), expected, "{query:?}");
    }
    assert_eq!(ids(&store, &ListQuery { all: true, ..query() }).len(), 14);
}

#[test]
fn pages_put_together_are_the_list() {
    let store = store();
    for all in [
        ListQuery::default(),
        ListQuery { all: true, ..ListQuery::default() },
        ListQuery { statuses: texts(&["closed"]), ..ListQuery::default() },
    ] {
        for size in [1, 2, 5] {
            let mut pages = Vec::new();
            while pages.len() < 20 {
                let query = ListQuery { after: pages.last().cloned(), limit: Some(size), ..all.clone() };
                let page = ids(&store, &query);
                if page.is_empty() {
                    break;
                }
                pages.extend(page);
            }
            assert_eq!(pages, ids(&store, &all), "{size} of {all:?}");
        }
    }
    let after = ListQuery { after: Some("nothing".into()), ..ListQuery::default() };
    assert_eq!(list(&store.db, &after).unwrap_err().kind(), TaskErrorKind::NotFound);
}

#[test]
fn what_a_row_counts() {
    let row = |id: &str, store: &Store| {
        let found = list(&store.db, &ListQuery { all: true, ..ListQuery::default() }).unwrap();
        found.into_iter().find(|row| row.id() == id).unwrap()
    };
    let dependencies = "\"dependencies\":[{\"depends_on_id\":\"z\",\"type\":\"parent-child\"},\
        {\"depends_on_id\":\"b\",\"type\":\"parent-child\"},{\"depends_on_id\":\"a\",\"type\":\"parent-child\"},\
        {\"depends_on_id\":\"b\",\"type\":\"blocks\"}],\"comments\":[{\"id\":1,\"text\":\"x\"},{\"id\":2,\"text\":\"y\"}]";
    let lines = line("a", "") + &line("b", "") + &line("c", dependencies);
    let store = Store::with(&lines);
    let found = row("c", &store);
    assert_eq!((found.dependency_count, found.dependent_count, found.comment_count), (2, 0, 2));
    assert_eq!(found.parent.as_deref(), Some("b"), "the first that exists, in the order of the record");
    let found = row("b", &store);
    assert_eq!((found.dependency_count, found.dependent_count, found.parent), (0, 1, None));
}
