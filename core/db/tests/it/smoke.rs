//! The shortest way through everything.

use conclave_db::{Db, DbError, DbOptions, ErrorKind, FIRST_VERSION, Migration, Schema, Step};

const ITEMS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "items",
    up: Step::Sql("CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"),
    down: None,
    rewrites: false,
}];

#[test]
fn write_then_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x/state.db");
    let schema = Schema::assemble(&[ITEMS], &[]).unwrap();
    let db = Db::open(DbOptions::new(&path, schema.clone())).unwrap();
    let other = Db::open(DbOptions::new(&path, schema.clone())).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let db = other.clone();
            scope.spawn(move || {
                for n in 0..100 {
                    db.write("insert", move |tx| {
                        tx.execute("INSERT INTO item(text) VALUES(?1)", (format!("{thread} {n}"),))?;
                        Ok::<_, DbError>(())
                    })
                    .unwrap();
                }
            });
        }
    });
    let count = |db: &Db| {
        db.read(|conn| conn.query_row("SELECT count(*) FROM item", [], |row| row.get::<_, i64>(0))).unwrap()
    };
    assert_eq!(count(&db), 800);
    let refused = db.write("commit", |tx| tx.execute_batch("COMMIT")).unwrap_err();
    assert!(refused.to_string().contains("not authorized"), "{refused}");
    drop((db, other));
    let read_only = Db::open_read_only(DbOptions::new(&path, schema)).unwrap();
    assert_eq!(count(&read_only), 800);
    let refused = read_only.write("no", |tx| tx.execute("DELETE FROM item", [])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}
