use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use conclave_retry::ManualClock;
use conclave_testkit::{Parent, Rerun, notices_of};
use tempfile::TempDir;
use tracing::Level;

use super::*;
use crate::error::LeaseErrorKind;

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<GuardEvent>>);

impl GuardObserver for Heard {
    fn event(&self, event: &GuardEvent) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A folder with a file to be guarded, time that stands still, and somebody who hears of waits.
struct Scene {
    folder: TempDir,
    clock: ManualClock,
    heard: Arc<Heard>,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: ManualClock::new(), heard: Arc::default() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    fn lock(&self) -> PathBuf {
        self.folder.path().join("a.db.lock")
    }

    fn options(&self) -> GuardOptions {
        let (clock, sleeper) = (Arc::new(self.clock.clone()), Arc::new(self.clock.clone()));
        GuardOptions::default().clock(clock).sleeper(sleeper).observer(self.heard.clone())
    }

    fn acquire(&self, timeout: Duration) -> Result<FileGuard> {
        self.options().timeout(timeout).acquire(&self.file(), "vacuum")
    }

    fn heard(&self) -> Vec<GuardEvent> {
        std::mem::take(&mut *self.heard.0.lock().unwrap())
    }
}

/// Whether this is the process of the test alone; starts it otherwise. Threads without a listener that come to the same
/// place at the same time may make `tracing` deaf to it for all (tracing-core 0.1, `callsite::rebuild_interest`).
fn is_alone(test: &str) -> bool {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        return true;
    }
    let mut child = Rerun::of(&format!("file_guard::tests::{test}")).start();
    child.release();
    child.finish();
    false
}

const LONG: Duration = Duration::from_secs(5);

#[test]
fn one_at_a_time_and_the_file_stays() {
    let scene = Scene::new();
    let guard = scene.acquire(LONG).unwrap();
    assert_eq!(guard.path(), scene.lock());
    assert_eq!(fs::metadata(scene.lock()).unwrap().permissions().mode() & 0o777, 0o600);
    scene.acquire(Duration::ZERO).unwrap_err();
    drop(guard);
    assert_eq!(fs::metadata(scene.lock()).unwrap().len(), 0, "nobody holds it, and it says so");
    drop(scene.acquire(Duration::ZERO).unwrap());
    assert!(!scene.file().exists(), "what is guarded need not be there");
}

#[test]
fn a_timeout_is_told_once_and_names_the_holder() {
    if !is_alone("a_timeout_is_told_once_and_names_the_holder") {
        return;
    }
    let scene = Scene::new();
    let _guard = scene.acquire(LONG).unwrap();
    let (refused, notices) = notices_of(Level::INFO, || scene.acquire(LONG).unwrap_err());
    assert_eq!(refused.kind(), LeaseErrorKind::LockTimeout);
    let text = refused.to_string();
    let file = scene.file();
    let begins = format!(
        "Could not acquire lock for vacuum after 5s. Another process may be using {}: pid {}",
        file.display(),
        std::process::id()
    );
    assert!(text.starts_with(&begins) && text.ends_with("for vacuum."), "{text}");
    assert_eq!(scene.clock.monotonic(), LONG);
    let heard = scene.heard();
    assert!(matches!(&*heard, [GuardEvent::LockTimeout { waited, .. }] if *waited == LONG), "{heard:?}");
    assert_eq!(heard[0].name(), "lock_timeout");
    assert!(notices.len() == 1 && notices[0].starts_with("WARN lock_timeout"), "{notices:?}");
}

#[test]
fn with_a_timeout_of_zero_nobody_waits() {
    let scene = Scene::new();
    let _guard = scene.acquire(LONG).unwrap();
    let refused = scene.acquire(Duration::ZERO).unwrap_err().to_string();
    assert!(refused.starts_with("Could not acquire lock for vacuum after 0s."), "{refused}");
    assert_eq!(scene.clock.sleeps(), []);
    let half = scene.acquire(Duration::from_millis(500)).unwrap_err().to_string();
    assert!(half.contains(" after 0.5s."), "{half}");
}

/// Only the wait is measured, and only a wait is told.
#[test]
fn a_wait_is_told_once_when_it_was_one() {
    if !is_alone("a_wait_is_told_once_when_it_was_one") {
        return;
    }
    let scene = Scene::new();
    for (held, told) in [(0, false), (5, false), (10, false), (300, true)] {
        let guard = scene.acquire(LONG).unwrap();
        let from = scene.clock.monotonic();
        scene.clock.plan(from + Duration::from_millis(held), move || drop(guard));
        let (guard, notices) = notices_of(Level::INFO, || scene.acquire(LONG).unwrap());
        // What is done with it takes a minute.
        scene.clock.advance(Duration::from_mins(1));
        drop(guard);
        let heard = scene.heard();
        assert_eq!(notices.len(), usize::from(told), "{notices:?}");
        match &*heard {
            [] if !told => {}
            [event @ GuardEvent::LockWait { waited, operation }] if told => {
                assert_eq!((*waited, &**operation), (Duration::from_millis(held), "vacuum"));
                assert_eq!(event.name(), "lock_wait");
            }
            other => panic!("held for {held} ms: {other:?}"),
        }
    }
}

