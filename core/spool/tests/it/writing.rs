//! Writers in processes of their own: killed ones, many of one monitor.

use std::path::PathBuf;
use std::time::Duration;

use conclave_spool::{SpoolErrorKind, SpoolOptions, recover};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::fixture::{first, keyboard, line, lines, parts, spool};

const ROOT: &str = "CONCLAVE_TEST_ROOT";

fn root() -> PathBuf {
    PathBuf::from(std::env::var_os(ROOT).unwrap())
}

// spool A6
#[test]
fn what_was_acknowledged_survives_a_kill() {
    const ROUNDS: u64 = 30;
    let small = SpoolOptions { sync_events: 7, segment_bytes: 4_000, ..SpoolOptions::default() };
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let is_each = parent.role() == "each";
        let mut writer = spool(&root(), small).writer(&keyboard(), Duration::ZERO).unwrap();
        for number in 0..2_000 {
            writer.append(line(number).as_bytes()).unwrap();
            if is_each {
                writer.sync().unwrap();
            }
            parent.say(&writer.durable().to_string());
        }
        return;
    }
    let mut driver = KillDriver::new(8);
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let rerun = Rerun::of("writing::what_was_acknowledged_survives_a_kill")
            .role(if round % 3 == 0 { "each" } else { "by count" })
            .variable(ROOT, folder.path().join("spool").to_str().unwrap());
        let killed = driver.run_and_kill(rerun.start(), 300, Duration::from_millis(3));
        let acknowledged: u64 = killed.lines.last().map_or(0, |said| said.parse().unwrap());
        let spool = spool(&folder.path().join("spool"), SpoolOptions::default());
        let recovered = recover::recover(&spool, None).unwrap();
        if !spool.layout().monitor(&keyboard()).exists() {
            assert_eq!(acknowledged, 0, "round {round}");
            continue;
        }
        assert_eq!(parts(&spool), Vec::<String>::new());
        let found = lines(&spool);
        assert!(found.len() as u64 >= acknowledged, "round {round}: {} of {acknowledged}", found.len());
        assert_eq!(found, first(found.len() as u64), "round {round}: {recovered:?}");
    }
}

// spool A6
#[test]
fn two_hundred_lines_before_a_kill_are_salvaged() {
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let mut writer = spool(&root(), SpoolOptions::default()).writer(&keyboard(), Duration::ZERO).unwrap();
        for number in 0..200 {
            writer.append(line(number).as_bytes()).unwrap();
        }
        writer.sync().unwrap();
        parent.say("synced");
        // Nothing is ever said: it is killed here.
        parent.hear();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = Rerun::of("writing::two_hundred_lines_before_a_kill_are_salvaged")
        .variable(ROOT, folder.path().to_str().unwrap())
        .start();
    child.release();
    assert_eq!(child.line().as_deref(), Some("synced"));
    let spool = spool(folder.path(), SpoolOptions::default());
    let live = recover::recover(&spool, None).unwrap();
    assert_eq!((live.segments, live.live), (0, 1));
    child.kill();
    let recovered = recover::recover(&spool, None).unwrap();
    assert_eq!((recovered.found, recovered.segments, recovered.lines), (1, 1, 200));
    assert_eq!(parts(&spool), Vec::<String>::new());
    assert_eq!(lines(&spool), first(200));
}

// spool A10
#[test]
fn of_many_writers_each_stores_all_or_is_refused() {
    const WRITERS: usize = 8;
    if let Some(mut parent) = Parent::of_this_process() {
        parent.wait_for_release();
        let patience = Duration::from_secs(if parent.role() == "patient" { 60 } else { 0 });
        match spool(&root(), SpoolOptions::default()).writer(&keyboard(), patience) {
            Ok(mut writer) => {
                for number in 0..5 {
                    writer.append(line(parent.number() as u64 * 5 + number).as_bytes()).unwrap();
                    writer.sync().unwrap();
                }
                parent.say(&writer.finish().unwrap().durable.to_string());
            }
            Err(error) => {
                assert_eq!(error.kind(), SpoolErrorKind::MonitorBusy);
                parent.say("busy");
            }
        }
        return;
    }
    for role in ["patient", "not"] {
        let folder = tempfile::tempdir().unwrap();
        let mut fleet = Rerun::of("writing::of_many_writers_each_stores_all_or_is_refused")
            .role(role)
            .variable(ROOT, folder.path().join("spool").to_str().unwrap())
            .start_fleet(WRITERS);
        fleet.release();
        let said: Vec<Vec<String>> = fleet.finish();
        let mut expected = Vec::new();
        for (number, said) in said.iter().enumerate() {
            match said.first().map(String::as_str) {
                Some("5") => expected.extend((0..5).map(|line| number as u64 * 5 + line)),
                said => assert_eq!(said, Some("busy")),
            }
        }
        assert!(!expected.is_empty());
        assert!(role == "not" || expected.len() == 5 * WRITERS, "{said:?}");
        let spool = spool(&folder.path().join("spool"), SpoolOptions::default());
        let mut found = lines(&spool);
        let mut wanted: Vec<String> = expected.into_iter().map(line).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}
