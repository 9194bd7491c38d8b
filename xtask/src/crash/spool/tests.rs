use std::path::PathBuf;

use super::super::work::Role;
use super::*;

fn worker() -> Worker {
    Worker { role: Role::Spooler, place: 14, seed: 3, folder: PathBuf::new() }
}

/// The first operation of this kind that has lines.
fn first(shared: bool) -> u64 {
    (0..1_000)
        .find(|number| {
            let operation = Operation::of(&worker(), *number);
            operation.shared == shared && !operation.lines.is_empty()
        })
        .unwrap_or_default()
}

#[test]
fn a_sync_point_acknowledges_what_waited_for_it_and_nothing_of_another_monitor() {
    let mut spooled = Spooled::default();
    for number in 0..30 {
        spooled.begun(&worker(), number);
        spooled.done(&worker(), number, &["spool-append"]).unwrap();
    }
    assert!(spooled.known.is_empty(), "nothing was acknowledged");
    let given = spooled.perhaps.len();
    spooled.done(&worker(), 29, &["spool-sync", "0"]).unwrap();
    let shared = Operation::of(&worker(), first(true)).lines;
    assert!(!shared.is_empty() && !spooled.known.is_empty());
    assert!(shared.iter().all(|line| spooled.perhaps.contains_key(&line.id)));
    assert_eq!(spooled.known.len() + spooled.perhaps.len(), given);
    assert!(spooled.done(&worker(), 30, &["spool-other"]).is_err());
}

#[test]
fn what_met_a_busy_monitor_was_never_there() {
    let (mut spooled, number) = (Spooled::default(), first(true));
    spooled.begun(&worker(), number);
    assert!(!spooled.perhaps.is_empty());
    spooled.done(&worker(), number, &["spool-busy"]).unwrap();
    assert!(spooled.perhaps.is_empty() && spooled.known.is_empty());
}

#[test]
fn all_fates_are_met() {
    let fates = (0..200).flat_map(|number| Operation::of(&worker(), number).lines).map(|line| line.fate);
    let fates: Vec<Fate> = fates.collect();
    assert!([Fate::Event, Fate::Twice, Fate::NoEvent].iter().all(|fate| fates.contains(fate)));
}
