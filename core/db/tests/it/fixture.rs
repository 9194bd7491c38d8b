//! A schema with one table, and a folder for it.

use std::path::PathBuf;

use conclave_db::{Db, DbError, DbOptions, FIRST_VERSION, Migration, Schema, Step};
use tempfile::TempDir;

pub(crate) const ITEMS: Migration = Migration {
    version: FIRST_VERSION,
    name: "items",
    up: Step::Sql(
        "CREATE TABLE item(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, n INTEGER NOT NULL DEFAULT 0) STRICT;",
    ),
    down: None,
    rewrites: false,
};

/// A folder that goes with the test.
pub(crate) struct Scratch {
    pub(crate) dir: TempDir,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("state.db")
    }

    pub(crate) fn options(&self) -> DbOptions {
        DbOptions::new(self.path(), schema())
    }

    pub(crate) fn open(&self) -> Db {
        Db::open(self.options()).unwrap()
    }

    /// The file as an independent client sees it, outside of our rules.
    #[expect(clippy::disallowed_methods, reason = "the other program of the scenarios")]
    pub(crate) fn foreign(&self, sql: &str) {
        rusqlite::Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }
}

pub(crate) fn schema() -> Schema {
    Schema::assemble(&[&[ITEMS]], &["consensus_artifacts"]).unwrap()
}

pub(crate) fn insert(db: &Db, text: &str) -> Result<usize, DbError> {
    let text = text.to_owned();
    db.write("insert", move |tx| tx.execute("INSERT INTO item(text) VALUES(?1)", [&text]))
}

pub(crate) fn texts(db: &Db) -> Vec<String> {
    db.read(|conn| conn.query_all("SELECT text FROM item ORDER BY id", [], |row| row.get(0))).unwrap()
}
