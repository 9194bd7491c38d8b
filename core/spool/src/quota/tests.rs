use std::sync::atomic::Ordering;

use super::fixture::{HARD, Place, RESUME, SOFT, while_busy};
use super::*;
use crate::drops::{Otherwise, Reason, count};
use crate::layout::ensure_folder;
use crate::monitor::{MonitorName, Priority};

#[test]
fn a_spool_that_is_not_there_is_normal() {
    let place = Place::new();
    let gauge = gauge(&place.spool(None), None).unwrap();
    let wanted = Gauge {
        usage: Usage::default(),
        state: QuotaState::Normal,
        why: None,
        untrimmable: false,
        dropped: 0,
    };
    assert_eq!(gauge, wanted);
    assert!(!place.root().exists());
}

// spool A13, A25
#[test]
fn the_gauge_says_what_is_used_and_why_it_is_not_normal() {
    for (name, used, state, why, untrimmable) in [
        ("keyboard/20250909-17", SOFT - 1, QuotaState::Normal, None, false),
        ("keyboard/20250909-17", SOFT, QuotaState::Soft, Some(Why::Quota), true),
        ("keyboard/20250909-17", HARD, QuotaState::Hard, Some(Why::Quota), true),
        ("_quarantine/keyboard/20250909-17", HARD, QuotaState::Hard, Some(Why::Quota), true),
        ("_done/keyboard/20250909-18", HARD, QuotaState::Hard, Some(Why::Quota), true),
        ("_done/keyboard/20250909-17", HARD, QuotaState::Hard, Some(Why::Quota), false),
    ] {
        let place = Place::new();
        place.file(&format!("{name}.ndjson.gz"), used);
        let gauge = gauge(&place.spool(None), None).unwrap();
        assert_eq!((gauge.state, gauge.why, gauge.untrimmable), (state, why, untrimmable), "{name} {used}");
        assert_eq!(gauge.usage.used, used);
    }
}

#[test]
fn a_disk_that_is_too_full_is_said_beside_the_state() {
    let place = Place::new();
    place.disk.free.store(1, Ordering::Relaxed);
    let found = gauge(&place.spool(None), None).unwrap();
    assert_eq!((found.state, found.why), (QuotaState::Normal, Some(Why::KeepFree)));
    place.file("keyboard/20250909-17.ndjson.gz", HARD);
    assert_eq!(gauge(&place.spool(None), None).unwrap().why, Some(Why::Quota));
}

#[test]
fn the_stored_state_is_gone_on_from_and_nothing_is_written() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    place.file("keyboard/20250909-17.ndjson.gz", HARD);
    spool.shared().gate.refresh(spool.shared()).unwrap();
    place.file("keyboard/20250909-17.ndjson.gz", RESUME);
    let commits = db.metrics().commits;
    // A database that somebody else writes to can be read.
    let found = while_busy(&db, || gauge(&spool, Some(&db)).unwrap());
    assert_eq!(found.state, QuotaState::Soft);
    assert_eq!(gauge(&spool, None).unwrap().state, QuotaState::Normal);
    // `while_busy` itself commits once.
    assert_eq!(db.metrics().commits, commits + 1);
}

#[test]
fn memory_and_drops_are_in_it() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    let keyboard = MonitorName::parse("keyboard").unwrap();
    ensure_folder(spool.layout(), &spool.layout().monitor(&keyboard)).unwrap();
    spool.shared().memory.join(&keyboard, Priority::Normal);
    spool.shared().memory.keep(&keyboard, &[b'x'; 100]);
    count(spool.shared(), &keyboard, Reason::Quota, 5, Otherwise::Added).unwrap();
    while_busy(&db, || count(spool.shared(), &keyboard, Reason::DiskFull, 2, Otherwise::Added).unwrap());
    let found = gauge(&spool, Some(&db)).unwrap();
    assert_eq!((found.usage.memory, found.dropped), (100, 7));
    assert_eq!(gauge(&spool, None).unwrap().dropped, 2);
}
