use std::path::PathBuf;
use std::time::Duration;

use conclave_testkit::{KillDriver, Parent, Rerun};

use super::*;
use crate::layout::{DROPS, ensure_folder};
use crate::quota::fixture::{Place, open, options, told, while_busy};
use crate::quota::gauge;

const FOLDER: &str = "CONCLAVE_TEST_FOLDER";

fn keyboard() -> MonitorName {
    MonitorName::parse("keyboard").unwrap()
}

/// A spool in which a writer has made its folder.
fn spool(place: &Place, state: Option<Db>) -> Spool {
    let spool = place.spool(state);
    ensure_folder(spool.layout(), &spool.layout().monitor(&keyboard())).unwrap();
    spool
}

fn drop_events(spool: &Spool, reason: Reason, events: u64) {
    count(spool.shared(), &keyboard(), reason, events, Otherwise::Added).unwrap();
}

/// What is told of `keyboard`, as `reason=events`.
fn counted(spool: &Spool, state: Option<&Db>) -> Vec<String> {
    let all = all(spool.shared(), state).unwrap();
    let drops = all.get("keyboard").into_iter().flatten();
    drops.map(|(reason, events)| format!("{reason}={events}")).collect()
}

/// The files in the folder of `keyboard`, but for its lock.
fn files(spool: &Spool) -> Vec<String> {
    let folder = std::fs::read_dir(spool.layout().monitor(&keyboard())).unwrap();
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != WRITER_LOCK);
    names.sort_unstable();
    names
}

#[test]
fn drops_are_counted_in_the_state_by_monitor_and_reason() {
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, Some(db.clone()));
    drop_events(&spool, Reason::Quota, 2);
    drop_events(&spool, Reason::Quota, 5);
    drop_events(&spool, Reason::TooLong, 1);
    drop_events(&spool, Reason::KeepFree, 0);
    let mouse = MonitorName::parse("mouse").unwrap();
    count(spool.shared(), &mouse, Reason::Quota, 9, Otherwise::Nowhere).unwrap();
    assert_eq!(counted(&spool, Some(&db)), ["quota=7", "too_long=1"]);
    assert_eq!(files(&spool), Vec::<String>::new());
    assert_eq!(total(spool.shared(), Some(&db)).unwrap(), 17);
    assert_eq!(total(spool.shared(), None).unwrap(), 0);
}

#[test]
fn while_the_state_is_busy_they_are_counted_in_a_file() {
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, Some(db.clone()));
    drop_events(&spool, Reason::Quota, 1);
    while_busy(&db, || {
        drop_events(&spool, Reason::Quota, 2);
        drop_events(&spool, Reason::DiskFull, 3);
        drop_events(&spool, Reason::DiskFull, 3);
    });
    assert_eq!(files(&spool), [DROPS]);
    // They are seen before they are folded in, and after.
    for _ in 0..2 {
        assert_eq!(counted(&spool, Some(&db)), ["disk_full=6", "quota=3"]);
        fold(&spool, &db).unwrap();
        assert_eq!(files(&spool), Vec::<String>::new());
    }
    assert_eq!(counted(&spool, None), Vec::<String>::new());
}

#[test]
fn without_a_state_that_can_be_written_they_are_counted_in_a_file() {
    let place = Place::new();
    let db = place.db();
    drop_events(&spool(&place, None), Reason::Missing, 4);
    let read_only = Db::open_read_only(options(place.root().parent().unwrap())).unwrap();
    drop_events(&spool(&place, Some(read_only)), Reason::Missing, 3);
    let spool = spool(&place, None);
    assert_eq!(
        (files(&spool), counted(&spool, None)),
        (vec![DROPS.to_owned()], vec!["missing=7".to_owned()])
    );
    assert_eq!(counted(&spool, Some(&db)), ["missing=7"]);
}

