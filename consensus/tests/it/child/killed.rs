//! The parent is killed or stopped: what its children left is ended later, and what they did is not lost.

use super::ends::kill;
use super::*;
use conclave_consensus::child::{Leftovers, Why, end_leftovers};
use conclave_db::process::{ProcessIdentity, of};
use conclave_testkit::{Parent, Rerun};

/// A child that has a son in its group whose environment was cleared, and a stray, and says when all are there.
const SCRIPT: &str = "cd $(mktemp -d); mkfifo f g; setsid sh -c 'echo > f; exec sleep 1000' & read line < f;
    env -i PATH=\"$PATH\" sh -c 'echo > g; exec sleep 1000' & read line < g; rm f g; rmdir \"$PWD\";
    echo ready; exec sleep 1000";

/// Starts a child, says who it is, and is killed before its end.
fn orphaned(test: &str) -> Option<(String, ProcessIdentity)> {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        in_runtime(async {
            let command = sh(SCRIPT);
            let mark = command.mark.clone();
            let running = start(command).unwrap();
            let identity = serde_json::to_string(running.identity()).unwrap();
            let tell = |line: &str| {
                assert_eq!(line, "ready");
                parent.say(&mark);
                parent.say(&identity);
                parent.hear();
            };
            running.wait(&patient(), &Stop::new(), tell).await
        });
        return None;
    }
    let mut child = Rerun::of(test).start();
    child.release();
    let mark = child.line().unwrap();
    let identity = serde_json::from_str(&child.line().unwrap()).unwrap();
    child.kill();
    // The environment of one that is becoming another program cannot be read for a moment.
    until("the child and the stray are seen", || marked(&mark).len() == 2);
    Some((mark, identity))
}

#[test]
fn leftovers_are_ended_and_nothing_else() {
    let Some((mark, identity)) = orphaned("child::killed::leftovers_are_ended_and_nothing_else") else {
        return;
    };
    let end = |mark: &str, identity: &ProcessIdentity| in_runtime(end_leftovers(mark, Some(identity), NEVER));
    let another_boot = ProcessIdentity { boot_id: "another".to_owned(), ..identity.clone() };
    let another_namespace = ProcessIdentity { pid_namespace: 1, ..identity.clone() };
    for foreign in [another_boot, another_namespace] {
        assert_eq!(end(&mark, &foreign), Leftovers::default());
    }
    // The child's pid is another's by now, as far as this can tell: neither mark nor time are right.
    let reused = ProcessIdentity { start_time: identity.start_time - 1, ..identity.clone() };
    assert_eq!(end("test.of.nobody", &reused), Leftovers::default());
    assert_eq!(end("", &reused), Leftovers::default());
    assert_eq!(marked(&mark).len(), 2);
    assert_eq!(end(&mark, &identity), Leftovers { ended: 3, left: 0 });
    assert_eq!(marked(&mark), [0; 0]);
    assert_eq!(end(&mark, &identity), Leftovers::default(), "again there is nothing to do");
}

/// It was killed before it could store who the child is.
#[test]
fn the_mark_alone_is_enough() {
    let Some((mark, identity)) = orphaned("child::killed::the_mark_alone_is_enough") else { return };
    let son = son_of(&identity);
    assert_eq!(in_runtime(end_leftovers(&mark, None, NEVER)), Leftovers { ended: 2, left: 0 });
    assert_eq!(marked(&mark), [0; 0]);
    // Without mark and without its leader it may be anybody's.
    assert!(state(son).is_some());
    kill(son);
}

/// The one of the group that is not its leader.
fn son_of(identity: &ProcessIdentity) -> u32 {
    let pids =
        std::fs::read_dir("/proc").unwrap().filter_map(|it| it.unwrap().file_name().to_str()?.parse().ok());
    let is_son = |pid: &u32| {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok().and_then(|stat| Stat::parse(&stat));
        *pid != identity.pid && stat.is_some_and(|stat| stat.group == identity.pid)
    };
    pids.into_iter().find(is_son).unwrap()
}

/// The identity is right from the start, of one that has ended at once too.
#[test]
fn a_child_is_who_the_kernel_says() {
    in_runtime(async {
        let running = start(sh("exec sleep 1000")).unwrap();
        assert_eq!(of(running.identity().pid).unwrap().as_ref(), Some(running.identity()));
        let ended = start(sh("exit 0")).unwrap();
        until("it has ended", || state(ended.identity().pid).is_none());
        assert!(ended.identity().start_time >= running.identity().start_time);
        let done = ended.wait(&patient(), &Stop::new(), |_| ()).await;
        assert_eq!(done.exit_code, Some(0));
    });
}

/// The parent stands still for longer than the child may take; the child ends meanwhile.
#[test]
fn what_was_done_while_the_parent_stood_still_counts() {
    let limits = Limits { timeout: Duration::from_secs(2), ..patient() };
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let done = in_runtime(async {
            let running = start(sh("echo ready; sleep 3; echo done")).unwrap();
            let pid = running.identity().pid.to_string();
            let mut is_told = false;
            let tell = |_: &str| {
                if !std::mem::replace(&mut is_told, true) {
                    parent.say(&pid);
                }
            };
            running.wait(&limits, &Stop::new(), tell).await
        });
        assert_eq!((done.exit_code, done.why), (Some(0), Why::Exited));
        assert_eq!(done.stdout.bytes, b"ready\ndone\n");
        return;
    }
    let mut child = Rerun::of("child::killed::what_was_done_while_the_parent_stood_still_counts").start();
    child.release();
    let pid = child.line().unwrap().parse().unwrap();
    child.stop();
    until("the child has ended", || state(pid).is_none());
    child.go_on();
    child.finish();
}
