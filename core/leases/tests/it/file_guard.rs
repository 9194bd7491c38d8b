//! The guard of a file against other processes, of this program and of others.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use conclave_db::process;
use conclave_leases::{FileGuard, LeaseErrorKind};
use conclave_testkit::{Parent, Rerun, skipped};
use tempfile::TempDir;

const AT_ONCE: Duration = Duration::ZERO;
/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(2);

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    (folder, file)
}

fn is_held(file: &Path) -> bool {
    match FileGuard::acquire(file, "look", AT_ONCE) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), LeaseErrorKind::LockTimeout, "{error}");
            true
        }
    }
}

/// A process of another program that takes the lock, says so, and holds it until it is told to go.
struct Stranger(Child, BufReader<std::process::ChildStdout>);

impl Stranger {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self(child, said)
    }

    fn says(&mut self) -> String {
        let mut line = String::new();
        self.1.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn let_go(mut self) {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Excludes each way: while it holds we do not get it, while we hold it does not, and after either the other does.
fn excludes_each_way(file: &Path, hold: impl Fn() -> Command) {
    let mut stranger = Stranger::start(&mut hold());
    assert_eq!(stranger.says(), "held");
    let refused = FileGuard::acquire(file, "reset", AT_ONCE).unwrap_err();
    assert_eq!(refused.kind(), LeaseErrorKind::LockTimeout);
    if Path::new("/proc/locks").exists() {
        // A shim may have started the program: its pid is not always the one that was started.
        assert!(refused.to_string().contains("state.db: pid "), "{refused}");
    }
    stranger.let_go();
    let guard = FileGuard::acquire(file, "reset", AT_ONCE).unwrap();
    let mut stranger = Stranger::start(&mut hold());
    assert_eq!(stranger.says(), "refused");
    drop(guard);
    let mut stranger = Stranger::start(&mut hold());
    assert_eq!(stranger.says(), "held");
    stranger.let_go();
}

#[test]
fn flock_1_excludes_and_is_excluded() {
    if Command::new("flock").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return skipped("there is no flock(1) here");
    }
    let (_folder, file) = place();
    let hold = || {
        let mut shell = Command::new("sh");
        let script = "flock -n -E 9 \"$0.lock\" sh -c 'echo held; read go'; [ $? = 9 ] && echo refused; true";
        shell.args(["-c", script]).arg(&file);
        shell
    };
    excludes_each_way(&file, hold);
}

/// As `filelock` does it where that is not installed: the same call on the same file, opened in the same way.
const PYTHON: &str = r#"
import sys, os
path = sys.argv[1] + ".lock"
try:
    from filelock import FileLock, Timeout
    print("filelock", file=sys.stderr)
    lock = FileLock(path, timeout=0)
    take, Refused = lock.acquire, Timeout
except ImportError:
    import fcntl
    def take():
        fd = os.open(path, os.O_RDWR | os.O_TRUNC | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    Refused = BlockingIOError
try:
    take()
    print("held", flush=True)
    sys.stdin.readline()
except Refused:
    print("refused", flush=True)
"#;

#[test]
fn filelock_of_python_excludes_and_is_excluded() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    {
        return skipped("there is no python3 here");
    }
    let (_folder, file) = place();
    let hold = || {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON]).arg(&file);
        python
    };
    excludes_each_way(&file, hold);
}

#[test]
fn a_killed_holder_holds_nothing_and_a_stopped_one_does() {
    if let Some(mut parent) = Parent::of_this_process() {
        let file = PathBuf::from(parent.role());
        let guard = FileGuard::acquire(&file, "migrate", LONG).unwrap();
        parent.wait_for_release();
        drop(guard);
        return;
    }
    let (_folder, file) = place();
    let child = || {
        Rerun::of("file_guard::a_killed_holder_holds_nothing_and_a_stopped_one_does")
            .role(file.to_str().unwrap())
            .start()
    };
    let mut holder = child();
    let refused = FileGuard::acquire(&file, "reset", AT_ONCE).unwrap_err().to_string();
    // What it says of itself is known in every pid namespace.
    assert!(
        refused.contains(&format!("pid {} (", holder.pid())) && refused.contains("for migrate"),
        "{refused}"
    );
    holder.stop();
    assert!(is_held(&file), "a stopped holder holds");
    holder.go_on();
    holder.kill();
    assert!(!is_held(&file), "a dead one does not");
    let mut holder = child();
    assert!(is_held(&file));
    holder.release();
    holder.finish();
    assert!(!is_held(&file));
    drop(FileGuard::acquire(&file, "reset", LONG).unwrap());
}

/// Each adds one to a number in a file that only the guard protects.
#[test]
fn processes_go_through_one_by_one() {
    const EACH: u32 = 25;
    if let Some(mut parent) = Parent::of_this_process() {
        let file = PathBuf::from(parent.role());
        parent.wait_for_release();
        for _ in 0..EACH {
            let guard = FileGuard::acquire(&file, "count", LONG).unwrap();
            let number: u32 = std::fs::read_to_string(&file).map_or(0, |text| text.parse().unwrap());
            std::fs::write(&file, (number + 1).to_string()).unwrap();
            drop(guard);
        }
        return;
    }
    let (_folder, file) = place();
    let mut fleet =
        Rerun::of("file_guard::processes_go_through_one_by_one").role(file.to_str().unwrap()).start_fleet(6);
    fleet.release();
    fleet.finish();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), (6 * EACH).to_string());
}

/// What the holder started has no part in it, also when the holder is killed.
#[test]
#[expect(clippy::zombie_processes, reason = "the process that started it is killed: init waits for it")]
fn a_child_that_was_started_meanwhile_does_not_keep_it() {
    if let Some(mut parent) = Parent::of_this_process() {
        let _guard = FileGuard::acquire(Path::new(parent.role()), "reset", AT_ONCE).unwrap();
        let child = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        parent.wait_for_release();
        parent.say(&child.id().to_string());
        parent.hear();
        return;
    }
    let (_folder, file) = place();
    let mut holder = Rerun::of("file_guard::a_child_that_was_started_meanwhile_does_not_keep_it")
        .role(file.to_str().unwrap())
        .start();
    holder.release();
    let child: u32 = holder.line().unwrap().parse().unwrap();
    assert!(is_held(&file));
    holder.kill();
    let is_there = process::of(child).unwrap().is_some();
    let kept = is_held(&file);
    let pid = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(is_there && !kept, "there: {is_there}, kept: {kept}");
}
