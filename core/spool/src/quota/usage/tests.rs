use std::time::{Duration, SystemTime};

use super::*;
use crate::quota::fixture::{Place, T0};

fn scan_of(place: &Place) -> Usage {
    scan(&Layout::at(place.root()), T0).unwrap()
}

// spool A12
#[test]
fn finalised_segments_are_used_and_parts_reserved() {
    let place = Place::new();
    assert_eq!(scan_of(&place), Usage::default());
    place.file("keyboard/a.ndjson.gz", 1_000);
    place.file("keyboard/a.ndjson.gz.part", 2_000);
    place.file("keyboard/a.ndjson.gz.error", 3_000);
    place.file("_done/m/x.ndjson.gz", 2_000);
    place.file("_done/m/y.ndjson.gz", 3_000);
    place.file("_done/m/z.ndjson.gz.part", 4_000);
    let usage = scan_of(&place);
    assert_eq!((usage.used, usage.reserved), (6_000, 6_000));
    assert_eq!(usage.pending, BTreeMap::from([("keyboard".to_owned(), 1)]));
}

#[test]
fn what_is_wherever_below_counts_and_links_do_not() {
    let place = Place::new();
    place.file("_quarantine/keyboard/20250909-17.ndjson.gz", 1);
    place.file("_quarantine/keyboard/20250909-17.ndjson.gz.rej.ndjson", 1_000);
    place.file("Unknown-Folder/20250909-17.ndjson.gz", 10);
    place.file("keyboard/a/b/c/20250909-17.ndjson.gz", 100);
    place.file("20250909-17.ndjson.gz", 1_000);
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("large.ndjson.gz"), [0; 5_000]).unwrap();
    std::os::unix::fs::symlink(outside.path(), place.root().join("mouse")).unwrap();
    let large = outside.path().join("large.ndjson.gz");
    std::os::unix::fs::symlink(&large, place.root().join("keyboard/link.ndjson.gz")).unwrap();
    std::os::unix::fs::symlink(place.root(), place.root().join("keyboard/loop")).unwrap();
    let usage = scan_of(&place);
    assert_eq!((usage.used, usage.reserved, usage.trimmable), (1_111, 0, 0));
    assert_eq!(usage.pending, BTreeMap::new());
}

#[test]
fn only_done_files_of_hours_that_are_over_are_trimmable() {
    let place = Place::new();
    place.file("_done/keyboard/20250909-17.ndjson.gz", 1);
    place.file("_done/keyboard/20250909-18.ndjson.gz", 10);
    place.file("_done/keyboard/20250909-18-001.ndjson.gz", 100);
    place.file("_done/keyboard/20250909-19.ndjson.gz", 1_000);
    place.file("_done/keyboard/deeper/20250909-17.ndjson.gz", 10_000);
    place.file("_done/Not_A_Monitor/20250909-17.ndjson.gz", 100_000);
    // A name without an hour has that of the last change.
    let old = place.file("_done/keyboard/old.ndjson.gz", 1_000_000);
    let before = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(T0).unwrap() - 1);
    std::fs::File::open(old).unwrap().set_modified(before).unwrap();
    place.file("_done/keyboard/new.ndjson.gz", 10_000_000);
    let usage = scan_of(&place);
    assert_eq!((usage.trimmable, usage.used), (1_000_001, 11_111_111));
}

#[test]
fn the_largest_are_five_by_size_and_then_by_name() {
    let place = Place::new();
    for (name, bytes) in [("b/1", 7), ("a/2", 7), ("a/1", 7), ("c/9", 9), ("a/3", 6), ("a/4", 5), ("a/5", 4)]
    {
        place.file(&format!("_done/{name}.ndjson.gz"), bytes);
    }
    let largest = scan_of(&place).largest_done;
    let shown: Vec<String> =
        largest.iter().map(|file| format!("{}/{} {}", file.monitor, file.filename, file.bytes)).collect();
    let wanted = ["c/9", "a/1", "a/2", "b/1", "a/3"].iter().zip([9, 7, 7, 7, 6]);
    let wanted: Vec<String> = wanted.map(|(name, bytes)| format!("{name}.ndjson.gz {bytes}")).collect();
    assert_eq!(shown, wanted);
}
