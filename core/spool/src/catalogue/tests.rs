use super::*;
use crate::ledger::ledger;
use crate::quota::fixture::Place;

// The writer notes its segment while a flush is about to: each has seen that it is not there.
#[test]
fn a_segment_enters_the_ledger_once_whoever_notes_it_and_how_often() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    let monitor = MonitorName::parse("keyboard").unwrap();
    let file = "20250909-18.ndjson.gz".to_owned();
    std::fs::create_dir_all(spool.layout().monitor(&monitor)).unwrap();
    let member = crate::frame::MemberMaker::new(6).member(b"{}\n{}\n", 2).unwrap();
    std::fs::write(spool.layout().monitor(&monitor).join(&file), &member).unwrap();
    let entry = Entry { monitor: monitor.clone(), file, bytes: member.len() as u64, lines: 2 };
    for _ in 0..3 {
        note(&db, &entry).unwrap();
        note_all(&db, &monitor, &spool.layout().segments(&spool.layout().monitor(&monitor)).unwrap())
            .unwrap();
        let counted = ledger(&spool, Some(&db)).unwrap().total;
        assert_eq!((counted.written, counted.pending), (2, 2));
    }
}
