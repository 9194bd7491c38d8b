//! The table of the durable writes and point reads, as ours.

use std::path::Path;
use std::sync::Arc;

use conclave_db::{Db, DbError, DbOptions, FIRST_VERSION, Migration, Schema, Step};

use crate::outcome::Outcome;

/// The same table for ours and for every peer.
pub(crate) const TABLE: &str = "CREATE TABLE item(
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
    CREATE TABLE log(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;";
/// The write that is measured.
pub(crate) const INSERT: &str = "INSERT INTO log(body) VALUES(?1)";
/// The read that is measured: by an index, one row.
pub(crate) const SELECT: &str = "SELECT id, body FROM item WHERE name = ?1";
/// Fills the table that is read.
pub(crate) const FILL: &str = "INSERT INTO item(name, body) VALUES(?1, ?2)";

const STEPS: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "benchmark tables",
    up: Step::Sql(TABLE),
    down: None,
    rewrites: false,
}];

/// What one write stores: 2 KiB that no page compression or sparse file could save.
pub(crate) fn body() -> Arc<[u8]> {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[0]
    };
    (0..2048).map(|_| next()).collect()
}

/// Opens a database with these tables as every program of ours would.
pub(crate) fn open(path: &Path, mmap_bytes: Option<i64>) -> Outcome<Db> {
    let mut options = DbOptions::new(path, Schema::assemble(&[STEPS], &[])?);
    if let Some(bytes) = mmap_bytes {
        options = options.mmap_bytes(bytes);
    }
    Ok(Db::open(options)?)
}

/// One durable write.
pub(crate) fn write(db: &Db, body: &Arc<[u8]>) -> Outcome {
    let body = Arc::clone(body);
    Ok(db.write("bench", move |tx| {
        tx.execute(INSERT, (&*body,))?;
        Ok::<_, DbError>(())
    })?)
}

/// The same from async code.
pub(crate) async fn write_async(db: &Db, body: &Arc<[u8]>) -> Outcome {
    let body = Arc::clone(body);
    let written = db.write_async("bench", move |tx| {
        tx.execute(INSERT, (&*body,))?;
        Ok::<_, DbError>(())
    });
    Ok(written.await?)
}
