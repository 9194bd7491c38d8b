//! The guard of the file's life: who needs it, who does not, and what becomes of its file.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_cache::{Cache, CacheErrorKind, DiskCache, OpenOptions};
use conclave_leases::FileGuard;
use conclave_leases::file_guard::{GuardEvent, GuardObserver};
use conclave_testkit::{ManualClock, Parent, Rerun};

use crate::fixture::{Scratch, assert_well, key, open, value_of};

const LONG: Duration = Duration::from_mins(2);

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<GuardEvent>>);

impl GuardObserver for Heard {
    fn event(&self, event: &GuardEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Time that stands still, a timeout of 2 s, and somebody who hears of waits.
fn patient() -> (OpenOptions, ManualClock, Arc<Heard>) {
    let (clock, heard) = (ManualClock::new(), Arc::new(Heard::default()));
    let options = OpenOptions {
        lock_timeout: Duration::from_secs(2),
        guard_observer: Some(heard.clone()),
        clock: Arc::new(clock.clone()),
        sleeper: Arc::new(clock.clone()),
        ..OpenOptions::default()
    };
    (options, clock, heard)
}

/// A process that holds the guard of this file until it is told to go, or ends.
fn holder(test: &str, file: &Path) -> conclave_testkit::Child {
    Rerun::of(&format!("guard::{test}")).role(file.to_str().unwrap()).start()
}

/// In the child: holds it.
fn hold() -> bool {
    let Some(mut parent) = Parent::of_this_process() else { return false };
    let guard = FileGuard::acquire(Path::new(parent.role()), "clear", LONG).unwrap();
    parent.wait_for_release();
    drop(guard);
    true
}

// cache C8, C9, C21
#[test]
fn only_the_life_of_the_file_waits_for_it() {
    if hold() {
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    drop(open(&file));
    let mut child = holder("only_the_life_of_the_file_waits_for_it", &file);
    let (options, clock, heard) = patient();
    let begun = conclave_retry::Clock::monotonic(&clock);
    // Opened, put, read and counted without it.
    let cache = DiskCache::open(&file, options).unwrap();
    cache.put(&key("k"), b"value").unwrap();
    assert_eq!(value_of(&cache, &key("k")).unwrap(), b"value");
    assert!(cache.delete(&key("k")).unwrap());
    cache.flush().unwrap();
    assert_eq!(cache.stats().unwrap().hits, 1);
    assert_eq!(heard.0.lock().unwrap().len(), 0);
    // A stopped holder holds it too.
    child.stop();
    for operation in ["clear", "maintain"] {
        let error = match operation {
            "clear" => cache.clear().unwrap_err(),
            _ => cache.maintain().unwrap_err(),
        };
        assert_eq!(error.kind(), CacheErrorKind::LockTimeout);
        let (text, file) = (error.to_string(), file.display());
        let begins =
            format!("Could not acquire lock for {operation} after 2s. Another process may be using {file}");
        assert!(text.starts_with(&begins), "{text}");
        let heard = std::mem::take(&mut *heard.0.lock().unwrap());
        assert!(matches!(&heard[..], [GuardEvent::LockTimeout { operation: of, .. }] if of == operation));
    }
    assert_eq!(conclave_retry::Clock::monotonic(&clock) - begun, Duration::from_secs(4));
    child.go_on();
    child.kill();
    assert_eq!(cache.clear().unwrap(), 0);
    assert!(heard.0.lock().unwrap().is_empty(), "nobody waited");
}

// cache C8
#[test]
fn a_file_that_must_be_made_waits_for_it() {
    if hold() {
        return;
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    for damaged in [false, true] {
        if damaged {
            std::fs::write(&file, "no database at all").unwrap();
        }
        let child = holder("a_file_that_must_be_made_waits_for_it", &file);
        let (options, ..) = patient();
        let error = DiskCache::open(&file, options).unwrap_err();
        assert_eq!(error.kind(), CacheErrorKind::LockTimeout);
        let operation = if damaged { "quarantine" } else { "create" };
        assert!(error.to_string().starts_with(&format!("Could not acquire lock for {operation} after 2s.")));
        assert_eq!(file.exists(), damaged);
        drop(child);
    }
}

// cache C10
#[test]
fn whatever_becomes_of_its_file_the_cache_is_whole() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let scratch = Scratch::new();
    let file = scratch.file();
    let lock = scratch.folder.path().join("cache.db.lock");
    let victim = scratch.folder.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    let cache = open(&file);
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|found| {
        use std::os::unix::fs::MetadataExt as _;
        found.uid() == 0
    });
    let becomes: [(&str, &dyn Fn()); 5] = [
        ("gone", &|| {}),
        ("a symbolic link", &|| symlink(&victim, &lock).unwrap()),
        ("a folder", &|| std::fs::create_dir(&lock).unwrap()),
        ("no regular file", &|| drop(std::os::unix::net::UnixListener::bind(&lock).unwrap())),
        ("000", &|| {
            std::fs::write(&lock, "").unwrap();
            std::fs::set_permissions(&lock, std::fs::Permissions::from_mode(0)).unwrap();
        }),
    ];
    for (number, (what, become_it)) in (1_u64..).zip(becomes) {
        let _ = std::fs::remove_file(&lock).or_else(|_| std::fs::remove_dir(&lock));
        become_it();
        cache.put(&key(what), b"value").unwrap();
        assert_eq!(value_of(&cache, &key(what)).unwrap(), b"value");
        match cache.maintain() {
            Ok(removed) => assert!(removed == 0 && (what == "gone" || what == "000" && is_root), "{what}"),
            Err(error) => {
                assert_eq!(error.kind(), CacheErrorKind::Io, "{what}");
                let text = error.to_string();
                assert!(
                    text.contains(lock.to_str().unwrap()) && (what == "000" || text.contains(what)),
                    "{text}"
                );
            }
        }
        assert_eq!(cache.stats().unwrap().entries, number);
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
    }
    assert_well(&file, OpenOptions::default());
}

// cache C26
#[test]
fn filelock_of_python_excludes_and_is_excluded() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};
    const PYTHON: &str = "
import sys, os
path = sys.argv[1] + '.lock'
try:
    from filelock import FileLock, Timeout as Refused
    take = FileLock(path, timeout=0).acquire
except ImportError:
    import fcntl
    Refused = BlockingIOError
    take = lambda: fcntl.flock(os.open(path, os.O_RDWR | os.O_TRUNC | os.O_CREAT | os.O_NOFOLLOW, 0o644),
                               fcntl.LOCK_EX | fcntl.LOCK_NB)
try:
    take()
    print('held', flush=True)
    sys.stdin.readline()
except Refused:
    print('refused', flush=True)
";
    if !Command::new("python3").arg("--version").output().is_ok_and(|done| done.status.success()) {
        return conclave_testkit::skipped("there is no python3 here");
    }
    let scratch = Scratch::new();
    let file = scratch.file();
    drop(open(&file));
    let ask = |meanwhile: &dyn Fn()| {
        let mut python = Command::new("python3")
            .args(["-c", PYTHON])
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(python.stdout.take().unwrap()).read_line(&mut said).unwrap();
        meanwhile();
        let _ = python.stdin.take().unwrap().write_all(b"go\n");
        assert!(python.wait().unwrap().success());
        said.trim().to_owned()
    };
    let said = ask(&|| {
        let (options, ..) = patient();
        let cache = DiskCache::open(&file, options).unwrap();
        assert_eq!(cache.clear().unwrap_err().kind(), CacheErrorKind::LockTimeout);
    });
    assert_eq!(said, "held");
    let guard = FileGuard::acquire(&file, "clear", Duration::ZERO).unwrap();
    assert_eq!(ask(&|| {}), "refused");
    drop(guard);
    assert_eq!(open(&file).clear().unwrap(), 0);
}
