//! A file that is moved away while others have it open.

use conclave_db::{Db, ErrorKind, FileIdentity, put_aside, remove_orphans};
use conclave_testkit::{Parent, Rerun};

use crate::fixture::{Scratch, insert, texts};

fn identity(scratch: &Scratch) -> FileIdentity {
    FileIdentity::of(&scratch.path()).unwrap().unwrap()
}

#[test]
fn what_lies_beside_goes_along_and_names_do_not_collide() {
    let scratch = Scratch::new();
    for (text, name) in [("a", "state.db.corrupt-7"), ("b", "state.db.corrupt-8")] {
        let db = scratch.open();
        insert(&db, text).unwrap();
        // It is open, so its log is there.
        let kept = put_aside(&scratch.path(), identity(&scratch), "corrupt", 7).unwrap().unwrap();
        drop(db);
        assert_eq!(kept, scratch.dir.path().canonicalize().unwrap().join(name));
        let options = conclave_db::DbOptions::new(&kept, crate::fixture::schema());
        assert_eq!(texts(&Db::open(options).unwrap()), [text]);
        assert!(!scratch.path().exists());
    }
}

#[test]
fn another_file_of_that_name_stays() {
    let scratch = Scratch::new();
    drop(scratch.open());
    let before = identity(&scratch);
    let other = FileIdentity { inode: before.inode + 1, ..before };
    assert_eq!(put_aside(&scratch.path(), other, "corrupt", 7).unwrap(), None);
    assert_eq!(identity(&scratch), before);
    std::fs::remove_file(scratch.path()).unwrap();
    assert_eq!(put_aside(&scratch.path(), before, "corrupt", 7).unwrap(), None);
}

/// Whoever has the old file open, in this process or another, reads it, is refused to write it, and when it closes it
/// leaves the new file and its log as they are.
#[test]
fn who_has_it_open_does_the_new_one_no_harm() {
    if let Some(mut parent) = Parent::of_this_process() {
        let options = conclave_db::DbOptions::new(parent.role(), crate::fixture::schema());
        let db = Db::open(options).unwrap();
        insert(&db, "theirs").unwrap();
        // A connection is open from here on.
        assert_eq!(texts(&db), ["ours", "theirs"]);
        parent.wait_for_release();
        assert_eq!(texts(&db), ["ours", "theirs"]);
        assert_eq!(insert(&db, "late").unwrap_err().kind(), ErrorKind::Replaced);
        drop(db);
        parent.say("closed");
        return;
    }
    let scratch = Scratch::new();
    let old = scratch.open();
    insert(&old, "ours").unwrap();
    let mut child = Rerun::of("put_aside::who_has_it_open_does_the_new_one_no_harm")
        .role(scratch.path().to_str().unwrap())
        .start();
    assert_eq!(texts(&old), ["ours", "theirs"]);
    put_aside(&scratch.path(), identity(&scratch), "corrupt", 7).unwrap().unwrap();
    let new = scratch.open();
    for text in ["new", "newer"] {
        insert(&new, text).unwrap();
    }
    child.release();
    assert_eq!(child.line().as_deref(), Some("closed"));
    child.finish();
    assert_eq!(texts(&old), ["ours", "theirs"]);
    assert_eq!(insert(&old, "late").unwrap_err().kind(), ErrorKind::Replaced);
    drop(old);
    assert!(scratch.dir.path().join("state.db-wal").exists(), "the log of the new file is there");
    insert(&new, "newest").unwrap();
    drop(new);
    assert_eq!(texts(&scratch.open()), ["new", "newer", "newest"]);
}

#[test]
fn what_a_deleted_file_left_is_removed_and_what_a_file_has_is_not() {
    let scratch = Scratch::new();
    let old = scratch.open();
    insert(&old, "old").unwrap();
    let beside = |suffix: &str| scratch.dir.path().join(format!("state.db{suffix}")).exists();
    remove_orphans(&scratch.path()).unwrap();
    assert!(beside("-wal") && beside("-shm"));
    std::fs::remove_file(scratch.path()).unwrap();
    remove_orphans(&scratch.path()).unwrap();
    assert!(!beside("-wal") && !beside("-shm"));
    let new = scratch.open();
    insert(&new, "new").unwrap();
    assert_ne!(new.identity(), old.identity());
    assert_eq!(new.identity(), Some(identity(&scratch)));
    drop(old);
    drop(new);
    assert_eq!(texts(&scratch.open()), ["new"]);
}

#[test]
fn what_must_exist_is_not_made() {
    let scratch = Scratch::new();
    assert_eq!(Db::open_existing(scratch.options()).unwrap_err().kind(), ErrorKind::Missing);
    assert!(!scratch.path().exists());
    drop(scratch.open());
    Db::open_existing(scratch.options()).unwrap();
}
