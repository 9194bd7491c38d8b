use std::time::{Duration, SystemTime};

use super::*;
use crate::quota::fixture::{HARD, Place, RESUME, SOFT, T0, told, while_busy};
use crate::quota::gauge;
use crate::store::quota as stored;

const NOTHING: &[&str] = &[];

fn done(name: &str) -> String {
    format!("_done/{name}.ndjson.gz")
}

/// The names of what went, without their end.
fn names(trimmed: &Trimmed) -> Vec<&str> {
    trimmed.files.iter().map(|file| file.strip_suffix(".ndjson.gz").unwrap()).collect()
}

// spool A23
#[test]
fn the_oldest_go_until_all_is_normal() {
    let place = Place::new();
    place.file(&done("keyboard/20250909-16"), 1);
    place.file(&done("keyboard/20250909-17"), SOFT);
    let spool = place.spool(None);
    assert_eq!(gauge(&spool, None).unwrap().state, QuotaState::Soft);
    let trimmed = trim(&spool, When::UnderPressure, false).unwrap();
    assert_eq!(names(&trimmed), ["keyboard/20250909-16", "keyboard/20250909-17"]);
    assert_eq!((trimmed.bytes, trimmed.used, trimmed.untrimmable), (SOFT + 1, 0, false));
    let gauge = gauge(&spool, None).unwrap();
    assert_eq!((gauge.state, gauge.usage.used), (QuotaState::Normal, 0));
}

// spool A23
#[test]
fn the_oldest_is_so_by_the_hour_in_its_name_then_by_its_change() {
    let place = Place::new();
    let third = HARD / 8;
    // Written to the folder in this order, and changed in the order of `secs`.
    let changed =
        [("b/20250909-17", 1), ("a/20250909-16-001", 9), ("c/20250909-16", 8), ("a/20250908-23", 20)];
    for (name, secs) in changed {
        let file = std::fs::File::open(place.file(&done(name), third)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(secs)).unwrap();
    }
    place.file("keyboard/20250101-00.ndjson.gz", HARD / 2);
    let spool = place.spool(None);
    let trimmed = trim(&spool, When::UnderPressure, false).unwrap();
    assert_eq!(names(&trimmed), ["a/20250908-23", "c/20250909-16"]);
    assert_eq!(trimmed.used, HARD / 2 + 2 * third);
    assert!(trimmed.used < RESUME);
}

// spool A23, A25
#[test]
fn what_is_not_imported_and_of_the_current_hour_stays() {
    let place = Place::new();
    let kept = [
        done("keyboard/20250909-18"),
        done("keyboard/20250909-18-001"),
        done("keyboard/20250909-19"),
        "_done/keyboard/20250909-16.ndjson.gz.part".to_owned(),
        "_done/keyboard/20250909-16.txt".to_owned(),
        "_done/20250909-16.ndjson.gz".to_owned(),
        "_quarantine/keyboard/20250909-16.ndjson.gz".to_owned(),
        "keyboard/20250909-16.ndjson.gz".to_owned(),
        "keyboard/20250909-16.ndjson.gz.part".to_owned(),
    ];
    let kept = kept.map(|name| place.file(&name, HARD / 4));
    let gone = place.file(&done("keyboard/20250909-17"), 10);
    // A link to a folder in `_done` leads nowhere.
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("20250909-16.ndjson.gz"), "x").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), place.root().join("_done/mouse")).unwrap();
    let spool = place.spool(None);
    let (trimmed, lines) = told(|| trim(&spool, When::UnderPressure, false).unwrap());
    assert_eq!(names(&trimmed), ["keyboard/20250909-17"]);
    assert!(trimmed.untrimmable);
    assert!(kept.iter().all(|path| path.exists()) && !gone.exists());
    assert!(elsewhere.path().join("20250909-16.ndjson.gz").exists());
    // One warning in an interval, however often it is tried.
    assert_eq!(lines.iter().filter(|line| line.starts_with("WARN")).count(), 1, "{lines:?}");
    for _ in 0..3 {
        place.pass(19_999);
        let (trimmed, lines) = told(|| trim(&spool, When::UnderPressure, false).unwrap());
        assert_eq!(
            (names(&trimmed).as_slice(), trimmed.untrimmable, lines.as_slice()),
            (NOTHING, true, &[][..])
        );
    }
    place.pass(3);
    let (_, lines) = told(|| trim(&spool, When::UnderPressure, false).unwrap());
    let wanted = "WARN Hard spool quota exceeded (1MB/1MB). Pausing writes, buffering in memory. reason=\"untrimmable\"";
    assert_eq!(lines, [wanted]);
    assert!(gauge(&spool, None).unwrap().untrimmable);
}

