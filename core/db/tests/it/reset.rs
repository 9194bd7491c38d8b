//! Beginning anew, what is refused then, and what is carried over.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conclave_db::backup::{self, BackupOptions, Carry, Nothing, backup, reset, restore};
use conclave_db::{Db, DbError, DbOptions, ErrorKind, Journal, Migration, ReadConn, Schema, Step, WriteTx};
use conclave_testkit::{Failure, Fault, FaultDisk, KillDriver, Op, Parent, Random, Rerun};

use crate::backup::{damage, fill, names, rows_of};
use crate::fixture::{ITEMS, Scratch, insert, schema, texts};

/// What is found of a missing or broken file.
const LOST: i64 = 1_000_000;

/// Carries the largest `n` over; refuses while there is a row "live".
#[derive(Debug, Default)]
struct Counter(Option<i64>);

impl Carry for Counter {
    type Error = DbError;

    fn read(&mut self, old: &ReadConn<'_>) -> Result<(), DbError> {
        if old.query_row("SELECT count(*) FROM item WHERE text = 'live'", [], |row| row.get::<_, bool>(0))? {
            return Err(DbError::Invalid("it is live".to_owned()));
        }
        self.0 = old.query_row("SELECT max(n) FROM item", [], |row| row.get(0))?;
        Ok(())
    }

    fn lost(&mut self) {
        self.0 = Some(LOST);
    }

    fn is_needed(&self, _: &ReadConn<'_>) -> Result<bool, DbError> {
        Ok(self.0.is_some())
    }

    fn write(&self, new: &WriteTx<'_>) -> Result<(), DbError> {
        new.execute(
            "INSERT INTO item(text, n) VALUES('counter', ?1) ON CONFLICT(text) DO UPDATE SET n = max(n, excluded.n)",
            [self.0],
        )?;
        Ok(())
    }
}

fn counter(path: &Path) -> Option<i64> {
    let db = Db::open(DbOptions::new(path, schema())).unwrap();
    let sql = "SELECT n FROM item WHERE text = 'counter'";
    db.read(|conn| conn.query_optional(sql, [], |row| row.get(0))).unwrap()
}

fn count_to(scratch: &Scratch, n: i64) {
    let write = move |tx: &WriteTx<'_>| {
        tx.execute(
            "INSERT INTO item(text, n) VALUES('counter', ?1) ON CONFLICT(text) DO UPDATE SET n = ?1",
            [n],
        )
    };
    scratch.open().write("count", write).unwrap();
}

#[test]
fn a_reset_begins_anew_and_what_was_there_is_a_backup() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 50);
    let before = texts(&db);
    drop(db);
    let report = reset(&scratch.options(), &mut Nothing).unwrap();
    assert!(report.verified && report.kept_verified, "{report:?}");
    assert_eq!(report.version, schema().version());
    let listed = backup::list(&backup::default_folder(&scratch.path()), &scratch.path()).unwrap();
    assert_eq!(report.kept.as_ref(), listed.first().map(|file| &file.path), "{listed:?}");
    let reader = Db::open_read_only(scratch.options()).unwrap();
    assert_eq!((reader.journal(), texts(&reader).len()), (Journal::Wal, 0));
    assert_eq!(conclave_db::stats(&reader).unwrap().auto_vacuum, conclave_db::AutoVacuum::Incremental);
    drop(reader);
    insert(&scratch.open(), "and on").unwrap();
    restore(&scratch.options(), &report.kept.unwrap(), &mut Nothing).unwrap();
    assert_eq!(texts(&scratch.open()), before);
    let left = names(scratch.dir.path());
    assert!(left.iter().all(|name| !name.starts_with(".copy") && !name.ends_with("-journal")), "{left:?}");
}

// runtime-state 8.9
#[test]
fn scenario_8_9_what_is_broken_is_kept_as_it_was_and_replaced() {
    let scratch = Scratch::new();
    let garbage = vec![7; 9000];
    fs::write(scratch.path(), &garbage).unwrap();
    fs::write(scratch.dir.path().join("state.db-wal"), "of another").unwrap();
    let report = reset(&scratch.options(), &mut Counter::default()).unwrap();
    assert!(!report.kept_verified);
    let kept = report.kept.unwrap();
    assert!(fs::read(&kept).unwrap() == garbage, "as it was");
    assert_eq!(fs::read_to_string(kept.with_file_name(kept_log(&kept))).unwrap(), "of another");
    assert_eq!(counter(&scratch.path()), Some(LOST));

    let empty = Scratch::new();
    fs::write(empty.path(), "").unwrap();
    let report = reset(&empty.options(), &mut Counter::default()).unwrap();
    assert_eq!((report.kept, report.kept_verified), (None, false), "there was nothing to be kept");
    assert_eq!(counter(&empty.path()), Some(LOST));
    assert_eq!(backup::list(&backup::default_folder(&empty.path()), &empty.path()).unwrap(), []);
}

