//! Agents as child processes: real ones, each of them a shell that does what agents do at their worst.

mod ends;
mod killed;
mod many;
mod streams;

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use conclave_consensus::child::{Command, Done, Limits, MARK, Stop, environment, start};
use conclave_db::process::Stat;
use conclave_retry::{Sleeper, SystemSleeper};

/// So long that a test which needs it to pass has failed.
const NEVER: Duration = Duration::from_hours(1);

/// What all children are started through, where these tests are asked to.
const LAUNCHER: &str = "CHILD_TESTS_LAUNCHER";

/// `setsid` becomes the program in a session of its own, which is what a launcher does.
#[test]
fn the_same_holds_with_a_launcher() {
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["child::", "--skip", "child::the_same_holds_with_a_launcher"]).env(LAUNCHER, "setsid");
    let ended = again.output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && !said.contains(" 0 passed"), "{said}");
}

fn unique_mark() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn sh(script: &str) -> Command {
    Command {
        launcher: std::env::var_os(LAUNCHER).into_iter().collect(),
        program: "sh".into(),
        args: vec!["-c".into(), OsString::from(script)],
        directory: std::env::temp_dir(),
        env: environment(std::env::vars_os(), &[], &[]),
        stdin: Vec::new(),
        mark: unique_mark(),
    }
}

/// Limits whose times are of no account.
fn patient() -> Limits {
    Limits { timeout: NEVER, grace: NEVER, ..Limits::default() }
}

fn in_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { tokio::time::timeout(Duration::from_mins(2), future).await };
    runtime.block_on(bounded).unwrap()
}

/// Runs a child to its end, cancelling as often as this says when it has said "ready"; nothing of it is left then.
fn run(command: Command, limits: &Limits, cancels: usize) -> Done {
    let mark = command.mark.clone();
    let stop = Stop::new();
    let done = in_runtime(async {
        let cancel = |line: &str| {
            if line == "ready" {
                (0..cancels).for_each(|_| stop.cancel());
            }
        };
        start(command).unwrap().wait(limits, &stop, cancel).await
    });
    assert_eq!(marked(&mark), [0; 0], "processes are left");
    done
}

/// The pids of all processes that bear this mark and have not ended.
fn marked(mark: &str) -> Vec<u32> {
    let entry = format!("{MARK}={mark}");
    let bears = |pid: &u32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|found| found == entry.as_bytes()) && state(*pid).is_some()
    };
    let pids =
        std::fs::read_dir("/proc").unwrap().filter_map(|it| it.unwrap().file_name().to_str()?.parse().ok());
    pids.filter(bears).collect()
}

/// The letter of a process's state; `None` when it has ended.
fn state(pid: u32) -> Option<char> {
    let stat = Stat::parse(&std::fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?)?;
    (!stat.has_ended()).then_some(char::from(stat.state))
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let mut looks = 0;
    while !is_so() {
        SystemSleeper.sleep(Duration::from_millis(1));
        looks += 1;
        assert!(looks < 60_000, "never: {what}");
    }
}
