use proptest::prelude::*;

use super::*;
use crate::testing::{self, Store};

/// Everything that is a projection, and who is found by a few words.
fn projections(conn: &ReadConn<'_>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for sql in [
        "SELECT json_array(id, hex(record), place, title, status, priority, issue_type, assignee, close_reason,
                           created_at, updated_at, closed_at, defer_until, claim_expires_at,
                           pinned, ephemeral, attempt_count, oddities) FROM tasks ORDER BY id",
        "SELECT json_array(task, label) FROM task_labels ORDER BY task, label",
        "SELECT json_array(task, target, kind, spawner, any_child) FROM task_edges ORDER BY task, target, kind",
        "SELECT json_array(task, position, comment_id, author, body, created_at) FROM task_comments
         ORDER BY task, position",
        "SELECT rowid || ' has a' FROM task_search('a') UNION ALL SELECT rowid || ' has b' FROM task_search('b')
         UNION ALL SELECT rowid || ' has c' FROM task_search('c') ORDER BY 1",
    ] {
        all.extend(conn.query_all(sql, [], |row| row.get::<_, String>(0))?);
    }
    Ok(all)
}

/// A record of the task x; most keys are there or not, and some values are of the wrong type.
fn line() -> impl Strategy<Value = String> {
    let options: Vec<Vec<&'static str>> = vec![
        vec!["", r#","title":"a""#, r#","title":"b a""#, r#","title":7"#],
        vec![
            "",
            r#","status":"open""#,
            r#","status":"closed""#,
            r#","status":[]"#,
            r#","closed_at":"2026-01-01T00:00:00Z""#,
        ],
        vec!["", r#","notes":"a b""#, r#","notes":"c""#, r#","description":"c""#],
        vec!["", r#","labels":["a","b"]"#, r#","labels":["b","c","b"]"#, r#","labels":["c"]"#],
        vec![
            "",
            r#","dependencies":["y"]"#,
            r#","dependencies":[{"depends_on_id":"y","type":"blocks"},{"depends_on_id":"y","type":"related"}]"#,
            r#","dependencies":[{"depends_on_id":"y","type":"waits-for","metadata":"{\"gate\":\"any-children\"}"}]"#,
            r#","dependencies":[{"depends_on_id":"z","type":"parent-child"},"y"]"#,
        ],
        vec![
            "",
            r#","comments":[{"id":1,"text":"a"}]"#,
            r#","comments":[{"id":1,"text":"a"},{"id":2,"author":"q","text":"b"}]"#,
            r#","comments":[{"id":2,"text":"b"},{"id":1,"text":"a"}]"#,
        ],
        vec!["", r#","priority":1,"pinned":true"#, r#","priority":9,"assignee":"q","attempt_count":3"#],
    ];
    let parts: Vec<_> = options.into_iter().map(proptest::sample::select).collect();
    parts.prop_map(|parts| format!(r#"{{"id":"x"{}}}"#, parts.concat()))
}

fn read(line: &str) -> Record {
    Record::read(line.as_bytes()).unwrap()
}

#[test]
fn replaced_record_leaves_what_a_new_one_would() {
    let store = Store::new();
    proptest!(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }, |(lines in proptest::collection::vec(line(), 1..5))| {
        let records: Vec<Record> = lines.iter().map(|line| read(line)).collect();
        let (replaced, fresh) = store.write(move |tx| {
            let mut touched = Touched::default();
            let stored = || Ok::<_, crate::TaskError>(find(tx, "x")?.expect("it is there"));
            insert(tx, &records[0], 1, &mut touched)?;
            for record in &records[1..] {
                replace(tx, &stored()?, record, &mut touched)?;
            }
            let replaced = projections(tx)?;
            remove(tx, &stored()?, &mut touched)?;
            insert(tx, &records[records.len() - 1], 1, &mut touched)?;
            let fresh = projections(tx)?;
            remove(tx, &stored()?, &mut touched)?;
            Ok((replaced, fresh))
        });
        prop_assert_eq!(replaced, fresh);
    });
}

#[test]
fn touched_are_those_whose_blocking_may_change_and_their_parents() {
    let plain = r#"{"id":"x","dependencies":[{"depends_on_id":"p","type":"parent-child"}]}"#;
    let moved = r#"{"id":"x","dependencies":[{"depends_on_id":"q","type":"parent-child"}]}"#;
    let cases = [
        (
            plain,
            r#"{"id":"x","title":"t","dependencies":[{"depends_on_id":"p","type":"parent-child"}]}"#,
            "",
            "",
        ),
        (plain, moved, "x", "p q"),
        (
            plain,
            r#"{"id":"x","status":"closed","dependencies":[{"depends_on_id":"p","type":"parent-child"}]}"#,
            "x",
            "p",
        ),
        (
            plain,
            r#"{"id":"x","close_reason":"r","dependencies":[{"depends_on_id":"p","type":"parent-child"}]}"#,
            "x",
            "p",
        ),
        (r#"{"id":"x"}"#, r#"{"id":"x","dependencies":["y"]}"#, "x", ""),
    ];
    for (before, after, ids, parents) in cases {
        let (before, after_record) = (read(before), read(after));
        let touched = Store::new().write(move |tx| {
            insert(tx, &before, 1, &mut Touched::default())?;
            let mut touched = Touched::default();
            replace(tx, &find(tx, "x")?.expect("it is there"), &after_record, &mut touched)?;
            Ok(touched)
        });
        let words = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(
            (words(touched.ids), words(touched.parents)),
            (ids.to_owned(), parents.to_owned()),
            "{after}"
        );
    }
}

#[test]
fn removed_task_leaves_nothing_but_its_id() {
    let record = read(
        r#"{"id":"x","title":"a","labels":["b"],"dependencies":[{"depends_on_id":"p","type":"parent-child"}],
            "comments":[{"id":1,"text":"c"}]}"#,
    );
    let (left, taken, touched) = Store::new().write(move |tx| {
        insert(tx, &record, 1, &mut Touched::default())?;
        let mut touched = Touched::default();
        remove(tx, &find(tx, "x")?.expect("it is there"), &mut touched)?;
        Ok((projections(tx)?, is_taken(tx, "x")?, touched))
    });
    assert_eq!(left, Vec::<String>::new());
    assert!(taken, "for ever");
    assert!(touched.ids.contains("x") && touched.parents.contains("p"));
}

#[test]
fn the_next_place_and_comment_are_found_without_a_scan() {
    let store = Store::new();
    store
        .db
        .read(|conn| {
            for sql in [NEXT_PLACE, NEXT_COMMENT] {
                let explain = format!("EXPLAIN QUERY PLAN {sql}");
                let steps: Vec<String> = conn.query_all(&explain, [], |row| row.get(3))?;
                // A step that goes to the end of an index reads "SEARCH", one through all of it "SCAN".
                let scans = |step: &&String| step.starts_with("SCAN") && !step.contains("CONSTANT ROW");
                assert_eq!(steps.iter().find(scans), None, "{steps:?}");
                assert!(steps.iter().any(|step| step.starts_with("SEARCH task")), "{steps:?}");
            }
            Ok::<_, DbError>(())
        })
        .unwrap();
}

#[test]
fn what_is_claimed_for_good_is_out_of_the_way_of_the_next_claim() {
    let claimed = "\"status\":\"in_progress\",\"assignee\":\"ann\"";
    let until = format!("{claimed},\"claim_expires_at\":\"2026-01-01T00:00:00Z\"");
    let lines = [("bd-1", ""), ("bd-2", claimed), ("bd-3", &until)]
        .map(|(id, members)| testing::line(id, members))
        .concat();
    let store = Store::with(&lines);
    let sql = "SELECT id FROM tasks INDEXED BY idx_tasks_ready WHERE blocked = 0
               AND (status = 'open' OR (status = 'in_progress' AND claim_expires_at IS NOT NULL)) ORDER BY id";
    let ids: Vec<String> = store.db.read(|conn| conn.query_all(sql, [], |row| row.get(0))).unwrap();
    assert_eq!(ids, ["bd-1", "bd-3"]);
}
