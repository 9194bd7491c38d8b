use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SMALL: u64 = 64 << 10;

/// What both files hold, the older first.
fn texts(path: &Path) -> (Vec<u8>, Vec<u8>) {
    let older = PathBuf::from(format!("{}.1", path.display()));
    (fs::read(older).unwrap_or_default(), fs::read(path).unwrap())
}

/// Numbered lines of 16 bytes.
fn lines(from: u64, to: u64) -> Vec<u8> {
    (from..to).flat_map(|number| format!("{number:>15}\n").into_bytes()).collect()
}

#[test]
fn what_is_older_goes_to_the_second_file() {
    // Whether blocks can be taken off depends on where the tests run; the other way can be had everywhere.
    for collapses in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agents/a.log");
        let mut log = Log::open(&path, SMALL).unwrap();
        log.collapses = collapses;
        let mut agent = log.end().unwrap();
        agent.write_all(&lines(0, 4096)).unwrap();
        assert!(!log.look().unwrap(), "just full is not too much");
        agent.write_all(&lines(4096, 4097)).unwrap();
        assert!(log.look().unwrap());
        let (older, newer) = texts(&path);
        assert!(newer.len() < 8192 && older.len() as u64 <= SMALL, "{} {}", older.len(), newer.len());
        let both = [older, newer].concat();
        assert!(lines(0, 4097).ends_with(&both) && both.len() as u64 >= SMALL, "{collapses}");
        // Whoever writes goes on at the end.
        agent.write_all(b"more").unwrap();
        assert!(texts(&path).1.ends_with(b"more"));
        // Of much only the newest is kept.
        agent.write_all(&lines(0, 20_000)).unwrap();
        assert!(log.look().unwrap());
        let (older, newer) = texts(&path);
        assert!(older.len() as u64 <= SMALL && lines(0, 20_000).ends_with(&[older, newer].concat()));
        assert_eq!(fs::read_dir(folder.path().join("agents")).unwrap().count(), 2);
    }
}

/// Somebody who writes some lines at each pause, in pieces that are no blocks.
#[derive(Debug)]
struct Writer {
    file: File,
    written: AtomicU64,
}

impl Sleeper for Writer {
    fn sleep(&self, duration: Duration) {
        assert_eq!(duration, LOOK);
        let from = self.written.fetch_add(777, Ordering::Relaxed);
        (&self.file).write_all(&lines(from, from + 777)).unwrap();
    }
}

#[test]
fn a_file_that_grows_is_looked_at_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let log = Log::open(&path, SMALL).unwrap();
    let writer = Writer { file: log.end().unwrap(), written: AtomicU64::new(0) };
    let log = Mutex::new(log);
    let mut looks = 0;
    keep_small(&log, &writer, || {
        looks += 1;
        looks <= 40
    });
    look_at(&log);
    let (older, newer) = texts(&path);
    assert!(older.len() as u64 <= SMALL && newer.len() as u64 <= SMALL);
    assert!(older.len() + newer.len() > 40_000, "{} {}", older.len(), newer.len());
    assert!(lines(0, 40 * 777).ends_with(&[older, newer].concat()), "nothing is missing between them");
}

#[test]
fn a_folder_that_is_a_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("agents"), "").unwrap();
    let error = Log::open(&folder.path().join("agents/a.log"), SMALL).unwrap_err();
    assert!(error.to_string().contains("agents is no folder"), "{error}");
}
