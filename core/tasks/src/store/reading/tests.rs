use conclave_db::ReadConn;

use super::ready_sql;
use crate::read::{ReadyQuery, Sort};
use crate::testing::Store;

fn plan(conn: &ReadConn<'_>, query: &ReadyQuery) -> String {
    let (sql, filter) = ready_sql("tasks.id", query, Some("ann"), 0);
    let steps = conn.query_all(&format!("EXPLAIN QUERY PLAN {sql}"), filter.params(), |row| row.get(3));
    steps.map(|steps: Vec<String>| steps.join("\n")).unwrap()
}

#[test]
fn the_first_ready_tasks_are_the_first_of_the_index_and_nothing_is_sorted() {
    let store = Store::new();
    // As statistics of a store that looks quite different would have it.
    store.execute(
        "ANALYZE; INSERT INTO sqlite_stat1(tbl, idx, stat) VALUES('tasks', 'idx_tasks_status', '9 1')",
    );
    let query = ReadyQuery { limit: Some(100), ..ReadyQuery::default() };
    let labelled = ReadyQuery { labels: vec!["ui".into()], assignee: Some("ann".into()), ..query.clone() };
    store
        .db
        .read(|conn| {
            for query in [&query, &labelled] {
                let plan = plan(conn, query);
                assert!(plan.contains("USING INDEX idx_tasks_ready"), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
            let oldest = plan(conn, &ReadyQuery { sort: Sort::Oldest, ..query });
            assert!(oldest.contains("TEMP B-TREE"), "the words that are looked for: {oldest}");
            Ok::<_, conclave_db::DbError>(())
        })
        .unwrap();
}
