//! What is held back for a full disk, on a disk that is really full.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use conclave_db::ballast::{self, Ballast};
use conclave_db::sql::TransactionBehavior;
use conclave_db::{Db, DbError, DbOptions, ErrorKind};
use conclave_testkit::SmallDisk;

use crate::fixture::{Scratch, insert, schema, texts};

#[test]
fn it_takes_up_real_room_and_is_made_once() {
    let scratch = Scratch::new();
    let db = scratch.open();
    let path = ballast::path_of(db.path());
    ballast::release(db.path());
    assert_eq!(ballast::ensure(&db).unwrap(), Ballast::Created);
    let found = fs::metadata(&path).unwrap();
    assert_eq!(found.len(), ballast::BYTES);
    assert!(found.blocks() * 512 >= ballast::BYTES, "a file with holes would give nothing back");
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(ballast::ensure(&db).unwrap(), Ballast::Present);
    assert_eq!(fs::metadata(&path).unwrap().ino(), found.ino());
    // Cut short, or full of holes, it is made anew.
    fs::File::create(&path).unwrap().set_len(ballast::BYTES).unwrap();
    assert_eq!(ballast::ensure(&db).unwrap(), Ballast::Created);
    assert!(fs::metadata(&path).unwrap().blocks() * 512 >= ballast::BYTES);
    let unfinished = fs::read_dir(scratch.dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("-ballast-"));
    assert_eq!(unfinished.count(), 0);
    ballast::release(db.path());
    assert!(!path.exists());
    ballast::release(db.path());
}

#[test]
fn a_read_only_handle_makes_none() {
    let scratch = Scratch::new();
    drop(scratch.open());
    ballast::release(&scratch.path());
    let db = Db::open_read_only(scratch.options()).unwrap();
    assert_eq!(ballast::ensure(&db).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(!ballast::path_of(db.path()).exists());
}

type Write = fn(&Db) -> Result<usize, DbError>;

/// A database that may not grow is as full as its disk, whichever way the write goes.
#[test]
fn whoever_meets_the_end_of_the_room_gives_it_up() {
    const BIG: &str = "INSERT INTO item(text) VALUES(hex(zeroblob(1000000)))";
    let ways: &[(&str, Write)] = &[
        ("write", |db| {
            db.exclusive(|conn| Ok(conn.pragma_update(None, "max_page_count", 40)?))?;
            db.write("big", |tx| tx.execute(BIG, []))
        }),
        ("a connection of its own", |db| {
            let mut own = db.open_connection()?;
            own.pragma_update(None, "max_page_count", 40)?;
            own.transact(TransactionBehavior::Immediate, |transaction| Ok(transaction.execute(BIG, [])?))
        }),
    ];
    for (name, write) in ways {
        let scratch = Scratch::new();
        let db = scratch.open();
        ballast::ensure(&db).unwrap();
        assert_eq!(write(&db).unwrap_err().kind(), ErrorKind::Full, "{name}");
        assert!(!ballast::path_of(db.path()).exists(), "{name}: it was kept");
    }
}

#[test]
fn on_a_full_disk_it_is_given_up_and_deletes_go_through() {
    let Some(disk) = SmallDisk::of(80) else { return };
    let db = Db::open(DbOptions::new(disk.path().join("state.db"), schema())).unwrap();
    ballast::ensure(&db).unwrap();
    insert(&db, "before").unwrap();
    disk.fill("filler", 0);
    let big = "x".repeat(200_000);
    let refused = insert(&db, &big).unwrap_err();
    // A COMMIT that fails half-way is `Ambiguous`, by the rule of the writer.
    assert!(matches!(refused.kind(), ErrorKind::Full | ErrorKind::Ambiguous), "{refused}");
    assert!(refused.to_string().contains("full"), "{refused}");
    assert!(!ballast::path_of(db.path()).exists(), "it was given up");
    assert_eq!(texts(&db), ["before"]);
    // There is room now for what ends the work and for what makes more.
    insert(&db, "the last words").unwrap();
    db.write("delete", |tx| tx.execute("DELETE FROM item WHERE text = 'before'", [])).unwrap();
    assert_eq!(texts(&db), ["the last words"]);
    // Nothing is held back again before there is plenty.
    assert_eq!(ballast::ensure(&db).unwrap(), Ballast::NoRoom);
    disk.clear("filler");
    assert_eq!(ballast::ensure(&db).unwrap(), Ballast::Created);
}