fn kept_log(kept: &Path) -> String {
    format!("{}-wal", kept.file_name().unwrap().to_str().unwrap())
}

/// Where SQLite can still copy the pages, but not vouch for them.
#[test]
fn what_is_damaged_is_no_backup_and_is_kept_beside() {
    let scratch = Scratch::new();
    let db = scratch.open();
    fill(&db, 500);
    drop(db);
    damage(&scratch.path(), 3);
    let report = reset(&scratch.options(), &mut Counter::default()).unwrap();
    assert!(!report.kept_verified);
    assert!(report.kept.unwrap().to_str().unwrap().contains(".replaced-"));
    assert_eq!(backup::list(&backup::default_folder(&scratch.path()), &scratch.path()).unwrap(), []);
    assert_eq!(counter(&scratch.path()), Some(LOST), "numbers of a damaged file are not relied on");
}

// runtime-state 8.8, 8.9
#[test]
fn scenario_8_8_what_is_not_ours_to_empty_is_not_touched() {
    let newer = Scratch::new();
    newer.foreign("PRAGMA user_version=9999; CREATE TABLE item(text)");
    let foreign = Scratch::new();
    foreign.foreign("PRAGMA application_id=7; CREATE TABLE item(text)");
    let missing = Scratch::new();
    let folder = Scratch::new();
    fs::create_dir(folder.path()).unwrap();
    fs::write(folder.path().join("inside"), "").unwrap();
    for (scratch, kind) in [
        (newer, ErrorKind::Newer),
        (foreign, ErrorKind::Foreign),
        (missing, ErrorKind::Missing),
        (folder, ErrorKind::CannotOpen),
    ] {
        let before = (fs::read(scratch.path()).ok(), names(scratch.dir.path()));
        let refused = reset(&scratch.options(), &mut Nothing).unwrap_err();
        assert_eq!(refused.kind(), kind, "{refused}");
        let after = (fs::read(scratch.path()).ok(), names(scratch.dir.path()));
        assert!(before == after, "{kind:?}: {:?}", after.1);
    }
}

// runtime-state 8.38
#[test]
fn scenario_8_38_a_live_writer_is_not_robbed() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(std::env::var("FILE").unwrap(), schema())).unwrap();
        insert(&db, "before").unwrap();
        parent.wait_for_release();
        insert(&db, "after").unwrap();
        parent.say("written");
        return;
    }
    let scratch = Scratch::new();
    drop(scratch.open());
    let mut child = Rerun::of("reset::scenario_8_38_a_live_writer_is_not_robbed")
        .variable("FILE", scratch.path().to_str().unwrap())
        .start();
    let refused = reset(&scratch.options(), &mut Nothing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    if Path::new("/proc/locks").exists() {
        assert!(refused.to_string().contains(&format!("pid {}", child.pid())), "{refused}");
    }
    child.release();
    assert_eq!(child.line().as_deref(), Some("written"));
    child.finish();
    assert_eq!(texts(&scratch.open()), ["before", "after"]);
    let report = reset(&scratch.options(), &mut Nothing).unwrap();
    assert_eq!(rows_of(&report.kept.unwrap()), ["before", "after"]);
}

