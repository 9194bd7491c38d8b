//! In a folder that nobody may write: what can be read as it lies, and what is refused rather than read stale.

use std::fs;
use std::path::Path;

use conclave_db::{Db, DbOptions, ErrorKind, Source};
use conclave_testkit::{UnwritableFolder, notices_of};
use tracing::Level;

use crate::fixture::{Scratch, insert, schema, texts};

/// A database that was closed, and what one that was not had beside it.
fn closed_and_log() -> (Vec<u8>, Vec<u8>) {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "in the file").unwrap();
    drop(db);
    let closed = fs::read(scratch.path()).unwrap();
    let db = scratch.open();
    insert(&db, "in the log").unwrap();
    let log = fs::read(scratch.dir.path().join("state.db-wal")).unwrap();
    assert!(!log.is_empty());
    (closed, log)
}

fn options(folder: &Path) -> DbOptions {
    DbOptions::new(folder.join("state.db"), schema())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn without_a_log_it_is_read_as_it_lies_and_that_is_said() {
    let (closed, _) = closed_and_log();
    for empty_log in [false, true] {
        let folder = UnwritableFolder::filled(|folder| {
            fs::write(folder.join("state.db"), &closed).unwrap();
            if empty_log {
                fs::write(folder.join("state.db-wal"), "").unwrap();
            }
        });
        let Some(folder) = folder else { return };
        let before = names(folder.path());
        let (db, told) = notices_of(Level::WARN, || Db::open_read_only(options(folder.path())).unwrap());
        assert!(db.is_immutable() && db.is_read_only());
        assert!(told.iter().any(|line| line.contains("read as it lies")), "{told:?}");
        // The connection of the look, and others beside it.
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| assert_eq!(texts(&db), ["in the file"]));
            }
        });
        assert_eq!(
            db.pool().get().unwrap().query_row("SELECT count(*) FROM item", [], |row| row.get(0)),
            Ok(1)
        );
        let refused = Db::open(options(folder.path())).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{refused}");
        assert_eq!(names(folder.path()), before);
    }
}

#[test]
fn with_frames_in_its_log_it_is_refused_and_never_read_stale() {
    let (closed, log) = closed_and_log();
    for suffix in ["-wal", "-journal"] {
        let folder = UnwritableFolder::filled(|folder| {
            fs::write(folder.join("state.db"), &closed).unwrap();
            fs::write(folder.join(format!("state.db{suffix}")), &log).unwrap();
        });
        let Some(folder) = folder else { return };
        for open in [Db::open, Db::open_read_only] {
            let refused = open(options(folder.path())).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{suffix}: {refused}");
            assert!(refused.to_string().contains("state.db"), "{refused}");
            assert!(refused.hint().is_some());
        }
        let refused = Source::open(&folder.path().join("state.db")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{suffix}: {refused}");
        assert!(refused.to_string().contains("changes beside it"), "{refused}");
    }
}