/// At each step of folding in, the process may die.
#[test]
fn a_file_is_folded_in_once_wherever_it_is_interrupted() {
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, None);
    let (shared, keyboard) = (spool.shared(), keyboard());
    drop_events(&spool, Reason::Quota, 7);
    // Set apart, and no further.
    let apart = file::set_all_apart(&shared.layout, &keyboard).unwrap();
    assert_eq!(counted(&spool, Some(&db)), ["quota=7"]);
    // What comes now is another count.
    drop_events(&spool, Reason::Quota, 1);
    assert_eq!(counted(&spool, Some(&db)), ["quota=8"]);
    // In the state, but the file is still there.
    let [(id, drops)] = &apart[..] else { panic!("{apart:?}") };
    add(&db, &keyboard, id, drops, PATIENCE).unwrap();
    assert_eq!(files(&spool).len(), 2);
    assert_eq!(counted(&spool, Some(&db)), ["quota=8"]);
    let ledger = crate::ledger::ledger(&spool, Some(&db)).unwrap().total;
    assert_eq!((ledger.written, &ledger.dropped["quota"]), (8, &8));
    fold(&spool, &db).unwrap();
    assert_eq!((files(&spool), counted(&spool, Some(&db))), (Vec::new(), vec!["quota=8".to_owned()]));
}

#[test]
fn a_count_of_which_nobody_knows_whether_it_is_durable_is_counted_once() {
    for was_durable in [false, true] {
        let place = Place::new();
        let db = place.db();
        let spool = spool(&place, None);
        let drops = Drops::from([("quota".to_owned(), 3)]);
        let id = file::new_id().unwrap();
        for _ in 0..if was_durable { 2 } else { 0 } {
            add(&db, &keyboard(), &id, &drops, PATIENCE).unwrap();
        }
        file::set_apart(spool.layout(), &keyboard(), &id, &drops).unwrap();
        assert_eq!(counted(&spool, Some(&db)), ["quota=3"], "{was_durable}");
        fold(&spool, &db).unwrap();
        assert_eq!((files(&spool), counted(&spool, Some(&db))), (Vec::new(), vec!["quota=3".to_owned()]));
    }
}

#[test]
fn the_file_of_a_live_writer_is_left_to_it() {
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, None);
    drop_events(&spool, Reason::Quota, 1);
    let path = spool.layout().monitor(&keyboard()).join(WRITER_LOCK);
    let lock = Flock::try_take(&path).unwrap().unwrap();
    fold(&spool, &db).unwrap();
    assert_eq!((files(&spool), counted(&spool, None)), (vec![DROPS.to_owned()], vec!["quota=1".to_owned()]));
    fold_held(spool.shared(), &keyboard(), &db).unwrap();
    assert_eq!((files(&spool), counted(&spool, Some(&db))), (Vec::new(), vec!["quota=1".to_owned()]));
    drop(lock);
}

#[test]
fn while_the_state_is_busy_nothing_is_folded_in_and_nothing_lost() {
    let place = Place::new();
    let options = options(place.root().parent().unwrap());
    let db = Db::open(options.deadline(Duration::from_millis(20))).unwrap();
    let spool = spool(&place, None);
    drop_events(&spool, Reason::Quota, 1);
    // Not by `fold`, which passes by where the lock is held: a child of another test has it from fork to exec.
    let folded = || fold_held(spool.shared(), &keyboard(), &db);
    while_busy(&db, || assert!(folded().is_err()));
    assert_eq!(counted(&spool, Some(&db)), ["quota=1"]);
    folded().unwrap();
    assert_eq!((files(&spool), counted(&spool, Some(&db))), (Vec::new(), vec!["quota=1".to_owned()]));
}