#[test]
fn what_is_no_lock_file_is_refused_at_once_and_not_touched() {
    let link = Scene::new();
    let victim = link.folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, link.lock()).unwrap();
    let to_nothing = Scene::new();
    symlink(to_nothing.folder.path().join("nothing"), to_nothing.lock()).unwrap();
    let folder = Scene::new();
    fs::create_dir(folder.lock()).unwrap();
    let fifo = Scene::new();
    rustix::fs::mknodat(rustix::fs::CWD, fifo.lock(), rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .unwrap();
    let socket = Scene::new();
    let _listener = std::os::unix::net::UnixListener::bind(socket.lock()).unwrap();
    for (scene, what) in [
        (&link, "it is a symbolic link"),
        (&to_nothing, "it is a symbolic link"),
        (&folder, "it is a folder"),
        (&fifo, "it is no regular file"),
        (&socket, "it is no regular file"),
    ] {
        let refused = scene.acquire(LONG).unwrap_err();
        assert_eq!(refused.kind(), LeaseErrorKind::Io);
        assert!(refused.to_string().contains(what), "{refused}");
        assert_eq!((scene.clock.sleeps(), scene.heard()), (vec![], vec![]));
    }
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
    assert!(!to_nothing.folder.path().join("nothing").exists());
    let nowhere = FileGuard::acquire(Path::new("/no/such/folder/a.db"), "vacuum", LONG).unwrap_err();
    assert_eq!(nowhere.kind(), LeaseErrorKind::Io);
}

/// The one who waits has the old file open, or opens the new one: the name decides.
#[test]
fn a_lock_file_that_was_removed_meanwhile_is_none() {
    let scene = Scene::new();
    let old = scene.acquire(LONG).unwrap();
    fs::remove_file(scene.lock()).unwrap();
    let new = scene.acquire(Duration::ZERO).expect("the exclusion was broken by whoever removed it");
    // The old holder's end does not free the new one's.
    drop(old);
    scene.acquire(Duration::ZERO).unwrap_err();
    drop(new);

    let opened = open(&scene.lock()).unwrap();
    fs::remove_file(scene.lock()).unwrap();
    assert!(!is_still(&opened, &scene.lock()).unwrap(), "nothing has the name");
    fs::write(scene.lock(), "").unwrap();
    assert!(!is_still(&opened, &scene.lock()).unwrap(), "another file has the name");
    assert!(is_still(&open(&scene.lock()).unwrap(), &scene.lock()).unwrap());
}

/// Whoever is done removes the file, as some programs do: who has opened it just before that locks what has no name any
/// more, and must not take it for the lock.
#[test]
fn who_locks_a_file_that_was_removed_just_then_is_not_beside_another() {
    let scene = Scene::new();
    let path = scene.lock();
    let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while turns.load(Ordering::SeqCst) < 2_000 {
                    let Some(lock) = take(&path).unwrap() else { continue };
                    let others = inside.fetch_add(1, Ordering::SeqCst);
                    // The others end too.
                    let turn = turns.fetch_add(if others == 0 { 1 } else { 2_000 }, Ordering::SeqCst);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    fs::remove_file(&path).unwrap();
                    drop(lock);
                    assert_eq!(others, 0, "two at once in turn {turn}");
                }
            });
        }
    });
}

/// A child has one between its fork and its exec.
#[test]
fn a_copy_of_the_descriptor_does_not_keep_it() {
    let scene = Scene::new();
    let guard = scene.acquire(LONG).unwrap();
    let copy = guard.lock.try_clone().unwrap();
    drop(guard);
    let next = scene.acquire(Duration::ZERO).expect("the copy keeps it");
    drop(copy);
    scene.acquire(Duration::ZERO).expect_err("the end of the copy is not that of the next one");
    drop(next);
}

#[test]
fn threads_of_one_process_exclude_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.db");
    let inside = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let guard = FileGuard::acquire(&file, "count", Duration::from_mins(1)).unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    drop(guard);
                }
            });
        }
    });
}

#[test]
fn a_waiter_does_not_erase_who_holds_it() {
    let scene = Scene::new();
    let _guard = scene.acquire(LONG).unwrap();
    let said = fs::read_to_string(scene.lock()).unwrap();
    assert!(said.starts_with(&format!("{} ", std::process::id())) && said.ends_with(" vacuum\n"), "{said}");
    scene.acquire(LONG).unwrap_err();
    assert_eq!(fs::read_to_string(scene.lock()).unwrap(), said);
}