// runtime-state 8.46
#[test]
fn scenario_8_46_who_has_a_deleted_file_open_is_told_and_not_robbed() {
    if let Some(mut parent) = Parent::of_this_process() {
        let db = Db::open(DbOptions::new(std::env::var("FILE").unwrap(), schema())).unwrap();
        insert(&db, "before").unwrap();
        parent.wait_for_release();
        parent.say(insert(&db, "into nowhere").unwrap_err().kind().as_str());
        parent.hear();
        parent.say(insert(&db, "into another file").unwrap_err().kind().as_str());
        return;
    }
    let scratch = Scratch::new();
    let from = {
        let db = scratch.open();
        backup(&db, &scratch.dir.path().join("copy.db"), &BackupOptions::default()).unwrap().path
    };
    let mut child = Rerun::of("reset::scenario_8_46_who_has_a_deleted_file_open_is_told_and_not_robbed")
        .variable("FILE", scratch.path().to_str().unwrap())
        .start();
    for suffix in ["", "-wal", "-shm"] {
        fs::remove_file(scratch.dir.path().join(format!("state.db{suffix}"))).unwrap();
    }
    child.release();
    assert_eq!(child.line().as_deref(), Some("replaced"));
    // There is no file any more that it could have open.
    restore(&scratch.options(), &from, &mut Nothing).unwrap();
    child.send("again");
    assert_eq!(child.line().as_deref(), Some("replaced"));
    child.finish();
    assert_eq!(texts(&scratch.open()), Vec::<String>::new());
}

#[test]
fn a_handle_of_this_process_keeps_its_file() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let refused = reset(&scratch.options(), &mut Nothing).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("this process"), "{refused}");
    insert(&db, "still there").unwrap();
}

#[test]
fn what_is_carried_over_is_the_larger_of_both() {
    let scratch = Scratch::new();
    count_to(&scratch, 5);
    let five =
        backup(&scratch.open(), &scratch.dir.path().join("five.db"), &BackupOptions::default()).unwrap();
    count_to(&scratch, 9);
    let report = reset(&scratch.options(), &mut Counter::default()).unwrap();
    assert_eq!(counter(&scratch.path()), Some(9));
    restore(&scratch.options(), &five.path, &mut Counter::default()).unwrap();
    assert_eq!(counter(&scratch.path()), Some(9));
    count_to(&scratch, 2);
    restore(&scratch.options(), &report.kept.unwrap(), &mut Counter::default()).unwrap();
    assert_eq!(counter(&scratch.path()), Some(9));
    assert_eq!(rows_of(&five.path), ["counter"], "the backup is as it was");
    fs::remove_file(scratch.path()).unwrap();
    restore(&scratch.options(), &five.path, &mut Counter::default()).unwrap();
    assert_eq!(counter(&scratch.path()), Some(LOST));
}

#[test]
fn who_carries_something_over_may_refuse_and_nothing_has_changed() {
    let scratch = Scratch::new();
    let db = scratch.open();
    insert(&db, "live").unwrap();
    let from = backup(&db, &scratch.dir.path().join("copy.db"), &BackupOptions::default()).unwrap().path;
    drop(db);
    let before = names(scratch.dir.path());
    let refused = reset(&scratch.options(), &mut Counter::default()).unwrap_err();
    assert_eq!(refused.to_string(), "it is live");
    assert_eq!(
        restore(&scratch.options(), &from, &mut Counter::default()).unwrap_err().to_string(),
        "it is live"
    );
    let after: Vec<String> = names(scratch.dir.path()).into_iter().filter(|name| name != "backups").collect();
    assert_eq!(after, before);
    assert_eq!(texts(&scratch.open()), ["live"]);
}

const MORE: Migration = Migration {
    version: ITEMS.version + 1,
    name: "more",
    up: Step::Sql("ALTER TABLE item ADD COLUMN more TEXT"),
    down: None,
    rewrites: true,
};

#[test]
fn an_older_backup_gets_the_schema_that_what_is_carried_over_needs() {
    let scratch = Scratch::new();
    insert(&scratch.open(), "old").unwrap();
    let from =
        backup(&scratch.open(), &scratch.dir.path().join("copy.db"), &BackupOptions::default()).unwrap().path;
    let newer = DbOptions::new(scratch.path(), Schema::assemble(&[&[ITEMS, MORE]], &[]).unwrap());
    let version = |carry: &mut Counter| restore(&newer, &from, carry).unwrap().version;
    drop(Db::open(newer.clone()).unwrap());
    assert_eq!(version(&mut Counter::default()), MORE.version);
    assert_eq!(
        restore(&newer, &from, &mut Nothing).unwrap().version,
        ITEMS.version,
        "nothing is carried over"
    );
    // Which is older than the program, and is emptied to what the program needs.
    assert_eq!(reset(&newer, &mut Nothing).unwrap().version, MORE.version);
}