#[test]
fn what_is_damaged_is_set_aside_and_said() {
    let whole = r#"{"id":"00000000000000000000000000000000","drops":{"quota":9007199254740992}}"#;
    for (text, is_whole) in [
        (whole, true),
        ("", false),
        ("{", false),
        ("[]", false),
        (r#"{"id":"../../../../../../../../../../x","drops":{"quota":1}}"#, false),
        (r#"{"id":"0000000000000000000000000000000A","drops":{"quota":1}}"#, false),
        (r#"{"id":"00000000000000000000000000000000","drops":{"quota":-1}}"#, false),
        (r#"{"id":"00000000000000000000000000000000","drops":{"quota":9007199254740993}}"#, false),
        (r#"{"id":"00000000000000000000000000000000","drops":{"":1}}"#, false),
    ] {
        let place = Place::new();
        let db = place.db();
        let spool = spool(&place, None);
        let path = spool.layout().monitor(&keyboard()).join(DROPS);
        std::fs::write(&path, text).unwrap();
        let ((), lines) = told(|| drop_events(&spool, Reason::Quota, 1));
        let wanted = if is_whole { "quota=9007199254740992" } else { "quota=1" };
        assert_eq!(lines.is_empty(), is_whole, "{text}: {lines:?}");
        if !is_whole {
            assert_eq!(files(&spool), [DROPS, ".drops.json.damaged"]);
            assert!(!lines[0].contains(place.root().to_str().unwrap()), "{lines:?}");
        }
        assert_eq!(counted(&spool, Some(&db)), [wanted], "{text}");
        fold(&spool, &db).unwrap();
        assert_eq!(counted(&spool, Some(&db)), [wanted], "{text}");
    }
}

#[test]
fn a_link_in_place_of_the_file_is_not_followed() {
    let place = Place::new();
    let spool = spool(&place, None);
    let outside = place.root().with_file_name("outside.json");
    let text = r#"{"id":"00000000000000000000000000000000","drops":{"quota":5}}"#;
    std::fs::write(&outside, text).unwrap();
    let path = spool.layout().monitor(&keyboard()).join(DROPS);
    std::os::unix::fs::symlink(&outside, &path).unwrap();
    assert_eq!(counted(&spool, None), Vec::<String>::new());
    drop_events(&spool, Reason::Quota, 1);
    assert_eq!(counted(&spool, None), ["quota=1"]);
    assert_eq!(std::fs::read_to_string(outside).unwrap(), text);
}

#[test]
fn where_neither_can_be_written_it_is_an_error() {
    let place = Place::new();
    let spool = place.spool(None);
    let failed =
        count(spool.shared(), &keyboard(), Reason::Quota, 1, Otherwise::Added).unwrap_err().to_string();
    assert!(failed.starts_with("write keyboard/"), "{failed}");
    // The database is waited for once more where it is all that is left.
    let db = place.db();
    let spool = place.spool(Some(db.clone()));
    std::thread::scope(|scope| {
        let counting = while_busy(&db, || {
            let counting =
                scope.spawn(|| count(spool.shared(), &keyboard(), Reason::Quota, 1, Otherwise::Added));
            let failed = db.metrics().failed;
            while db.metrics().failed == failed {
                std::thread::yield_now();
            }
            counting
        });
        counting.join().unwrap().unwrap();
    });
    assert_eq!(counted(&spool, Some(&db)), ["quota=1"]);
}

#[test]
fn ids_are_forgotten_when_they_are_old_and_have_no_file() {
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, None);
    let (old, kept, new) = ("0".repeat(32), "1".repeat(32), "2".repeat(32));
    // One whose file could not be removed by whoever folded it in, and who lives.
    let drops = Drops::from([("quota".to_owned(), 1)]);
    file::set_apart(spool.layout(), &keyboard(), &kept, &drops).unwrap();
    let lock = Flock::try_take(&spool.layout().monitor(&keyboard()).join(WRITER_LOCK)).unwrap();
    for (id, at) in [
        (&old, "2025-09-09T16:59:59.999Z"),
        (&kept, "2025-09-09T16:59:59.999Z"),
        (&new, "2025-09-09T17:00:00.000Z"),
    ] {
        let id = id.clone();
        let sql = "INSERT INTO spool_folded(id, folded_at) VALUES(?1, ?2)";
        db.write("test", move |tx| tx.execute(sql, (&id, at))).unwrap();
    }
    fold(&spool, &db).unwrap();
    let known = |id: &str| db.read(|conn| store::is_folded(conn, id)).unwrap();
    assert_eq!([known(&old), known(&kept), known(&new)], [false, true, true]);
    drop(lock);
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).unwrap())
}

/// The spool in the folder that the parent names, with or without its state.
fn of_parent(state: Option<&Db>) -> Spool {
    Spool::at(folder().join("spool"), crate::SpoolOptions::default()).state(state.cloned()).build()
}

// spool A17
#[test]
fn drops_are_seen_by_every_process_and_outlive_their_own() {
    const NAME: &str = "drops::tests::drops_are_seen_by_every_process_and_outlive_their_own";
    if let Some(mut parent) = Parent::of_this_process() {
        let db = open(&folder());
        let with_state = parent.role() == "with";
        let spool = of_parent(with_state.then_some(&db));
        parent.wait_for_release();
        ensure_folder(spool.layout(), &spool.layout().monitor(&keyboard())).unwrap();
        drop_events(&spool, Reason::Quota, 7);
        parent.say("dropped");
        parent.hear();
        return;
    }
    for role in ["with", "without"] {
        let place = Place::new();
        let db = place.db();
        let folder = place.root().parent().unwrap().to_str().unwrap().to_owned();
        let mut child = Rerun::of(NAME).role(role).variable(FOLDER, folder).start();
        child.release();
        assert_eq!(child.line().as_deref(), Some("dropped"));
        let spool = place.spool(Some(db.clone()));
        let seen = || (gauge(&spool, Some(&db)).unwrap().dropped, counted(&spool, Some(&db)));
        assert_eq!(seen(), (7, vec!["quota=7".to_owned()]), "{role}");
        child.kill();
        fold(&spool, &db).unwrap();
        assert_eq!(seen(), (7, vec!["quota=7".to_owned()]), "{role}");
    }
}

#[test]
fn acknowledged_drops_survive_kill_and_are_counted_once() {
    const NAME: &str = "drops::tests::acknowledged_drops_survive_kill_and_are_counted_once";
    if let Some(mut parent) = Parent::of_this_process() {
        let db = open(&folder());
        let (with, without) = (of_parent(Some(&db)), of_parent(None));
        parent.wait_for_release();
        // Its predecessor may not be quite gone.
        let path = with.layout().monitor(&keyboard()).join(WRITER_LOCK);
        let lock = std::iter::repeat_with(|| Flock::try_take(&path).unwrap()).find_map(|lock| lock);
        for step in 0_u64.. {
            drop_events(if step % 3 == 0 { &with } else { &without }, Reason::Quota, 1);
            parent.say("dropped");
            if step % 5 == 0 {
                fold_held(with.shared(), &keyboard(), &db).unwrap();
            }
        }
        drop(lock);
        return;
    }
    let place = Place::new();
    let db = place.db();
    let spool = spool(&place, None);
    let folder = place.root().parent().unwrap().to_str().unwrap().to_owned();
    let mut driver = KillDriver::new(8);
    let rounds = std::env::var("CONCLAVE_CRASH_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    let mut sure = 0;
    for round in 0..rounds {
        let child = Rerun::of(NAME).variable(FOLDER, folder.clone()).start();
        let killed = driver.run_and_kill(child, 30, Duration::from_millis(5));
        assert!(!killed.ended, "round {round}");
        let dropped = sure + killed.lines.len() as u64;
        if round % 2 == 0 {
            fold(&spool, &db).unwrap();
            assert!(files(&spool).iter().all(|name| name == ".drops.json.new"), "round {round}");
        }
        // What was counted, but could not be acknowledged any more, is one count at most.
        let seen = total(spool.shared(), Some(&db)).unwrap();
        assert!(
            (dropped..=dropped + 1).contains(&seen),
            "round {round}: {dropped} acknowledged, {seen} counted"
        );
        sure = seen;
    }
}

/// Whoever has no lock of the monitor counts beside the one who has it.
#[test]
fn without_a_lock_they_are_counted_in_a_file_of_their_own() {
    let place = Place::new();
    let db = place.db();
    let none = place.spool(None);
    none.count_dropped(&keyboard(), Reason::Busy, 3).unwrap();
    let lock = Flock::try_take(&none.layout().monitor(&keyboard()).join(WRITER_LOCK)).unwrap();
    none.count_dropped(&keyboard(), Reason::Busy, 4).unwrap();
    none.count_dropped(&keyboard(), Reason::Busy, 0).unwrap();
    assert_eq!(files(&none).len(), 2);
    assert!(files(&none).iter().all(|file| file.starts_with(".drops-")), "{:?}", files(&none));
    assert_eq!(counted(&none, Some(&db)), ["busy=7"]);
    drop(lock);
    fold(&none, &db).unwrap();
    assert_eq!((files(&none), counted(&none, Some(&db))), (Vec::new(), vec!["busy=7".to_owned()]));
    place.spool(Some(db.clone())).count_dropped(&keyboard(), Reason::Busy, 1).unwrap();
    assert_eq!((files(&none), counted(&none, Some(&db))), (Vec::new(), vec!["busy=8".to_owned()]));
}

#[test]
fn what_may_go_nowhere_stays_with_who_has_it() {
    let place = Place::new();
    let spool = spool(&place, None);
    count(spool.shared(), &keyboard(), Reason::Quota, 1, Otherwise::Nowhere).unwrap_err();
    assert_eq!(files(&spool), Vec::<String>::new());
}
