//! Records as files have them: what a command touches is mended, and nothing else.

use std::time::Duration;

use super::*;
use crate::TaskErrorKind as Kind;
use crate::read::{ReadyQuery, TaskRow};
use crate::record::Record;
use crate::store::{audit, blocked, tasks};
use crate::testing::Store;

/// 2026-01-02T03:04:05.006Z
const NOW: i64 = 1_767_323_045_006;

/// A store with these lines in it.
fn store(lines: &[&str]) -> Store {
    let store = Store::new();
    store.clock.set_wall_ms(NOW);
    let records: Vec<Record> = lines.iter().map(|line| Record::read(line.as_bytes()).unwrap()).collect();
    store.write(move |tx| {
        let mut touched = tasks::Touched::default();
        for record in &records {
            let place = tasks::next_place(tx)?;
            tasks::insert(tx, record, place, &mut touched)?;
            audit::write(tx, "file", audit::Operation::Imported, None, Some(record), false)?;
        }
        blocked::rebuild(tx)
    });
    store
}

fn bytes(row: &TaskRow) -> String {
    String::from_utf8(row.record.bytes().to_vec()).unwrap()
}

fn one(mut rows: Vec<TaskRow>) -> TaskRow {
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

/// The line after one change of a store with nothing else.
fn after(line: &str, change: impl FnOnce(&Store) -> crate::Result<TaskRow>) -> String {
    bytes(&change(&store(&[line])).unwrap())
}

#[test]
fn what_breaks_a_rule_is_mended_only_where_it_is_touched() {
    let label = |store: &Store| label(&store.db, "bob", "x-1", &ids(&["l"]), &[]);
    let closing = |store: &Store| Ok(one(close(&store.db, "bob", &ids(&["x-1"]), &Closing::default())?.rows));
    let reopening = |store: &Store| Ok(one(reopen(&store.db, "bob", &ids(&["x-1"]), None)?));
    let claiming = |store: &Store| Ok(claim(&store.db, "bob", "x-1", None)?.row);
    let now = "2026-01-02T03:04:05.006Z";
    // Another field is touched: a closed one without a time, an open one with one, one without priority stay so.
    assert_eq!(
        after(r#"{"id":"x-1","status":"closed","zzz":1e3}"#, label),
        format!(r#"{{"id":"x-1","status":"closed","zzz":1e3,"updated_at":"{now}","labels":["l"]}}"#)
    );
    assert_eq!(
        after(r#"{"id": "x-1", "status": "open", "closed_at": "2025-01-01T00:00:00Z"}"#, label),
        format!(
            r#"{{"id": "x-1", "status": "open", "closed_at": "2025-01-01T00:00:00Z", "updated_at": "{now}", "labels": ["l"]}}"#
        )
    );
    // The status is touched. An old `closed_at` says nothing of when it is closed now.
    assert_eq!(
        after(r#"{"id":"x-1","closed_at":"2025-01-01T00:00:00Z"}"#, closing),
        format!(r#"{{"id":"x-1","closed_at":"{now}","status":"closed","updated_at":"{now}"}}"#)
    );
    assert_eq!(
        after(r#"{"id":"x-1","status":"open","closed_at":"2025-01-01T00:00:00Z"}"#, claiming),
        format!(r#"{{"id":"x-1","status":"in_progress","assignee":"bob","updated_at":"{now}"}}"#)
    );
    // Closed already: when, is what is known of it; opened, nothing of it is left.
    let odd = r#"{"id":"x-1","status":"closed"}"#;
    let mended = format!(r#"{{"id":"x-1","status":"closed","updated_at":"{now}","closed_at":"{now}"}}"#);
    assert_eq!(after(odd, closing), mended);
    assert_eq!(after(odd, reopening), format!(r#"{{"id":"x-1","status":"open","updated_at":"{now}"}}"#));
    let change = || Change { status: Some("closed".to_owned()), priority: Some(0), ..Change::default() };
    assert_eq!(
        after(odd, |store| Ok(one(update(&store.db, "bob", &ids(&["x-1"]), change())?))),
        format!(r#"{{"id":"x-1","status":"closed","updated_at":"{now}","closed_at":"{now}","priority":0}}"#)
    );
}

#[test]
fn when_a_task_was_closed_is_set_right_by_what_touches_it() {
    let closed = r#"{"id":"x-1","status":"closed","updated_at":"2025-01-01T00:00:00.5+01:00"}"#;
    let open = r#"{"id":"x-1","status":"open","closed_at":"2025-01-01T00:00:00Z","title":"t"}"#;
    let title = || Change { title: Some("t".to_owned()), ..Change::default() };
    let x = ids(&["x-1"]);
    type Touch = fn(&Store, &[String]);
    let touches: [(&str, &str, Touch); 4] = [
        ("close", closed, |store, x| _ = close(&store.db, "bob", x, &Closing::default()).unwrap()),
        ("reopen", open, |store, x| _ = reopen(&store.db, "bob", x, None).unwrap()),
        ("update", closed, |store, x| {
            let change = Change { status: Some("closed".to_owned()), ..Change::default() };
            update(&store.db, "bob", x, change).unwrap();
        }),
        ("update", open, |store, x| _ = update(&store.db, "bob", x, Change::default()).unwrap()),
    ];
    for (what, line, touch) in touches {
        let store = store(&[line]);
        touch(&store, &x);
        let record = crate::read::show(&store.db, "x-1").unwrap().row.record;
        let oddities = &record.projection().oddities;
        use crate::record::Oddity::{ClosedWithoutTime, OpenWithClosedTime};
        assert!(!oddities.contains(&ClosedWithoutTime) && !oddities.contains(&OpenWithClosedTime), "{what}");
        let closed_at = (line == closed).then(|| "2024-12-31T23:00:00.500Z".to_owned());
        assert_eq!(record.text("closed_at"), closed_at, "{what}");
        let rows = crate::read::audit(&store.db, "x-1", None).unwrap();
        let operations: Vec<_> = rows.iter().rev().map(|row| row.operation.as_str()).collect();
        assert_eq!(operations, ["imported", "mended"], "{what}");
        touch(&store, &x);
        assert_eq!(crate::read::audit(&store.db, "x-1", None).unwrap().len(), 2, "{what}: once");
    }
    // What else is asked for is a change of its own.
    let store = store(&[closed]);
    update(&store.db, "bob", &x, title()).unwrap();
    let rows = crate::read::audit(&store.db, "x-1", None).unwrap();
    let operations: Vec<_> = rows.iter().rev().map(|row| row.operation.as_str()).collect();
    assert_eq!(operations, ["imported", "mended", "updated"]);
}

#[test]
fn what_cannot_be_put_into_a_record_is_an_error_and_no_success() {
    let line = r#"{"id":"x-1","labels":"x","comments":{},"dependencies":1}"#;
    let store = store(&[line, r#"{"id":"x-2"}"#, r#"{"id":"x-3","status":"closed","comments":"none"}"#]);
    let x = ids(&["x-1"]);
    let db = &store.db;
    let change = Change { add_labels: ids(&["l"]), ..Change::default() };
    let errors = [
        label(db, "bob", "x-1", &ids(&["l"]), &[]).unwrap_err(),
        update(db, "bob", &x, change).unwrap_err(),
        comment(db, "bob", "x-1", "remark").unwrap_err(),
        depend(db, "bob", "x-1", "x-2", "blocks").unwrap_err(),
        reopen(db, "bob", &ids(&["x-3"]), Some("why")).unwrap_err(),
    ];
    for (error, key) in errors.iter().zip(["labels", "labels", "comments", "dependencies", "comments"]) {
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.to_string().contains(&format!("{key} is no array")), "{error}");
    }
    assert_eq!(bytes(&crate::read::show(db, "x-1").unwrap().row), line);
    assert_eq!(crate::read::show(db, "x-3").unwrap().row.status.as_deref(), Some("closed"));
    // To say what all labels are is no addition.
    let change = Change { set_labels: Some(ids(&["b", "a"])), ..Change::default() };
    let row = one(update(db, "bob", &x, change).unwrap());
    assert_eq!(row.record.projection().labels, ["a", "b"]);
}

#[test]
fn closing_is_refused_by_what_blocks_and_by_nothing_else() {
    let on = |id: &str, rest: &str| format!(r#"{{"id":"{id}","dependencies":[{{{rest}}}]}}"#);
    let any = r#","metadata":"{\"gate\":\"any-children\"}""#;
    let lines = [
        on("dangling", r#""depends_on_id":"gone","type":"waits-for""#),
        on("child-of-gone", r#""depends_on_id":"gone","type":"parent-child""#),
        on("lonely", &format!(r#""depends_on_id":"base","type":"waits-for"{any}"#)),
        on("after", r#""depends_on_id":"base","type":"blocks""#),
        on("after.1", r#""depends_on_id":"after","type":"parent-child""#),
        on("all", r#""depends_on_id":"after","type":"waits-for""#),
        on("if-well", r#""depends_on_id":"well","type":"conditional-blocks""#),
        on("if-base", r#""depends_on_id":"base","type":"conditional-blocks""#),
        r#"{"id":"base"}"#.to_owned(),
        r#"{"id":"well","status":"closed","close_reason":"shipped"}"#.to_owned(),
    ];
    let store = store(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    for (id, blocked, why) in [
        ("dangling", false, None),
        ("lonely", true, Some("lonely waits for the first child of base")),
        ("after", true, Some("after waits for base (open): ")),
        // Inherited: nothing of its own is left.
        ("after.1", true, None),
        ("all", true, Some("all waits for after.1 (open): ")),
        // The condition did not come true.
        ("if-well", true, None),
        ("if-base", true, Some("if-base waits for base (open): ")),
    ] {
        assert_eq!(crate::read::show(&store.db, id).unwrap().row.blocked, blocked, "{id}");
        let outcome = close(&store.db, "bob", &ids(&[id]), &Closing::default());
        assert_eq!(outcome.as_ref().err().map(ToString::to_string).as_deref(), why, "{id}");
        if outcome.is_ok() {
            reopen(&store.db, "bob", &ids(&[id]), None).unwrap();
        }
    }
}

#[test]
fn closed_at_of_a_closed_task_is_kept() {
    let line = r#"{"id":"x-1","status":"closed","closed_at":"2025-01-01T00:00:00.10+02:00"}"#;
    let change = Change { status: Some("closed".to_owned()), ..Change::default() };
    assert_eq!(after(line, |store| Ok(one(update(&store.db, "bob", &ids(&["x-1"]), change)?))), line);
}

#[test]
fn unreadable_status_is_set_and_never_claimed() {
    let line = r#"{"id":"x-1","status":7}"#;
    let store = store(&[line]);
    let error = claim(&store.db, "bob", "x-1", None).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (Kind::NotClaimable, "x-1: its status cannot be read")
    );
    let change = Change { status: Some("open".to_owned()), ..Change::default() };
    let row = one(update(&store.db, "bob", &ids(&["x-1"]), change).unwrap());
    assert_eq!(bytes(&row), r#"{"id":"x-1","status":"open","updated_at":"2026-01-02T03:04:05.006Z"}"#);
    assert_eq!(claim(&store.db, "bob", "x-1", None).unwrap().how, How::Taken);
}

#[test]
fn deletion_marker_is_a_tombstone() {
    let line = r#"{"id":"x-1","_deleted":true,"_deleted_at":"2025-01-01T00:00:00Z"}"#;
    let store = store(&[line]);
    assert_eq!(bytes(&one(delete(&store.db, "bob", &ids(&["x-1"]), None).unwrap())), line);
    for error in [
        claim(&store.db, "bob", "x-1", None).unwrap_err(),
        label(&store.db, "bob", "x-1", &ids(&["l"]), &[]).unwrap_err(),
        reopen(&store.db, "bob", &ids(&["x-1"]), None).unwrap_err(),
    ] {
        assert!(matches!(error.kind(), Kind::Refused | Kind::NotClaimable), "{error}");
        assert!(error.hint().is_some());
    }
    let taken = NewTask { id: Some("x-1".to_owned()), title: "t".to_owned(), ..NewTask::default() };
    assert_eq!(create(&store.db, "bob", taken).unwrap_err().kind(), Kind::Refused);
}

#[test]
fn newer_is_newer_than_what_a_file_says() {
    for (before, after) in [
        // A day ahead of this clock, and between two of its milliseconds.
        ("2026-01-03T00:00:00Z", "2026-01-03T00:00:00.001Z"),
        ("2026-01-02T03:04:05.0069+00:00", "2026-01-02T03:04:05.007Z"),
        ("2026-01-02T04:04:05.006+01:00", "2026-01-02T03:04:05.007Z"),
        ("2026-01-02T03:04:05.005999999Z", "2026-01-02T03:04:05.006Z"),
        ("no time", "2026-01-02T03:04:05.006Z"),
    ] {
        let line = format!(r#"{{"id":"x-1","updated_at":"{before}"}}"#);
        let store = store(&[&line]);
        let row = label(&store.db, "bob", "x-1", &ids(&["l"]), &[]).unwrap();
        assert_eq!(row.record.text("updated_at").as_deref(), Some(after), "{before}");
    }
    let last = r#"{"id":"x-1","updated_at":"9999-12-31T23:59:59.999999999Z"}"#;
    let row = label(&store(&[last]).db, "bob", "x-1", &ids(&["l"]), &[]).unwrap();
    assert_eq!(row.record.text("updated_at").as_deref(), Some("9999-12-31T23:59:59.999Z"), "no year follows");
}

#[test]
fn comment_gets_a_number_or_a_text_like_those_beside_it() {
    let store = store(&[
        r#"{"id":"x-1","comments":[{"id":7,"text":"a"},{"id":99999999999999999999,"text":"b"},{"id":-3}]}"#,
        r#"{"id":"x-2","comments":[{"id":"0199-af","text":"a"}]}"#,
        r#"{"id":"x-3","comments":["text only"]}"#,
    ]);
    let last = |id: &str| {
        let row = comment(&store.db, "bob", id, "new").unwrap();
        row.record.projection().comments.last().unwrap().id.clone().unwrap()
    };
    assert_eq!([last("x-1"), last("x-1"), last("x-3")], ["8", "9", "10"]);
    let (first, second) = (last("x-2"), last("x-2"));
    assert!(first.starts_with("\"c-") && first.len() == 12 && first != second, "{first} {second}");
}

#[test]
fn ids_of_other_lines_and_reserved_ones_are_taken() {
    let store = store(&[r#"{"id":"x-1"}"#]);
    store.execute(
        "INSERT INTO task_lines(id, place, line) VALUES('x-1.4', 9, CAST('{\"id\":\"x-1.4\",\"_type\":\"memory\"}' AS BLOB));
         INSERT INTO task_reserved_ids(id) VALUES('x-1.7'), ('x-9')",
    );
    for id in ["x-1", "x-1.4", "x-1.7", "x-9"] {
        let taken = NewTask { id: Some(id.to_owned()), title: "t".to_owned(), ..NewTask::default() };
        assert_eq!(create(&store.db, "bob", taken).unwrap_err().kind(), Kind::Refused, "{id}");
    }
    let child = NewTask { parent: Some("x-1".to_owned()), title: "t".to_owned(), ..NewTask::default() };
    assert_eq!(create(&store.db, "bob", child).unwrap().id(), "x-1.8");
    let place = store.write(|tx| tasks::next_place(tx));
    assert_eq!(place, 11, "behind the other line");
}

#[test]
fn claim_that_came_out_of_a_file_expires_too() {
    let store = store(&[
        r#"{"id":"x-1","status":"in_progress","assignee":"al","claim_expires_at":"2026-01-02T03:04:05.006Z"}"#,
        r#"{"id":"x-2","status":"in_progress","assignee":"al","claim_expires_at":"2026-01-02T03:04:05.007Z"}"#,
        r#"{"id":"x-3","status":"in_progress","assignee":"al","claim_expires_at":"soon"}"#,
        r#"{"id":"x-4","status":"closed","assignee":"al","claim_expires_at":"2026-01-02T03:04:05.006Z"}"#,
    ]);
    let query = ReadyQuery { limit: Some(9), ..ReadyQuery::default() };
    let rows = claim_ready(&store.db, "bob", &query, Some(Duration::from_secs(1))).unwrap();
    assert_eq!(one(rows).id(), "x-1");
    for id in ["x-2", "x-3", "x-4"] {
        assert_eq!(claim(&store.db, "bob", id, None).unwrap_err().kind(), Kind::NotClaimable, "{id}");
    }
}

#[test]
fn damaged_record_is_an_error_and_no_panic() {
    let store = store(&[r#"{"id":"x-1"}"#]);
    store.execute("UPDATE tasks SET record = x'7b'");
    let error = label(&store.db, "bob", "x-1", &ids(&["l"]), &[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Storage(conclave_db::ErrorKind::Corrupt), "{error}");
}

#[test]
fn record_that_no_file_could_bring_back_is_refused_when_it_is_made() {
    let store = store(&[r#"{"id":"x-1"}"#]);
    let most = usize::try_from(crate::exchange::Limits::default().line_bytes).unwrap();
    let error = comment(&store.db, "bob", "x-1", &"a".repeat(most)).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    assert!(error.to_string().starts_with("x-1 would have 6"), "{error}");
    assert_eq!(bytes(&crate::read::show(&store.db, "x-1").unwrap().row), r#"{"id":"x-1"}"#);
    let huge = NewTask { title: "t".to_owned(), notes: "a".repeat(most), ..NewTask::default() };
    assert_eq!(create(&store.db, "bob", huge).unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn work_goes_on_in_a_task_that_is_as_long_as_may_be() {
    let most = usize::try_from(crate::exchange::Limits::default().line_bytes).unwrap();
    let full = |id: &str, more: usize| {
        let begin = format!(r#"{{"id":"{id}","issue_type":"task","notes":""#);
        format!("{begin}{}\"}}", "a".repeat(most + more - begin.len() - 2))
    };
    let store = store(&[&full("x-1", 0)]);
    let longer = |id| label(&store.db, "bob", id, &ids(&["l"]), &[]);
    assert_eq!(longer("x-1").unwrap_err().kind(), Kind::Invalid, "text");
    let huge = Closing { result: Some("r".repeat(5000)), ..Closing::default() };
    assert_eq!(
        close(&store.db, "bob", &ids(&["x-1"]), &huge).unwrap_err().kind(),
        Kind::Invalid,
        "text, too"
    );
    claim(&store.db, "bob", "x-1", Some(Duration::from_secs(1))).unwrap();
    // It was too long before: no worse than it was.
    longer("x-1").unwrap();
    delete(&store.db, "bob", &ids(&["x-1"]), None).unwrap();
}
