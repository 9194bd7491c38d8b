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

struct Pending {
    place: Place,
    db: Db,
    spool: Spool,
    path: std::path::PathBuf,
    row: Segment,
}

fn keyboard() -> MonitorName {
    MonitorName::parse("keyboard").unwrap()
}

/// A segment of 300 events and a line that is none, which is more than one batch; catalogued.
fn catalogued() -> Pending {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    let folder = spool.layout().monitor(&keyboard());
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(FILE);
    let text: String = (0..300).map(line).chain(["no event\n".to_owned()]).collect();
    std::fs::write(&path, crate::frame::MemberMaker::new(6).member(text.as_bytes(), 301).unwrap()).unwrap();
    catalogue::note_all(&db, &keyboard(), &pending(&spool, &keyboard()).unwrap()).unwrap();
    let row = catalogue::rows(&db, &keyboard()).unwrap().remove(0);
    Pending { place, db, spool, path, row }
}

impl Pending {
    /// Imports it as if this were its row.
    fn import(&self, state: &Db, segment: Segment) -> Imported {
        let job = Job { spool: &self.spool, state, monitor: &keyboard(), segment, path: &self.path };
        job.run(&mut Pace::new()).unwrap()
    }
}

// spool A20: two importers with the same row before them, such as two machines that share the folder.
#[test]
fn who_comes_second_to_a_segment_counts_nothing() {
    let given = catalogued();
    let beside = open(given.place.root().parent().unwrap());
    let first = given.import(&given.db, given.row.clone());
    assert_eq!(
        (first.state, first.new, first.duplicates, first.quarantined),
        (Some(State::Imported), 300, 0, 1)
    );
    // One that saw it before anything was done, and one that saw it at its end but still pending.
    assert_eq!(given.import(&beside, given.row.clone()), Imported::default());
    let ended = catalogue::rows(&given.db, &keyboard()).unwrap().remove(0);
    assert_eq!(given.import(&beside, Segment { state: State::Pending, ..ended }), Imported::default());
    let counted = ledger(&given.spool, Some(&given.db)).unwrap().total;
    assert_eq!((counted.written, counted.imported, counted.quarantined), (301, 300, 1));
    assert!(counted.balances(), "{counted:?}");
}

#[test]
fn who_has_not_seen_that_another_went_on_writes_nothing() {
    let given = catalogued();
    let (db, row) = (given.db.clone(), given.row.clone());
    let advance = move || {
        let row = row.clone();
        let step = segments::Step { from: 0, to: 250 };
        db.write("go on", move |tx| segments::advance(tx, &row, step)).unwrap()
    };
    assert!(advance());
    assert!(!advance());
    let Pending { db, row, .. } = &given;
    assert_eq!(given.import(db, row.clone()), Imported::default());
    let events: i64 =
        db.read(|conn| conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0))).unwrap();
    assert_eq!(events, 0);
}

/// What was rejected by an attempt that was killed, and is an event to this one, is neither lost nor out of the ledger.
#[test]
fn a_line_that_is_judged_otherwise_by_the_next_attempt_is_kept_with_its_file() {
    let given = catalogued();
    let (db, row) = (given.db.clone(), given.row.clone());
    // The attempt before took all but the first line, which it rejected.
    let step = segments::Step { from: 0, to: 300 };
    db.write("go on", move |tx| {
        segments::advance(tx, &row, step)?;
        segments::count(tx, &row, 299, 0)
    })
    .unwrap();
    let row = catalogue::rows(&given.db, &keyboard()).unwrap().remove(0);
    let imported = given.import(&given.db, row);
    assert_eq!((imported.state, imported.quarantined), (Some(State::Quarantined), 2));
    let row = catalogue::rows(&given.db, &keyboard()).unwrap().remove(0);
    assert_eq!((row.state, row.lines), (State::Quarantined, 301));
}
