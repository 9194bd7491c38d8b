use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use conclave_retry::Clock as _;
use conclave_testkit::{Parent, Random, Rerun, skipped};

use super::Admission::{Go, Hold, Slowly};
use super::*;
use crate::monitor::{MonitorName, Priority};
use crate::options::SpoolOptions;
use crate::quota::fixture::{HARD, Place, RESUME, SOFT, Said, T0, one_mb, open, told, while_busy};
use crate::spool::Spool;
use crate::store::quota::{Stored, read};

const PENDING: &str = "keyboard/20250909-17.ndjson.gz";
const HARD_TEXT: &str = "Hard spool quota exceeded (1MB/1MB). Pausing writes, buffering in memory.";
const SOFT_TEXT: &str = "INFO Soft spool quota reached (0MB/1MB). Applying flush delays.";
const CLEARED: &str = "INFO Spool backpressure cleared - resuming normal operation";

fn admit(spool: &Spool, incoming: u64) -> Admission {
    let shared = spool.shared();
    shared.gate.admit(shared, incoming).unwrap()
}

fn stored(place: &Place) -> Option<Stored> {
    place.db().read(read).unwrap()
}

/// The text of a pressure line where nothing may be trimmed.
fn untrimmable(line: &str) -> String {
    format!("{} reason=\"untrimmable\"", line.replace("INFO", "WARN"))
}

// spool A13
#[test]
fn what_is_used_decides_what_is_admitted() {
    for (used, wanted) in [
        (0, Go),
        (SOFT - 1, Go),
        (SOFT, Slowly),
        (HARD - 1, Slowly),
        (HARD, Hold(Why::Quota)),
        (10 * HARD, Hold(Why::Quota)),
    ] {
        let place = Place::new();
        place.file(PENDING, used);
        assert_eq!(admit(&place.spool(None), 0), wanted, "{used}");
    }
}

#[test]
fn what_comes_and_what_is_being_written_need_room_too() {
    let place = Place::new();
    place.file(PENDING, SOFT - 10);
    place.file("mouse/20250909-18.ndjson.gz.part", 1_000);
    let spool = place.spool(None);
    let left = HARD - (SOFT - 10) - 1_000;
    assert_eq!(admit(&spool, left - 1), Go);
    assert_eq!(admit(&spool, left), Hold(Why::Quota));
    assert_eq!(admit(&spool, u64::MAX), Hold(Why::Quota));
    // What waits in memory puts flushes off, but does not keep itself out.
    let keyboard = MonitorName::parse("keyboard").unwrap();
    spool.shared().memory.join(&keyboard, Priority::Normal);
    spool.shared().memory.keep(&keyboard, &vec![b'x'; 2 << 20]);
    assert_eq!(admit(&spool, left - 1), Slowly);
    spool.shared().memory.leave(&keyboard);
    assert_eq!(admit(&spool, left - 1), Go);
}

#[test]
fn what_this_process_does_counts_without_a_look() {
    let place = Place::new();
    place.file(PENDING, 0);
    let spool = place.spool(None);
    assert_eq!(admit(&spool, 0), Go);
    let gate = &spool.shared().gate;
    gate.moved(0, i64::try_from(SOFT).unwrap());
    assert_eq!(admit(&spool, HARD - SOFT - 1), Go);
    assert_eq!(admit(&spool, HARD - SOFT), Hold(Why::Quota));
    gate.moved(i64::try_from(SOFT).unwrap(), -i64::try_from(SOFT).unwrap());
    assert_eq!(admit(&spool, 0), Slowly);
    gate.moved(-i64::try_from(SOFT).unwrap(), i64::MIN);
    assert_eq!(admit(&spool, 0), Go);
}

#[test]
fn the_disk_is_looked_at_once_a_second_and_twice_under_pressure() {
    let place = Place::new();
    place.file(PENDING, 0);
    let spool = place.spool(None);
    assert_eq!(admit(&spool, 0), Go);
    place.file(PENDING, SOFT);
    place.pass(999);
    assert_eq!(admit(&spool, 0), Go);
    place.pass(1);
    assert_eq!(admit(&spool, 0), Slowly);
    place.file(PENDING, HARD);
    place.pass(499);
    assert_eq!(admit(&spool, 0), Slowly);
    place.pass(1);
    assert_eq!(admit(&spool, 0), Hold(Why::Quota));
    place.file(PENDING, 0);
    place.pass(500);
    assert_eq!(admit(&spool, 0), Go);
}

