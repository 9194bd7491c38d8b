//! Backups, and the way back.

use conclave_db::backup::{self, BackupOptions};
use conclave_db::vacuum;
use conclave_db::{Db, DbError, DbOptions, FIRST_VERSION, Migration, Schema, Step};

const ITEMS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "items",
    up: Step::Sql("CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"),
    down: None,
    rewrites: false,
}];

#[test]
fn early() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x/state.db");
    let options = DbOptions::new(&path, Schema::assemble(&[ITEMS], &[]).unwrap());
    let db = Db::open(options.clone()).unwrap();
    db.write("fill", |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO item(text) SELECT hex(randomblob(500)) FROM n",
            [],
        )?;
        Ok::<_, DbError>(())
    })
    .unwrap();
    let folder = backup::default_folder(&path);
    let made = backup::backup(&db, &dir.path().join("b/"), &BackupOptions::default()).unwrap();
    let made2 = backup::backup(&db, &folder.join(""), &BackupOptions::default()).unwrap();
    println!("{made:?} {made2:?}");
    db.write("empty", |tx| tx.execute("DELETE FROM item WHERE id > 3", [])).unwrap();
    for check in conclave_db::doctor::checks(&db) {
        println!("{check:?}");
    }
    println!("{:?}", vacuum::cycle(&db, vacuum::VacuumBudget { pages: 20, ..Default::default() }).unwrap());
    println!("{:?}", vacuum::run_until_done(&db, &mut |p| println!("{p:?}")).unwrap());
    println!("{:?}", vacuum::full(&db).unwrap());
    println!("{:?}", conclave_db::doctor::fix(&db).unwrap());
    for check in conclave_db::doctor::checks(&db) {
        println!("{check:?}");
    }
    println!("{}", backup::restore(&options, &made.path).unwrap_err());
    drop(db);
    println!("{:?}", backup::restore(&options, &made.path).unwrap());
    let db = Db::open(options).unwrap();
    println!("{:?}", conclave_db::stats(&db));
}
