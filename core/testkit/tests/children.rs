//! The test support's own promises.

use std::time::Duration;

use conclave_testkit::{KillDriver, Parent, Random, Rerun, notices_of};

#[test]
fn children_start_together_and_answer() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let line = format!("{} {} {}", parent.role(), parent.number(), std::env::var("EXTRA").unwrap());
        parent.say(&line);
        return;
    }
    let rerun = Rerun::of("children_start_together_and_answer").role("echo").variable("EXTRA", "x");
    let mut fleet = rerun.start_fleet(3);
    for child in &mut fleet.children {
        assert_eq!(child.line_within(Duration::from_millis(1)), None, "nobody passes a closed barrier");
    }
    fleet.release();
    assert_eq!(fleet.finish(), [["echo 0 x"], ["echo 1 x"], ["echo 2 x"]]);
}

#[test]
fn what_a_killed_child_said_is_heard_in_order() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        for n in 0_u64.. {
            parent.say(&n.to_string());
        }
    }
    for seed in 0..5 {
        let child = Rerun::of("what_a_killed_child_said_is_heard_in_order").start();
        let killed = KillDriver::new(seed).run_and_kill(child, 100, Duration::from_millis(1));
        assert!(!killed.ended);
        let wanted: Vec<String> = (0..killed.lines.len()).map(|n| n.to_string()).collect();
        assert_eq!(killed.lines, wanted);
    }
}

#[test]
#[should_panic(expected = "is \"no_such_test\" the exact name")]
fn a_wrong_test_name_is_told() {
    Rerun::of("no_such_test").start();
}

#[test]
fn a_failed_child_fails_its_parent() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        // Quietly: a panic's message would look like a failure of this test.
        std::panic::set_hook(Box::new(|_| {}));
        panic!("on purpose");
    }
    let mut child = Rerun::of("a_failed_child_fails_its_parent").start();
    child.release();
    assert_eq!(child.line(), None);
    assert!(!child.wait().success());
}

#[test]
fn a_stopped_child_goes_on() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        while let Some(line) = parent.hear() {
            parent.say(&line);
        }
        return;
    }
    let mut child = Rerun::of("a_stopped_child_goes_on").start();
    child.release();
    child.stop();
    child.send("hello");
    assert_eq!(child.line_within(Duration::from_millis(20)), None);
    child.go_on();
    assert_eq!(child.line().as_deref(), Some("hello"));
}

#[test]
fn one_seed_is_one_sequence() {
    let take = |seed| {
        let mut random = Random::new(seed);
        [random.number(), random.number(), random.below(10)]
    };
    assert_eq!(take(1), take(1));
    assert_ne!(take(1), take(2));
    assert_eq!(Random::new(1).below(0), 0);
}

#[test]
fn notices_are_heard_down_to_the_level() {
    let ((), told) = notices_of(tracing::Level::INFO, || {
        tracing::warn!(pages = 7, "the log {}", "grows");
        tracing::info!("vacuumed");
        tracing::debug!("not this");
    });
    assert_eq!(told, ["WARN the log grows pages=7", "INFO vacuumed"]);
}
