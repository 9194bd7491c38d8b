//! Scenarios 28 (equal times), 29, 31 and 32: the helpers on a plain connection.

use conclave_db::transactions::{batch_insert, execute_in_transaction, upsert};
use conclave_db::{DbError, ErrorKind, sql::TransactionBehavior};

use crate::fixture::{Scratch, insert, texts};

#[test]
fn a_failing_row_is_named_and_nothing_of_the_batch_stays() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let mut conn = db.open_connection().unwrap();
    let mut rows: Vec<Option<String>> = (0..1000).map(|n| Some(format!("{n}"))).collect();
    let run = |conn: &mut rusqlite::Connection, rows: &[Option<String>]| {
        batch_insert(conn, rows, |transaction, row| {
            Ok(transaction.execute("INSERT INTO item(text) VALUES(?1)", [row])?)
        })
    };
    rows[500] = None;
    let error = run(&mut conn, &rows).unwrap_err();
    assert!(matches!(error, DbError::Row { row: 500, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Constraint);
    assert!(error.to_string().contains("row 500"), "{error}");
    assert_eq!(texts(&db).len(), 0);
    rows[500] = Some("five hundred".into());
    assert_eq!(run(&mut conn, &rows).unwrap(), 1000);
    assert_eq!(texts(&db).len(), 1000);
}

/// Or it would be run again from its first row each time that somebody else commits in between.
#[test]
fn a_batch_has_the_write_lock_from_its_beginning() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let (mut conn, other) = (db.open_connection().unwrap(), db.open_connection().unwrap());
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let inserted = batch_insert(&mut conn, &["a"], |transaction, row| {
        assert!(other.execute_batch("BEGIN IMMEDIATE").is_err(), "before the first row");
        Ok(transaction.execute("INSERT INTO item(text) VALUES(?1)", [row])?)
    });
    assert_eq!(inserted.unwrap(), 1);
}

#[test]
fn a_stale_snapshot_restarts_the_whole_closure() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "counter").unwrap();
    let mut conn = db.open_connection().unwrap();
    let mut runs = 0;
    let seen = execute_in_transaction(&mut conn, TransactionBehavior::Deferred, |transaction| {
        runs += 1;
        let n: i64 = transaction.query_row("SELECT n FROM item", [], |row| row.get(0))?;
        if runs <= 3 {
            // Someone else commits between this read and this write.
            db.write("other", |tx| tx.execute("UPDATE item SET n = n + 10", []))?;
        }
        transaction.execute("UPDATE item SET n = ?1", [n + 1])?;
        Ok::<_, DbError>(n)
    });
    assert_eq!((seen.unwrap(), runs), (30, 4));
    let n: i64 = db.read(|conn| conn.query_row("SELECT n FROM item", [], |row| row.get(0))).unwrap();
    assert_eq!(n, 31, "an update was lost");
}

#[test]
fn an_upsert_gives_the_id_of_its_own_row() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let mut conn = db.open_connection().unwrap();
    let mut put = |text: &str| {
        execute_in_transaction(&mut conn, TransactionBehavior::Immediate, |transaction| {
            upsert(
                transaction,
                "INSERT INTO item(text, n) VALUES(?1, 1) ON CONFLICT(text) DO UPDATE SET n = n + 1 RETURNING id",
                [text],
            )
        })
        .unwrap()
    };
    let (a, b, again) = (put("a"), put("b"), put("a"));
    assert_ne!(a, b);
    assert_eq!(a, again);
}

#[test]
fn a_closure_that_fails_or_panics_stores_nothing() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let mut conn = db.open_connection().unwrap();
    let failed = execute_in_transaction(&mut conn, TransactionBehavior::Immediate, |transaction| {
        transaction.execute("INSERT INTO item(text) VALUES('x')", [])?;
        Err::<(), _>(DbError::Invalid("on purpose".into()))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Invalid);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        execute_in_transaction(&mut conn, TransactionBehavior::Immediate, |transaction| {
            transaction.execute("INSERT INTO item(text) VALUES('x')", [])?;
            if transaction.is_autocommit() { Ok::<_, DbError>(()) } else { panic!("on purpose") }
        })
    }));
    assert!(panicked.is_err());
    assert!(conn.is_autocommit());
    assert_eq!(texts(&db).len(), 0);
}

#[test]
fn its_transactions_take_the_turn_beside_the_writer() {
    let scratch = Scratch::new();
    let db = scratch.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let db = &db;
            scope.spawn(move || {
                let mut conn = db.open_connection().unwrap();
                for n in 0..50 {
                    conn.transact(TransactionBehavior::Immediate, |transaction| {
                        let text = format!("own {thread} {n}");
                        transaction
                            .execute("INSERT INTO item(text) VALUES(?1)", [text])
                            .map_err(DbError::from)
                    })
                    .unwrap();
                    insert(db, &format!("group {thread} {n}")).unwrap();
                }
            });
        }
    });
    assert_eq!(texts(&db).len(), 400);
}

/// What holds for the writer holds for a connection of one's own.
#[test]
fn it_neither_nests_nor_writes_into_a_file_that_is_gone() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let mut conn = db.open_connection().unwrap();
    let nested = conn.transact(TransactionBehavior::Immediate, |_| insert(&db, "nested"));
    assert_eq!(nested.unwrap_err().kind(), ErrorKind::Nested);
    let write = |transaction: &rusqlite::Transaction<'_>| {
        transaction.execute("INSERT INTO item(text) VALUES('x')", []).map_err(DbError::from)
    };
    conn.transact(TransactionBehavior::Immediate, write).unwrap();
    let away = scratch.path().with_extension("away");
    std::fs::rename(scratch.path(), &away).unwrap();
    let gone = conn.transact(TransactionBehavior::Immediate, write).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Replaced);
    // Nor is another file opened in its place.
    std::fs::copy(&away, scratch.path()).unwrap();
    assert_eq!(db.open_connection().unwrap_err().kind(), ErrorKind::Replaced);
    std::fs::rename(&away, scratch.path()).unwrap();
    assert_eq!(texts(&db), ["x"]);
}