// spool A24
#[test]
fn without_pressure_nothing_goes() {
    let place = Place::new();
    let name = done("keyboard/20250909-17");
    let path = place.file(&name, 713_295);
    let spool = place.spool(None);
    for when in [When::UnderPressure, When::Asked] {
        let trimmed = trim(&spool, when, false).unwrap();
        assert_eq!(trimmed, Trimmed { used: 713_295, ..Trimmed::default() });
        assert!(path.exists());
    }
}

#[test]
fn who_asks_gets_down_to_resume_without_pressure() {
    let place = Place::new();
    place.file(&done("keyboard/20250909-16"), 10);
    place.file(&done("keyboard/20250909-17"), RESUME - 10);
    let spool = place.spool(None);
    assert_eq!(names(&trim(&spool, When::UnderPressure, false).unwrap()), NOTHING);
    let (trimmed, lines) = told(|| trim(&spool, When::Asked, false).unwrap());
    assert_eq!((names(&trimmed).as_slice(), trimmed.used), (&["keyboard/20250909-16"][..], RESUME - 10));
    let wanted =
        ["Trimming _done files: 0MB > 0MB resume limit", "Quota trim complete: freed 0MB, deleted 1 files"];
    assert_eq!(lines, wanted.map(|line| format!("INFO {line}")));
    assert_eq!(names(&trim(&spool, When::Asked, false).unwrap()), NOTHING);
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    for (used, when) in
        [(HARD, When::UnderPressure), (SOFT, When::Asked), (RESUME, When::Asked), (1, When::Asked)]
    {
        let place = Place::new();
        let db = place.db();
        place.file(&done("keyboard/20250909-16"), used / 2);
        let path = place.file(&done("keyboard/20250909-17"), used - used / 2);
        place.file("mouse/20250909-17.ndjson.gz", 1);
        let spool = place.spool(Some(db.clone()));
        let (said, lines) = told(|| trim(&spool, when, true).unwrap());
        assert_eq!(lines, Vec::<String>::new());
        assert!(path.exists());
        assert_eq!(db.read(|conn| stored::read(conn)).unwrap(), None);
        assert_eq!(said, trim(&spool, when, false).unwrap(), "{used}");
    }
}

#[test]
fn the_end_of_pressure_is_told_and_stored() {
    let place = Place::new();
    let db = place.db();
    place.file(&done("keyboard/20250909-17"), 3 * HARD);
    let spool = place.spool(Some(db.clone()));
    let (_, lines) = told(|| trim(&spool, When::UnderPressure, false).unwrap());
    let wanted = [
        "WARN Hard spool quota exceeded (3MB/1MB). Pausing writes, buffering in memory.",
        "INFO Trimming _done files: 3MB > 0MB soft limit",
        "INFO Quota trim complete: freed 3MB, deleted 1 files",
        "INFO Spool backpressure cleared - resuming normal operation",
    ];
    assert_eq!(lines, wanted);
    let state = db.read(|conn| stored::read(conn)).unwrap().unwrap();
    assert_eq!((state.state, state.since_ms, state.logged_ms), (QuotaState::Normal, T0, T0));
}

/// A name that is free again must not pass for that of a file that was imported.
#[test]
fn the_catalogue_forgets_what_goes() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    let rows = [
        ("keyboard", "20250909-16.ndjson.gz", HARD, "imported"),
        ("keyboard", "20250909-16.ndjson.gz", HARD + 1, "imported"),
        ("mouse", "20250909-16.ndjson.gz", HARD, "imported"),
        ("keyboard", "20250909-17.ndjson.gz", HARD, "pending"),
    ];
    for (monitor, file, bytes, state) in rows {
        let sql = "INSERT INTO spool_segments(monitor, file, bytes, lines, state) VALUES(?1, ?2, ?3, 1, ?4)";
        let bytes = i64::try_from(bytes).unwrap();
        db.write("test", move |tx| tx.execute(sql, (monitor, file, bytes, state))).unwrap();
    }
    let path = place.file(&done("keyboard/20250909-16"), HARD);
    let kept = |db: &conclave_db::Db| -> i64 {
        db.read(|conn| conn.query_row("SELECT count(*) FROM spool_segments", [], |row| row.get(0))).unwrap()
    };
    trim(&spool, When::UnderPressure, true).unwrap();
    assert_eq!(kept(&db), 4);
    trim(&spool, When::UnderPressure, false).unwrap();
    assert_eq!((kept(&db), path.exists()), (3, false));
}

#[test]
fn what_the_catalogue_cannot_forget_stays() {
    let place = Place::new();
    let folder = place.root().parent().unwrap().to_path_buf();
    let options = crate::quota::fixture::options(&folder).deadline(Duration::from_millis(20));
    let db = conclave_db::Db::open(options).unwrap();
    let path = place.file(&done("keyboard/20250909-16"), HARD);
    let spool = place.spool(Some(db.clone()));
    while_busy(&db, || assert!(trim(&spool, When::UnderPressure, false).is_err()));
    assert!(path.exists());
    trim(&spool, When::UnderPressure, false).unwrap();
    assert!(!path.exists());
}