#[test]
fn a_share_of_the_disk_stays_free() {
    let place = Place::new();
    place.disk.all.store(1_000_000, Ordering::Relaxed);
    place.disk.free.store(51_000, Ordering::Relaxed);
    let spool = place.spool(None);
    assert_eq!(admit(&spool, 1_000), Go);
    let (held, lines) = told(|| admit(&spool, 1_001));
    assert_eq!(held, Hold(Why::KeepFree));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN Too little free space on the disk (0MB"), "{lines:?}");
    assert_eq!(told(|| admit(&spool, 1_001)).1, Vec::<String>::new());
    // What is written here is no longer free.
    spool.shared().gate.moved(0, 1_000);
    assert_eq!(admit(&spool, 0), Go);
    assert_eq!(admit(&spool, 1), Hold(Why::KeepFree));

    let limits = Limits::new(1, 90, 100, 80, 0).unwrap();
    place.disk.free.store(0, Ordering::Relaxed);
    assert_eq!(admit(&place.with(SpoolOptions { limits, ..SpoolOptions::default() }, None), 1), Go);
    assert_eq!(one_mb().keep_free_pct(), 5);
}

#[test]
fn the_state_is_stored_on_changes_only_and_others_go_on_from_it() {
    let place = Place::new();
    place.file(PENDING, SOFT - 1);
    let first = place.spool(Some(place.db()));
    assert_eq!(admit(&first, 0), Go);
    assert_eq!(stored(&place), None);
    place.file(PENDING, SOFT);
    place.pass(1_000);
    assert_eq!(admit(&first, 0), Slowly);
    let wanted = Stored { state: QuotaState::Soft, since_ms: T0 + 1_000, logged_ms: T0 + 1_000 };
    assert_eq!(stored(&place), Some(wanted));
    let written = place.db().metrics().commits;
    // Between resume and soft a new process goes on with soft, one without the state does not.
    place.file(PENDING, RESUME);
    place.pass(10_000);
    assert_eq!(admit(&place.spool(Some(place.db())), 0), Slowly);
    assert_eq!(admit(&first, 0), Slowly);
    assert_eq!(admit(&place.spool(None), 0), Go);
    assert_eq!(stored(&place), Some(wanted));
    assert_eq!(place.db().metrics().commits, written);
    // What one process finds is in force for the other at its next look.
    place.file(PENDING, HARD);
    let second = place.spool(Some(place.db()));
    assert_eq!(admit(&second, 0), Hold(Why::Quota));
    place.file(PENDING, SOFT);
    place.pass(500);
    assert_eq!(admit(&first, 0), Hold(Why::Quota));
}

// spool A26
#[test]
fn pressure_is_told_once_in_an_interval_and_its_end_once() {
    let place = Place::new();
    // 20:40:59.9
    place.clock.set_wall_ms(T0 + 9_659_900);
    let db = place.db();
    let (first, second) = (place.spool(Some(db.clone())), place.spool(Some(db)));
    let file = place.file(PENDING, HARD);
    let hard = untrimmable(&format!("WARN {HARD_TEXT}"));
    let nothing = Vec::<String>::new();
    assert_eq!(told(|| admit(&first, 0)).1, std::slice::from_ref(&hard));
    // 20:41:00.2, in either process.
    place.pass(300);
    assert_eq!(told(|| admit(&first, 0)).1, nothing);
    assert_eq!(told(|| admit(&second, 0)).1, nothing);
    // By hand, and so that the other one sees it first.
    std::fs::remove_file(&file).unwrap();
    place.pass(1_000);
    assert_eq!(told(|| admit(&second, 0)).1, [CLEARED]);
    assert_eq!(told(|| admit(&first, 0)).1, nothing);
    // Again, within the interval: not told of, but its end is.
    place.file(PENDING, HARD);
    place.pass(1_000);
    assert_eq!(told(|| admit(&first, 0)).1, nothing);
    place.file(PENDING, 0);
    place.pass(1_000);
    assert_eq!(told(|| admit(&first, 0)).1, [CLEARED]);
    assert_eq!(told(|| admit(&second, 0)).1, nothing);
    place.file(PENDING, HARD);
    place.pass(56_699);
    assert_eq!(told(|| admit(&first, 0)).1, nothing);
    // A whole interval after the first line, and while it lasts once in each.
    place.pass(1);
    assert_eq!(told(|| admit(&first, 0)).1, std::slice::from_ref(&hard));
    assert_eq!(told(|| admit(&second, 0)).1, nothing);
    place.pass(60_000);
    assert_eq!(told(|| admit(&second, 0)).1, [hard]);
    assert_eq!(told(|| admit(&first, 0)).1, nothing);
}

// spool A26
#[test]
fn many_changes_make_one_line_in_an_interval_and_one_for_each_end() {
    for with_state in [true, false] {
        let place = Place::new();
        let spool = place.spool(with_state.then(|| place.db()));
        let (mut pressed, mut cleared, mut last) = (Vec::new(), 0, QuotaState::Normal);
        let mut random = Random::new(7);
        let mut ends = 0;
        for step in 0..600_u64 {
            place.pass(500 + random.below(2_000));
            let used = [0, RESUME - 1, RESUME, SOFT - 1, SOFT, HARD - 1, HARD]
                [usize::try_from(random.below(7)).unwrap()];
            place.file(PENDING, used);
            let now = QuotaState::after(Some(last), used, &one_mb());
            ends += u32::from(now == QuotaState::Normal && last != now);
            last = now;
            place.pass(1_000);
            for line in told(|| admit(&spool, 0)).1 {
                if line == CLEARED {
                    cleared += 1;
                } else {
                    pressed.push(place.clock.wall_ms());
                    assert!(line.contains("quota"), "{step}: {line}");
                }
            }
        }
        assert!(pressed.windows(2).all(|pair| pair[1] - pair[0] >= 60_000), "{pressed:?}");
        assert!(pressed.len() > 10 && ends > 10);
        assert_eq!(cleared, ends, "with a state: {with_state}");
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_the_log() {
    let place = Place::new();
    place.file(PENDING, SOFT);
    let spool = place.spool(Some(place.db()));
    let soft = untrimmable(SOFT_TEXT);
    assert_eq!(told(|| admit(&spool, 0)).1, std::slice::from_ref(&soft));
    place.clock.set_wall_ms(T0 - 60_000);
    place.pass(500);
    assert_eq!(told(|| admit(&spool, 0)).1, Vec::<String>::new());
    place.clock.set_wall_ms(T0 - 3_600_000);
    place.pass(500);
    assert_eq!(told(|| admit(&spool, 0)).1, [soft]);
    // From then on by the clock as it is.
    for _ in 0..3 {
        place.pass(500);
        assert_eq!(told(|| admit(&spool, 0)).1, Vec::<String>::new());
    }
}

#[test]
fn what_trimming_may_have_is_not_called_untrimmable() {
    let place = Place::new();
    place.file("_done/keyboard/20250909-17.ndjson.gz", SOFT);
    assert_eq!(told(|| admit(&place.spool(None), 0)).1, [SOFT_TEXT]);
}

#[test]
fn a_state_that_cannot_be_written_is_no_error_and_is_told_once() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    assert_eq!(admit(&spool, 0), Go);
    place.file(PENDING, HARD);
    place.pass(1_000);
    while_busy(&db, || {
        let (held, lines) = told(|| admit(&spool, 0));
        assert_eq!((held, lines.len()), (Hold(Why::Quota), 1));
        assert_eq!(told(|| admit(&spool, 0)).1, Vec::<String>::new());
    });
    assert_eq!(stored(&place), None);
    place.pass(500);
    assert_eq!(told(|| admit(&spool, 0)), (Hold(Why::Quota), Vec::new()));
    assert_eq!(stored(&place).map(|stored| stored.state), Some(QuotaState::Hard));
    // The same with its end.
    place.file(PENDING, 0);
    place.pass(500);
    while_busy(&db, || assert_eq!(told(|| admit(&spool, 0)), (Go, vec![CLEARED.to_owned()])));
    assert_eq!(stored(&place).map(|stored| stored.state), Some(QuotaState::Hard));
    place.pass(1_000);
    assert_eq!(told(|| admit(&spool, 0)), (Go, Vec::new()));
    assert_eq!(stored(&place).map(|stored| stored.state), Some(QuotaState::Normal));
}

// spool A14
#[test]
fn while_one_stores_a_change_others_are_not_kept_waiting() {
    let place = Place::new();
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    assert_eq!(admit(&spool, 0), Go);
    spool.shared().gate.moved(i64::try_from(SOFT).unwrap(), 0);
    let failed = db.metrics().failed;
    while_busy(&db, || {
        let asking = spool.clone();
        let one = std::thread::spawn(move || admit(&asking, 0));
        while !spool.shared().gate.known().telling && !one.is_finished() {
            std::thread::yield_now();
        }
        // It waits for the database meanwhile.
        for _ in 0..10 {
            assert_eq!(admit(&spool, 0), Slowly);
        }
        assert_eq!(one.join().unwrap(), Slowly);
    });
    assert_eq!(db.metrics().failed, failed + 1);
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error() {
    let place = Place::new();
    place.file(PENDING, 0);
    let spool = place.spool(None);
    assert_eq!(admit(&spool, 0), Go);
    std::fs::remove_dir_all(place.root()).unwrap();
    std::fs::write(place.root(), "").unwrap();
    place.pass(1_000);
    for _ in 0..2 {
        let failed = spool.shared().gate.admit(spool.shared(), 0).unwrap_err().to_string();
        assert!(failed.starts_with("read the spool: "), "{failed}");
        assert!(!failed.contains(place.root().to_str().unwrap()));
    }
    std::fs::remove_file(place.root()).unwrap();
    place.file(PENDING, SOFT);
    assert_eq!(admit(&spool, 0), Slowly);
}

// spool A26
#[test]
fn many_processes_tell_of_one_change_once() {
    const NAME: &str = "quota::gate::tests::many_processes_tell_of_one_change_once";
    const FOLDER: &str = "CONCLAVE_TEST_FOLDER";
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        let db = open(&folder);
        parent.wait_for_release();
        while parent.hear().is_some() {
            // As if it had just begun, so that it looks at once.
            let options = SpoolOptions { limits: one_mb(), ..SpoolOptions::default() };
            let spool = Spool::at(folder.join("spool"), options).disk(Arc::new(Said::roomy()));
            let spool = spool.state(Some(db.clone())).build();
            let (_, lines) = told(|| admit(&spool, 0));
            parent.say(&format!("{} {}", db.metrics().failed, lines.join(";")));
        }
        return;
    }
    let place = Place::new();
    let _db = place.db();
    let folder = place.root().parent().unwrap().to_str().unwrap().to_owned();
    let mut fleet = Rerun::of(NAME).variable(FOLDER, folder).start_fleet(6);
    fleet.release();
    let hard = untrimmable(&format!("WARN {HARD_TEXT}"));
    for (used, wanted) in [(HARD, hard.as_str()), (HARD, ""), (0, CLEARED), (0, ""), (HARD, ""), (0, CLEARED)]
    {
        place.file(PENDING, used);
        for child in &mut fleet.children {
            child.send("look");
        }
        let said: Vec<String> = fleet.children.iter_mut().map(|child| child.line().unwrap()).collect();
        if said.iter().any(|said| !said.starts_with("0 ")) {
            // One that cannot have the database in time tells what it knows itself.
            skipped("the machine is too slow for all of them");
            return;
        }
        let lines: Vec<&str> = said.iter().map(|said| &said[2..]).filter(|line| !line.is_empty()).collect();
        let wanted: Vec<&str> = Some(wanted).into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines, wanted, "{used}");
    }
}
