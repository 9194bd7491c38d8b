//! What the power cuts and the fault sweep run: a small life of one file.
//!
//! Each write is a pair of rows in one transaction, named by an idempotency key. Rows are never deleted, so the
//! order of their ids is the order of the log.

use std::path::Path;

use conclave_db::backup::{self, BackupOptions};
use conclave_db::checkpoint::{CheckpointMode, checkpoint};
use conclave_db::{
    BulkWriter, Db, DbError, DbOptions, Durability, FIRST_VERSION, Migration, Schema, Step, WriteTx, vacuum,
};

use crate::fixture::ITEMS;

/// Adds a table whose pages come and go.
const PAGES: Migration = Migration {
    version: FIRST_VERSION + 1,
    name: "pages",
    up: Step::Sql("CREATE TABLE page(id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;"),
    down: None,
    rewrites: false,
};

/// Writes all rows anew, after a backup.
const REWRITTEN: Migration = Migration {
    version: FIRST_VERSION + 2,
    name: "rewritten",
    up: Step::Sql(
        "CREATE TABLE item2(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, n INTEGER NOT NULL DEFAULT 0, more TEXT) STRICT;
         INSERT INTO item2(id, text, n) SELECT id, text, n FROM item ORDER BY id;
         DROP TABLE item;
         ALTER TABLE item2 RENAME TO item;",
    ),
    down: None,
    rewrites: true,
};

/// The newest version of the schema.
pub(crate) const NEWEST: i32 = REWRITTEN.version;

/// The schema up to this version; small logs, so that checkpoints come often.
pub(crate) fn options(path: &Path, version: i32) -> DbOptions {
    let steps: Vec<Migration> =
        [ITEMS, PAGES, REWRITTEN].into_iter().filter(|step| step.version <= version).collect();
    DbOptions::new(path, Schema::assemble(&[&steps], &[]).unwrap()).checkpoint_pages(12)
}

/// Both rows of a pair. Said twice it is done once.
pub(crate) fn pair(tx: &WriteTx<'_>, key: &str) -> Result<(), DbError> {
    tx.execute("INSERT INTO item(text) VALUES(?1) ON CONFLICT(text) DO NOTHING", [key])?;
    tx.execute("INSERT INTO item(text, n) VALUES(?1 || '''', 1) ON CONFLICT(text) DO NOTHING", [key])?;
    Ok(())
}

/// A pair through the writer; durable as `durability` says when this returns.
pub(crate) fn write(db: &Db, key: &str, durability: Durability) -> Result<(), DbError> {
    let key = key.to_owned();
    db.writing("pair").durability(durability).run(move |tx| pair(tx, &key))
}

/// Pairs of a bulk copy, all or none.
pub(crate) fn bulk(db: &Db, keys: &[String]) -> Result<(), DbError> {
    let written = BulkWriter::open(db, None)?.write(|tx| keys.iter().try_for_each(|key| pair(tx, key)));
    written.map(drop)
}

/// Pages come, go, and are given back in slices.
pub(crate) fn pages_come_and_go(db: &Db, pages: i64) -> Result<(), DbError> {
    db.write("pages come", move |tx| {
        tx.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
             INSERT INTO page(content) SELECT zeroblob(4000) FROM n",
            [pages],
        )
    })?;
    db.write("pages go", |tx| tx.execute("DELETE FROM page", []))?;
    vacuum::run_until_done(db, &mut |_| {})?;
    checkpoint(db, CheckpointMode::Truncate)?;
    Ok(())
}

/// A verified copy in another folder.
pub(crate) fn back_up(db: &Db, folder: &Path) -> Result<(), DbError> {
    backup::backup(db, folder, &BackupOptions::default()).map(drop)
}

/// All rows with which half of a pair each is, in the order of the log.
pub(crate) fn rows(db: &Db) -> Result<Vec<(String, i64)>, DbError> {
    let sql = "SELECT text, n FROM item ORDER BY id";
    db.read(|conn| conn.query_all(sql, [], |row| Ok((row.get(0)?, row.get(1)?))))
}

/// The keys that are there, in the order of the log. Both halves of each, or the file is torn.
pub(crate) fn keys(db: &Db) -> Vec<String> {
    let rows = rows(db).unwrap();
    let halves = |half| rows.iter().filter(move |(_, n)| *n == half).map(|(text, _)| text.clone());
    let seconds: Vec<String> = halves(1).map(|text| text.trim_end_matches('\'').to_owned()).collect();
    let firsts: Vec<String> = halves(0).collect();
    assert_eq!(firsts, seconds, "half of a transaction is there");
    firsts
}

/// What a whole check finds wrong; `None` where it finds nothing.
pub(crate) fn damage(db: &Db) -> Option<String> {
    let found = db.read(|conn| {
        let check: String = conn.pragma("integrity_check")?;
        let orphans = conn.query_all("SELECT * FROM pragma_foreign_key_check", [], |_| Ok(()))?;
        Ok::<_, DbError>((check, orphans.len()))
    });
    match found {
        Ok((check, 0)) if check == "ok" => None,
        found => Some(format!("{found:?}")),
    }
}

/// Every page and every reference.
pub(crate) fn assert_sound(db: &Db, context: &str) {
    assert_eq!(damage(db), None, "{context}");
}
