//! Power cuts of a file that stays open: nothing is synced in between but what the grants sync themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_db::clock::SystemBootClock;
use conclave_db::process::{self, ProcessIdentity};
use conclave_leases::{Fence, Leases};
use conclave_testkit::FaultDisk;

use crate::fixture::{Machine, acquire, fence, name, open, request};

#[test]
fn no_number_of_a_file_that_stays_open_comes_back() {
    let machine = Machine::new();
    let leases = machine.leases();
    let turn = |text: &str| {
        let grant = acquire(&leases, &request(&[text], 60)).unwrap();
        machine.disk.mark(&format!("{text} {}", fence(&grant)));
        leases.release(&grant.token, &[]).unwrap();
    };
    // So often that numbers are reserved a second time, with names that come later in between.
    for round in 0..1_010 {
        turn("L");
        if round % 100 == 50 {
            turn(&round.to_string());
        }
    }
    let recording = machine.disk.recording();
    let mut lost = 0;
    for seed in 0..60 {
        let image = tempfile::tempdir().unwrap();
        let _unsynced = FaultDisk::watch(image.path());
        // The last ones just behind the second reservation.
        let end = recording.len();
        let cut = match seed {
            0..40 => recording.cut(seed, image.path()),
            _ => recording.cut_at(end - usize::try_from(seed - 40).unwrap(), seed, image.path()),
        };
        lost += cut.lost;
        let here = ProcessIdentity { boot_id: "after the cut".to_owned(), ..process::current().unwrap() };
        let after = Leases::with(open(&image.path().join("state.db")), Arc::new(SystemBootClock), here);
        for (text, last) in last_of(&cut.marks) {
            // Its end may be what the cut took.
            let there = after.status(&name(&text)).unwrap().map(|status| status.leases).unwrap_or_default();
            let fences: Vec<u64> = there.iter().map(|lease| lease.fence).collect();
            after.break_lease(&name(&text), &fences).unwrap();
            let next = fence(&acquire(&after, &request(&[&text], 60)).unwrap());
            assert!(next > last, "seed {seed}: {text} {next} after {last}, cut at {} of {end}", cut.at);
        }
    }
    assert!(lost > 0, "the cuts took nothing");
}

/// The last number of each name.
fn last_of(marks: &[String]) -> BTreeMap<String, Fence> {
    let pair = |mark: &String| {
        let (text, number) = mark.split_once(' ').unwrap();
        (text.to_owned(), number.parse().unwrap())
    };
    marks.iter().map(pair).collect()
}
