//! A disk without room.
// cache C22

use conclave_cache::{Cache, CacheErrorKind, DiskCache, OpenOptions};
use conclave_db::ErrorKind;
use conclave_testkit::{Failure, Fault, FaultDisk, Op, SmallDisk};

use crate::fixture::{Scratch, assert_well, key, open, value_of};

#[test]
fn without_room_what_is_there_stays_and_later_writes_work() {
    let Some(disk) = SmallDisk::of(8) else { return };
    let large = vec![7; 400_000];
    let file = disk.path().join("cache.db");
    let cache = open(&file);
    cache.put(&key("old"), b"value").unwrap();
    disk.fill("filler", 0);
    let error = cache.put(&key("new"), &large).unwrap_err();
    // Where only the commit meets it, nobody knows at first what is in the log.
    let kinds = [ErrorKind::Full, ErrorKind::Ambiguous].map(CacheErrorKind::Storage);
    assert!(kinds.contains(&error.kind()) && error.to_string().contains("full"), "{error}");
    assert!(value_of(&cache, &key("new")).is_none_or(|value| value == large));
    assert_eq!(value_of(&cache, &key("old")).unwrap(), b"value");
    disk.clear("filler");
    cache.put(&key("new"), &large).unwrap();
    assert_eq!(value_of(&cache, &key("new")).unwrap(), large);
    assert_eq!(cache.stats().unwrap().entries, 2);
    drop(cache);
    assert_well(&file, OpenOptions::default());
}

/// Each write to the disk fails once: the value is there whole, or not at all, and the next one works.
#[test]
fn a_write_that_fails_leaves_no_part_of_a_value() {
    let large = vec![7; 30_000];
    for (op, error) in [(Op::Write, Failure::Full), (Op::Write, Failure::Io), (Op::Sync, Failure::Io)] {
        for nth in 1..8 {
            let scratch = Scratch::new();
            let disk = FaultDisk::watch(scratch.folder.path());
            let file = scratch.file();
            let cache = open(&file);
            cache.put(&key("old"), b"value").unwrap();
            disk.fail(Fault { op, nth, error, sticky: false });
            let put = cache.put(&key("new"), &large);
            disk.heal();
            let value = value_of(&cache, &key("new"));
            assert!(value.as_deref().is_none_or(|value| value == large), "{op:?} {error:?} {nth}");
            assert!(put.is_err() || value.is_some());
            cache.put(&key("next"), b"value").unwrap();
            assert_eq!(value_of(&cache, &key("old")).unwrap(), b"value");
            drop(cache);
            assert_well(&file, OpenOptions::default());
            let cache = DiskCache::open(&file, OpenOptions::default()).unwrap();
            assert_eq!(cache.stats().unwrap().entries, 2 + u64::from(value.is_some()));
        }
    }
}

/// What was counted is written down later, and once.
#[test]
fn what_cannot_be_written_down_is_kept_back() {
    let scratch = Scratch::new();
    let disk = FaultDisk::watch(scratch.folder.path());
    let file = scratch.file();
    let cache = open(&file);
    cache.put(&key("k"), b"value").unwrap();
    value_of(&cache, &key("k")).unwrap();
    disk.fail(Fault { op: Op::Write, nth: 1, error: Failure::Full, sticky: true });
    cache.flush().unwrap_err();
    cache.put(&key("new"), b"value").unwrap_err();
    assert_eq!(cache.stats().unwrap().hits, 1);
    disk.heal();
    value_of(&cache, &key("k")).unwrap();
    cache.flush().unwrap();
    cache.flush().unwrap();
    drop(cache);
    assert_eq!(open(&file).stats().unwrap().hits, 2);
}

/// A value can be made again: to put one waits for no disk.
#[test]
fn to_put_a_value_no_disk_is_waited_for() {
    let scratch = Scratch::new();
    let disk = FaultDisk::watch(scratch.folder.path());
    let cache = open(&scratch.file());
    cache.put(&key("first"), b"value").unwrap();
    let before = disk.count(Op::Sync);
    for number in 0..20 {
        cache.put(&key(&number.to_string()), b"value").unwrap();
    }
    assert_eq!(disk.count(Op::Sync), before);
}
