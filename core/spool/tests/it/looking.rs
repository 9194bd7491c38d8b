//! `verify` and the checks of `doctor`: they find what is wrong, and touch nothing.

use std::time::Duration;

use conclave_db::doctor::CheckState;
use conclave_spool::health::checks;
use conclave_spool::verify::verify;

use crate::desk::{Desk, event, events, gzip, name};

/// What `verify` finds: the file and the kind.
fn findings(desk: &Desk) -> Vec<(String, &'static str)> {
    let (_, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    findings.into_iter().map(|finding| (finding.what, finding.kind)).collect()
}

/// Checks that are not ok, by name.
fn troubles(desk: &Desk) -> Vec<(&'static str, CheckState)> {
    let checks = checks(&desk.spool, Some(&desk.state));
    assert_eq!(checks.len(), 4);
    checks
        .into_iter()
        .filter(|check| check.state != CheckState::Ok)
        .map(|check| (check.name, check.state))
        .collect()
}

#[test]
fn a_spool_that_is_not_there_is_well_and_stays_away() {
    let desk = Desk::new();
    std::fs::remove_dir(desk.path("")).unwrap();
    assert_eq!((findings(&desk), troubles(&desk)), (Vec::new(), Vec::new()));
    assert_eq!(desk.flush_counts(), [0; 5]);
    assert_eq!(desk.ledger().written, 0);
    assert!(!desk.path("").exists());
}

#[test]
fn each_kind_of_damage_has_its_word() {
    let desk = Desk::new();
    let good = gzip(events(1..=300));
    let mut corrupt = good.clone();
    let end = corrupt.len() - 6;
    corrupt[end] ^= 0xff;
    for (place, bytes) in [
        good.clone(),
        good[..good.len() / 2].to_vec(),
        corrupt,
        [good.clone(), b"GARBAGE".to_vec()].concat(),
        b"plain".to_vec(),
        Vec::new(),
    ]
    .iter()
    .enumerate()
    {
        desk.put(&format!("keyboard/20250909-1{place}.ndjson.gz"), bytes);
    }
    let kinds = ["truncated", "corrupt", "garbage", "not_gzip", "empty"];
    let wanted = |places: std::ops::Range<usize>| -> Vec<(String, &str)> {
        let named = |place| (format!("keyboard/20250909-1{place}.ndjson.gz"), kinds[place - 1]);
        places.map(named).collect()
    };
    assert_eq!(findings(&desk), wanted(1..6));
    desk.flush();
    assert_eq!(findings(&desk), []);
    assert_eq!(troubles(&desk), [("spool-quarantine", CheckState::Warn)]);
}

#[test]
fn a_member_that_lies_about_its_lines_is_found() {
    let desk = Desk::new();
    let mut writer = desk.spool.writer(&name("keyboard"), Duration::ZERO).unwrap();
    for number in 1..=3 {
        writer.append(event(number).as_bytes()).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(findings(&desk), []);
    let file = desk.path("keyboard/20250909-18.ndjson.gz");
    let mut bytes = std::fs::read(&file).unwrap();
    // The lines in the subfield of its header.
    bytes[20] = 4;
    std::fs::write(&file, bytes).unwrap();
    let what = || "keyboard/20250909-18.ndjson.gz".to_owned();
    let wanted = [(what(), "miscounted"), ("ledger keyboard".to_owned(), "unbalanced")];
    assert_eq!(findings(&desk), wanted);
    assert_eq!(troubles(&desk), [("spool-ledger", CheckState::Fail)]);
    // The importer counts what it reads.
    assert_eq!(desk.flush_counts(), [1, 3, 0, 0, 0]);
    assert_eq!(desk.ledger().written, 3);
    // Also where that is more than it was catalogued with.
    let mut bytes = std::fs::read(desk.path("_done/keyboard/20250909-18.ndjson.gz")).unwrap();
    bytes[20] = 2;
    desk.put("keyboard/20250909-19.ndjson.gz", &bytes);
    assert_eq!(desk.ledger().written, 5);
    assert_eq!(desk.flush_counts(), [1, 0, 3, 0, 0]);
    assert_eq!(desk.ledger().written, 6);
}

#[test]
fn what_is_being_written_is_no_trouble_and_what_was_left_is() {
    let desk = Desk::new();
    let mut writer = desk.spool.writer(&name("keyboard"), Duration::ZERO).unwrap();
    writer.append(event(1).as_bytes()).unwrap();
    writer.sync().unwrap();
    assert_eq!((findings(&desk), troubles(&desk)), (Vec::new(), Vec::new()));
    drop(writer);
    assert_eq!(findings(&desk), [("keyboard/20250909-18.ndjson.gz.part".to_owned(), "abandoned")]);
    assert_eq!(troubles(&desk), [("spool-recovery", CheckState::Warn)]);
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    assert_eq!((findings(&desk), troubles(&desk)), (Vec::new(), Vec::new()));
}

#[test]
fn rejected_lines_are_in_quarantine_and_doctor_says_so() {
    let desk = Desk::new();
    desk.put("keyboard/20250909-18.ndjson.gz", &gzip("{bad\n{worse\n"));
    desk.flush();
    let checks = checks(&desk.spool, Some(&desk.state));
    let found = checks.iter().find(|check| check.name == "spool-quarantine").unwrap();
    assert_eq!(found.state, CheckState::Warn);
    assert_eq!(found.detail, "1 file of rejected lines in quarantine");
    // The same where the monitor's folder is gone.
    std::fs::remove_dir_all(desk.path("keyboard")).unwrap();
    assert_eq!(troubles(&desk), [("spool-quarantine", CheckState::Warn)]);
}
