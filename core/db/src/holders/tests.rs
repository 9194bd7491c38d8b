use super::*;

#[test]
fn lines_of_the_kernel_are_understood() {
    let lock = |line| Lock::parse(line);
    let read = lock("3: POSIX  ADVISORY  READ 4711 08:01:142 124 124").unwrap();
    let wanted = Lock {
        pid: 4711,
        is_flock: false,
        exclusive: false,
        device: (8, 1),
        inode: 142,
        first: 124,
        last: 124,
    };
    assert_eq!(read, wanted);
    assert_eq!(lock("3: POSIX  ADVISORY  WRITE 1 fe:00:7 0 EOF").unwrap().last, u64::MAX);
    assert!(lock("4: FLOCK  ADVISORY  WRITE 4711 08:01:142 0 EOF").unwrap().is_flock);
    for held_by_nobody in [
        "4: -> FLOCK  ADVISORY  WRITE 4711 08:01:142 0 EOF",
        "3: -> POSIX  ADVISORY  WRITE 4711 08:01:142 124 124",
        // An open-file-description lock has no process.
        "5: OFDLCK ADVISORY  READ -1 08:01:142 124 124",
        "6: POSIX  ADVISORY  READ -1 08:01:142 124 124",
        "",
        "7: POSIX",
    ] {
        assert_eq!(lock(held_by_nobody), None, "{held_by_nobody}");
    }
}

#[test]
fn the_byte_tells_what_its_holder_does() {
    let cases = [
        (120, true, Some(Holding::Writes)),
        (121, true, Some(Holding::Checkpoints)),
        (122, true, None),
        (123, false, Some(Holding::Reads)),
        (127, false, Some(Holding::Reads)),
        (125, true, None),
        (128, false, None),
    ];
    for (byte, exclusive, wanted) in cases {
        let lock =
            Lock { pid: 1, is_flock: false, exclusive, device: (8, 1), inode: 1, first: byte, last: byte };
        assert_eq!(lock.of_wal(), wanted, "byte {byte}");
    }
}

#[test]
fn another_file_with_the_same_inode_number_is_not_meant() {
    let lock =
        Lock { pid: 1, is_flock: false, exclusive: false, device: (8, 1), inode: 9, first: 124, last: 124 };
    let file = |major, minor| FileIdentity { device: rustix::fs::makedev(major, minor), inode: 9 };
    assert!(lock.is_on(file(8, 1)));
    assert!(!lock.is_on(file(8, 2)));
    assert!(lock.is_on(file(0, 40)), "an anonymous device of overlayfs");
}

#[test]
fn a_flock_is_seen_and_is_no_lock_of_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.lock");
    let file = std::fs::File::create(&path).unwrap();
    assert_eq!(of_flock(&path), Vec::<u32>::new());
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    if Path::new("/proc/locks").exists() {
        assert_eq!(of_flock(&path), [std::process::id()]);
    }
    assert_eq!(of_file(&path), []);
}