/// The two states that there may be, after however much of it was done.
fn assert_old_or_new(scratch: &Scratch, context: &str) -> bool {
    let db = scratch.open();
    let found = texts(&db);
    drop(db);
    let n = counter(&scratch.path());
    if found == ["counter"] {
        assert_eq!(n, Some(7), "{context}");
        return true;
    }
    assert_eq!((found.len(), n), (301, Some(7)), "{context}");
    false
}

fn old_state() -> Scratch {
    let scratch = Scratch::new();
    fill(&scratch.open(), 300);
    count_to(&scratch, 7);
    scratch
}

#[test]
fn killed_at_any_operation_the_old_or_the_new_state_is_there() {
    const KILLED: [Op; 5] = [Op::Open, Op::Write, Op::Sync, Op::Truncate, Op::Delete];
    if let Some(mut parent) = Parent::of_this_process() {
        let fault = std::env::var("FAULT").unwrap();
        let (op, nth) = fault.split_once(' ').unwrap();
        let op = *KILLED.iter().find(|known| format!("{known:?}") == op).unwrap();
        let path = PathBuf::from(parent.role());
        parent.wait_for_release();
        let disk = FaultDisk::watch(path.parent().unwrap());
        disk.fail(Fault { op, nth: nth.parse().unwrap(), error: Failure::Kill, sticky: false });
        reset(&DbOptions::new(&path, schema()), &mut Counter::default()).unwrap();
        parent.say("done");
        return;
    }
    let mut random = Random::from_env(8_38);
    let (mut old, mut new) = (0, 0);
    for op in KILLED {
        let mut nth = 1;
        loop {
            let scratch = old_state();
            let mut child = Rerun::of("reset::killed_at_any_operation_the_old_or_the_new_state_is_there")
                .role(scratch.path().to_str().unwrap())
                .variable("FAULT", format!("{op:?} {nth}"))
                .start();
            child.release();
            let done = child.lines().last().is_some_and(|line| line == "done");
            let is_new = assert_old_or_new(&scratch, &format!("killed at {op:?} {nth}"));
            assert!(is_new || !done);
            (old, new) = (old + i32::from(!is_new), new + i32::from(is_new && !done));
            if done {
                break;
            }
            nth += 1 + random.below(4);
        }
    }
    println!("killed while resetting: {old} times the old state, {new} times the new one");
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}

#[test]
fn killed_at_any_moment_the_old_or_the_new_state_is_there() {
    if let Some(mut parent) = Parent::of_this_process() {
        let options = DbOptions::new(std::env::var("FILE").unwrap(), schema());
        parent.wait_for_release();
        reset(&options, &mut Counter::default()).unwrap();
        parent.say("done");
        return;
    }
    let mut driver = KillDriver::with(Random::from_env(838));
    for round in 0..15 {
        let scratch = old_state();
        let child = Rerun::of("reset::killed_at_any_moment_the_old_or_the_new_state_is_there")
            .variable("FILE", scratch.path().to_str().unwrap())
            .start();
        let killed = driver.run_and_kill(child, 0, Duration::from_millis(40));
        let is_new = assert_old_or_new(&scratch, &format!("round {round}"));
        assert!(is_new || killed.lines.is_empty());
    }
}

#[test]
fn a_reset_that_loses_power_is_done_or_undone() {
    let scratch = Scratch::new();
    let disk = FaultDisk::watch(scratch.dir.path());
    fill(&scratch.open(), 300);
    count_to(&scratch, 7);
    let begins = disk.recording().len();
    reset(&scratch.options(), &mut Counter::default()).unwrap();
    disk.mark("reset");
    let recording = disk.recording();
    let (mut undone, mut done) = (0, 0);
    for seed in 0..80 {
        let image = Scratch::new();
        let _unsynced = FaultDisk::watch(image.dir.path());
        let at =
            begins + usize::try_from(Random::new(seed).below((recording.len() - begins) as u64 + 1)).unwrap();
        let cut = recording.cut_at(at, seed, image.dir.path());
        let is_new = assert_old_or_new(&image, &format!("seed {seed} at {at}"));
        assert!(is_new || cut.marks.is_empty(), "seed {seed}: it had been told");
        (undone, done) = (undone + i32::from(!is_new), done + i32::from(is_new));
    }
    println!("a reset that loses power: {undone} undone, {done} done");
    assert!(undone > 0 && done > 0, "{undone} undone, {done} done");
}
