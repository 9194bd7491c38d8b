//! Many children of one process, and what they cost it.

use super::*;
use conclave_consensus::child::is_exhausted;
use conclave_testkit::{Parent, Rerun};
use rustix::process::{Resource, getrlimit, setrlimit};

fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

/// Runs the rest of the test in a process of its own, where nobody else takes memory, threads and descriptors.
fn alone(test: &str, rest: impl FnOnce()) {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        rest();
        return;
    }
    let mut child = Rerun::of(test).start();
    child.release();
    child.finish();
}

#[test]
fn a_hundred_megabytes_are_read_and_not_kept() {
    alone("child::many::a_hundred_megabytes_are_read_and_not_kept", || {
        let limits = Limits { stdout: 1 << 20, ..patient() };
        let before = status("VmHWM");
        let done = run(sh("head -c 100000000 /dev/zero; printf err >&2"), &limits, 0);
        assert_eq!(
            (done.exit_code, done.stdout.total, done.stdout.cut),
            (Some(0), 100_000_000, Some(1 << 19))
        );
        assert_eq!((done.stdout.bytes.capacity(), &*done.stderr.bytes), (1 << 20, &b"err"[..]));
        let grown = status("VmHWM") - before;
        assert!(grown < 16 << 10, "{grown} KiB");
    });
}

#[test]
fn hundreds_run_at_once_without_a_thread_each() {
    const MANY: usize = 300;
    alone("child::many::hundreds_run_at_once_without_a_thread_each", || {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().to_owned();
        in_runtime(async {
            let before = status("RssAnon");
            let mut children = tokio::task::JoinSet::new();
            let open = directory.join("open");
            for number in 0..MANY {
                // None ends before all have begun: the last one opens the door.
                let script = "read n; echo $n; : > began.$n; until [ -e open ]; do sleep 0.1; done";
                let stdin = format!("{number}\n").into_bytes();
                let running = start(Command { directory: directory.clone(), stdin, ..sh(script) }).unwrap();
                children.spawn(async move {
                    let done = running.wait(&patient(), &Stop::new(), |_| ()).await;
                    (number, done)
                });
            }
            while std::fs::read_dir(&directory).unwrap().count() < MANY {
                tokio::task::yield_now().await;
            }
            let (threads, grown) = (status("Threads"), status("RssAnon") - before);
            std::fs::write(open, "").unwrap();
            let mut seen = 0;
            while let Some(ended) = children.join_next().await {
                let (number, done) = ended.unwrap();
                assert_eq!(
                    (done.exit_code, done.stdout.bytes),
                    (Some(0), format!("{number}\n").into_bytes())
                );
                seen += 1;
            }
            assert_eq!(seen, MANY);
            // The main thread, the test's, the one that looks around.
            assert!(threads <= 4, "{threads} threads");
            assert!(grown < 16 * MANY as u64, "{grown} KiB");
            let most = status("Threads");
            assert!(most <= 6, "{most} threads");
        });
    });
}

#[test]
fn want_of_descriptors_is_told_and_passes() {
    alone("child::many::want_of_descriptors_is_told_and_passes", || {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(64), ..limit }).unwrap();
        in_runtime(async {
            let mut children = Vec::new();
            let error = loop {
                match start(sh("exec sleep 1000")) {
                    Ok(running) => children.push(running),
                    Err(error) => break error,
                }
            };
            assert!(is_exhausted(&error), "{error:?}");
            assert!(children.len() > 5, "{}", children.len());
            assert!(!is_exhausted(&std::io::ErrorKind::NotFound.into()));
            children.clear();
            let done = start(sh("printf out")).unwrap().wait(&patient(), &Stop::new(), |_| ()).await;
            assert_eq!(done.stdout.bytes, b"out");
        });
    });
}
