use super::*;
use crate::ledger::ledger;
use crate::quota::fixture::{Place, open};

const FILE: &str = "20250909-18.ndjson.gz";

/// An event, and its line.
fn line(number: usize) -> String {
    format!(
        r#"{{"id":"{number}","ts_utc":1,"monitor":"keyboard","action":"a","subject_type":"none","session_id":"s"}}"#
    ) + "\n"
}

// spool A20: two importers with the same row before them, such as two on two machines that share the folder.
#[test]
fn who_comes_second_to_a_segment_counts_nothing() {
    let place = Place::new();
    let (db, beside) = (place.db(), open(place.root().parent().unwrap()));
    let spool = place.spool(Some(db.clone()));
    let keyboard = MonitorName::parse("keyboard").unwrap();
    let folder = spool.layout().monitor(&keyboard);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(FILE);
    // More than one batch.
    let text: String = (0..300).map(line).chain(["no event\n".to_owned()]).collect();
    std::fs::write(&path, crate::frame::MemberMaker::new(6).member(text.as_bytes(), 301).unwrap()).unwrap();
    catalogue::note_all(&db, &keyboard, &pending(&spool, &keyboard).unwrap()).unwrap();
    let row = catalogue::rows(&db, &keyboard).unwrap().remove(0);
    let job = |state: &Db, segment: &Segment| {
        let monitors = &spool.options().monitors;
        let segment = segment.clone();
        let (monitor, path) = (&keyboard, path.as_path());
        let job = Job { layout: spool.layout(), monitors, max_line: 1 << 20, state, monitor, segment, path };
        job.run(&mut Pace::new()).unwrap()
    };
    let first = job(&db, &row);
    assert_eq!(
        (first.state, first.new, first.duplicates, first.quarantined),
        (Some(State::Imported), 300, 0, 1)
    );
    // One that saw it before anything was done, and one that saw it at its end but still pending.
    assert_eq!(job(&beside, &row), Imported::default());
    let ended = catalogue::rows(&db, &keyboard).unwrap().remove(0);
    assert_eq!(job(&beside, &Segment { state: State::Pending, ..ended }), Imported::default());
    let counted = ledger(&spool, Some(&db)).unwrap().total;
    assert_eq!((counted.written, counted.imported, counted.quarantined), (301, 300, 1));
    assert!(counted.balances(), "{counted:?}");
}
