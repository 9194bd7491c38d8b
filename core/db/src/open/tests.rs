//! Opening where the file system cannot do everything.

use conclave_testkit::notices_of;
use tracing::Level;

use crate::file::beside;
use crate::file::tests::PRETENDED;
use crate::{Db, DbOptions, Durability, FIRST_VERSION, Journal, Migration, Result, Schema, Step};

const NOTES: &[Migration] = &[Migration {
    version: FIRST_VERSION,
    name: "notes",
    up: Step::Sql("CREATE TABLE note(text TEXT NOT NULL) STRICT;"),
    down: None,
    rewrites: false,
}];

/// Shared memory and file locks may be local to a machine there.
#[test]
fn on_a_network_file_system_it_works_without_log_and_turn_and_says_so_once() {
    for had_a_log in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let options = DbOptions::new(&path, Schema::assemble(&[NOTES], &[]).unwrap());
        if had_a_log {
            let db = Db::open(options.clone()).unwrap();
            assert_eq!(db.journal(), Journal::Wal);
        }
        PRETENDED.set(Some("NFS"));
        let (db, told) = notices_of(Level::WARN, || Db::open(options.clone()));
        PRETENDED.set(None);
        let db = db.unwrap();
        assert_eq!(told.iter().filter(|line| line.contains("NFS")).count(), 1, "{told:?}");
        assert_eq!(db.journal(), Journal::Rollback);
        for durability in [Durability::Power, Durability::Process] {
            let written: Result<usize> = db
                .writing("note")
                .durability(durability)
                .run(|tx| tx.execute("INSERT INTO note VALUES('x')", []));
            assert_eq!(written.unwrap(), 1);
            assert_eq!(db.maintain(|conn| crate::pragmas::integer(conn, "synchronous")).unwrap(), 3);
        }
        assert_eq!(db.read(|conn| conn.pragma::<String>("journal_mode")).unwrap(), "delete");
        let count = "SELECT count(*) FROM note";
        let count: Result<i64> = db.read(|conn| conn.query_row(count, [], |row| row.get(0)));
        assert_eq!(count.unwrap(), 2);
        for suffix in ["-wal", "-shm", "-queue", "-turn"] {
            assert!(!beside(&path, suffix).exists(), "{suffix}");
        }
    }
}
