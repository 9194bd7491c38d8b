use super::*;

fn record(line: &str) -> Record {
    Record::read(line.as_bytes()).unwrap()
}

#[test]
fn changes_have_the_values_as_they_are_spelled() {
    let before = record(r#"{"id":"x","a\u0062":1e3,"gone":[1, 2],"same":1.0}"#);
    let after = record(r#"{"id":"x","ab":1000,"same":1.0,"new":{"k": null}}"#);
    assert_eq!(
        changes(Some(&before), Some(&after)),
        r#"{"ab":{"old":1e3,"new":1000},"gone":{"old":[1, 2]},"new":{"new":{"k": null}}}"#
    );
    assert_eq!(changes(Some(&before), Some(&before)), "{}");
    let created = record(r#"{"id":"x","title":"\"q\""}"#);
    assert_eq!(changes(None, Some(&created)), r#"{"id":{"new":"x"},"title":{"new":"\"q\""}}"#);
}

#[test]
fn row_says_who_did_what_when_and_keeps_what_would_be_lost() {
    let store = crate::testing::Store::new();
    store.clock.set_wall_ms(1_234);
    let (before, after) =
        (record(r#"{"id":"x","status":"open"}"#), record(r#"{"id":"x","status":"closed"}"#));
    let rows = store.write(move |tx| {
        write(tx, "file", Operation::Imported, None, Some(&before), false)?;
        write(tx, "ann", Operation::Closed, Some(&before), Some(&after), false)?;
        write(tx, "file", Operation::Replaced, Some(&after), Some(&before), true)?;
        write(tx, "sync", Operation::Removed, Some(&before), None, false)?;
        note(tx, "sync", Operation::Conflict, "x", r#"{"key":"title"}"#)?;
        let sql = "SELECT task_id, at, who, operation, old_status, new_status, changes, old_record
                   FROM task_audit ORDER BY number";
        let text = |row: &conclave_db::sql::Row<'_>, column| row.get::<_, Option<String>>(column);
        Ok(tx.query_all(sql, [], |row| {
            assert_eq!((row.get::<_, String>(0)?, row.get::<_, i64>(1)?), ("x".to_owned(), 1_234));
            let old = row.get::<_, Option<Vec<u8>>>(7)?.map(|old| String::from_utf8_lossy(&old).into_owned());
            let parts = [text(row, 2)?, text(row, 3)?, text(row, 4)?, text(row, 5)?, text(row, 6)?, old];
            Ok(parts.map(Option::unwrap_or_default).join("|"))
        })?)
    });
    assert_eq!(
        rows,
        [
            "file|imported||open||",
            r#"ann|closed|open|closed|{"status":{"old":"open","new":"closed"}}|"#,
            r#"file|replaced|closed|open|{"status":{"old":"closed","new":"open"}}|{"id":"x","status":"closed"}"#,
            r#"sync|removed|open|||{"id":"x","status":"open"}"#,
            r#"sync|conflict|||{"key":"title"}|"#,
        ]
    );
}

#[test]
fn schema_names_every_operation() {
    use Operation::*;
    let all = [
        Created, Imported, Replaced, Updated, Claimed, TakenOver, Closed, Reopened, Deleted, Removed, Synced,
        Conflict, Mended,
    ];
    let words = all.map(|operation| format!("'{}'", operation.as_str())).join(", ");
    let schema = include_str!("../schema.sql").replace("\n  --", "");
    assert!(schema.contains(&format!("{words}.")), "{words}");
}
