//! What becomes of lines when somebody else has had their hands in the spool's folder: nothing is lost unsaid.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use conclave_spool::import::flush;
use conclave_spool::recover::recover;
use conclave_spool::verify::verify;

use crate::desk::{Desk, counts, event, events, gunzip, gzip, id, name, options};

const FILE: &str = "keyboard/20250909-18.ndjson.gz";

/// Writes events as a writer of ours does, one sync point after each.
fn write(desk: &Desk, numbers: impl IntoIterator<Item = usize>) {
    let mut writer = desk.spool.writer(&name("keyboard"), Duration::ZERO).unwrap();
    for number in numbers {
        writer.append(event(number).as_bytes()).unwrap();
        writer.sync().unwrap();
    }
    writer.finish().unwrap();
}

/// What `verify` finds: the file and the kind.
fn findings(desk: &Desk) -> Vec<(String, &'static str)> {
    let (_, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    findings.into_iter().map(|finding| (finding.what, finding.kind)).collect()
}

#[test]
fn names_that_something_else_has_in_done_do_not_stop_an_import() {
    let desk = Desk::new();
    write(&desk, [1]);
    for taken in ["20250909-18", "20250909-18-001"] {
        std::fs::create_dir_all(desk.path(&format!("_done/keyboard/{taken}.ndjson.gz"))).unwrap();
    }
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18-002.ndjson.gz"]);
    // The catalogue has it under the name that it has.
    assert_eq!(findings(&desk), []);
    assert_eq!(desk.flush_counts(), [0; 5]);
}

#[test]
fn a_pending_file_that_is_no_file_any_more_is_missing_and_said() {
    let desk = Desk::new();
    write(&desk, 1..=5);
    let path = desk.path(FILE);
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    let flushed = flush(&desk.spool, &desk.state, None).unwrap();
    assert_eq!(counts(&flushed), [0; 5]);
    assert_eq!(flushed.errors, ["keyboard/20250909-18.ndjson.gz: it is no regular file"]);
    assert_eq!(desk.ledger().dropped["missing"], 5);
    assert_eq!(findings(&desk), [(FILE.to_owned(), "unreadable")]);
}

#[test]
fn a_pending_file_in_the_place_of_another_one_is_counted_at_once() {
    let desk = Desk::new();
    write(&desk, 1..=5);
    std::fs::remove_file(desk.path(FILE)).unwrap();
    write(&desk, 11..=17);
    assert_eq!(desk.list("keyboard"), ["20250909-18.ndjson.gz"]);
    assert_eq!(desk.flush_counts(), [1, 7, 0, 0, 0]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.dropped["missing"]), (12, 7, 5));
}

#[test]
fn lines_under_a_name_that_was_imported_before_are_imported_too() {
    // Of one size, with the same last line; then with the same lines, which the writer has acknowledged as well.
    for (second, new, duplicates) in [([2, 9], 1, 1), ([1, 9], 0, 2)] {
        let desk = Desk::new();
        write(&desk, [1, 9]);
        assert_eq!(desk.flush_counts(), [1, 2, 0, 0, 0]);
        std::fs::remove_dir_all(desk.path("_done")).unwrap();
        write(&desk, second);
        assert_eq!(desk.list("keyboard"), ["20250909-18.ndjson.gz"], "the name is free again");
        assert_eq!(desk.flush_counts(), [1, new, duplicates, 0, 0]);
        let ledger = desk.ledger();
        assert_eq!((ledger.written, ledger.imported), (4, 4));
        assert_eq!(findings(&desk), []);
    }
}

#[test]
fn rows_of_files_that_were_removed_are_forgotten() {
    let desk = Desk::new();
    write(&desk, [1]);
    desk.flush();
    std::fs::remove_dir_all(desk.path("_done")).unwrap();
    desk.flush();
    let rows: i64 = desk
        .state
        .read(|conn| conn.query_row("SELECT count(*) FROM spool_segments", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(rows, 0);
    assert_eq!(desk.ledger().written, 1);
}

#[test]
fn what_is_rejected_of_two_files_of_one_name_is_kept_apart() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(event(1) + "\n{first\n"));
    assert_eq!(desk.flush_counts(), [1, 1, 0, 1, 0]);
    // As a trim does.
    std::fs::remove_file(desk.path("_done/keyboard/20250909-18.ndjson.gz")).unwrap();
    desk.put(FILE, &gzip(event(2) + "\n{the second\n"));
    assert_eq!(desk.flush_counts(), [1, 1, 0, 1, 0]);
    let kept = desk.list("_quarantine/keyboard");
    assert_eq!(kept, ["20250909-18-001.ndjson.gz.rej.ndjson", "20250909-18.ndjson.gz.rej.ndjson"]);
    let text =
        |file: &String| std::fs::read_to_string(desk.path(&format!("_quarantine/keyboard/{file}"))).unwrap();
    assert!(text(&kept[0]).contains("{the second") && text(&kept[1]).contains("{first"));
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18-001.ndjson.gz"], "beside its rejects by name");
    assert_eq!(findings(&desk), []);
}

#[test]
fn rejects_have_a_bound_and_the_segment_is_kept_where_they_have_not() {
    use conclave_spool::{Limits, SpoolOptions};
    let desk = Desk::with(SpoolOptions { limits: Limits::new(1, 90, 100, 80, 0).unwrap(), ..options() });
    let bytes = gzip(event(1) + "\n" + &"{\n".repeat(100_000) + &event(2) + "\n");
    desk.put(FILE, &bytes);
    desk.put("keyboard/20250909-19.ndjson.gz", &gzip(event(3) + "\n{\n"));
    assert_eq!(desk.flush_counts(), [2, 3, 0, 100_001, 0]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.quarantined), (100_004, 3, 100_001));
    let rejects = desk.path("_quarantine/keyboard/20250909-18.ndjson.gz.rej.ndjson");
    let text = std::fs::read_to_string(rejects).unwrap();
    assert!(text.len() < (1 << 17) + 500, "{}", text.len());
    assert!(text.lines().last().unwrap().contains("not_kept"), "it is said");
    // What is not there is in the segments.
    let kept = desk.path("_quarantine/keyboard/20250909-18.ndjson.gz");
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
    assert_eq!(desk.list("_done/keyboard"), Vec::<String>::new(), "a trim would have taken it");
}

#[test]
fn of_a_long_line_the_beginning_is_kept_and_the_segment_whole() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(vec![0; 1 << 20]));
    assert_eq!(desk.flush_counts(), [1, 0, 0, 1, 0]);
    let kept = std::fs::read(desk.path("_quarantine/keyboard/20250909-18.ndjson.gz.rej.ndjson")).unwrap();
    assert!(kept.len() < 500_000, "{}", kept.len());
    let reject: serde_json::Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(
        (reject["bytes"].as_u64(), reject["raw"].as_str().map(str::len)),
        (Some(1 << 20), Some(1 << 16))
    );
    assert_eq!(gunzip(&desk.path("_quarantine/keyboard/20250909-18.ndjson.gz")).len(), 1 << 20);
}

#[test]
fn a_count_that_no_file_can_have_is_not_believed() {
    let desk = Desk::new();
    write(&desk, 1..=3);
    let mut bytes = std::fs::read(desk.path(FILE)).unwrap();
    // The lines of the first member, and of a file that nobody has catalogued.
    bytes[23] = 0x80;
    let guest = "keyboard/20250909-19.ndjson.gz";
    desk.put(guest, &bytes);
    assert_eq!(desk.ledger().pending, 6);
    bytes[23] = 0;
    bytes[20] = 2;
    desk.put(guest, &bytes);
    assert_eq!(desk.flush_counts(), [2, 3, 3, 0, 0]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.quarantined), (6, 6, 0));
}

#[test]
fn a_done_file_that_the_state_does_not_have_is_found() {
    let desk = Desk::new();
    write(&desk, 1..=3);
    desk.flush();
    desk.state
        .write("a restore", |tx| tx.execute_batch("DELETE FROM spool_segments; DELETE FROM events"))
        .unwrap();
    let done = "keyboard/20250909-18.ndjson.gz".to_owned();
    assert_eq!(findings(&desk), [(done.clone(), "unknown")]);
    let checks = conclave_spool::health::checks(&desk.spool, Some(&desk.state));
    assert_eq!(checks[0].state, conclave_db::doctor::CheckState::Warn, "{checks:?}");
    // The way back that is named.
    std::fs::rename(desk.path(&format!("_done/{done}")), desk.path(FILE)).unwrap();
    assert_eq!(desk.flush_counts(), [1, 3, 0, 0, 0]);
    assert_eq!(desk.ids(), [id(1), id(2), id(3)]);
    assert_eq!(findings(&desk), []);
    // Somebody has written to one that was imported.
    let grown = [gzip(events(1..=3)), gzip(event(4))].concat();
    desk.put(&format!("_done/{done}"), &grown);
    assert_eq!(findings(&desk), [(done, "unknown")]);
}

#[test]
fn a_part_that_has_become_a_segment_is_not_a_second_one() {
    let desk = Desk::new();
    write(&desk, 1..=3);
    // As after a crash between link(2) and unlink(2).
    std::fs::hard_link(desk.path(FILE), desk.path(&format!("{FILE}.part"))).unwrap();
    assert_eq!(desk.flush_counts(), [1, 3, 0, 0, 0]);
    assert_eq!(desk.ledger().written, 3);
}

/// Puts a file that cannot be read; `false` where this user reads everything.
fn is_unreadable(desk: &Desk, file: &str) -> bool {
    let path = desk.put(file, &gzip(event(1)));
    std::fs::set_permissions(&path, Permissions::from_mode(0o0)).unwrap();
    std::fs::File::open(&path).is_err()
}

#[test]
fn a_file_that_cannot_be_read_keeps_no_other_one_back() {
    let desk = Desk::new();
    for file in ["browser/20250909-18.ndjson.gz", "keyboard/20250909-17.ndjson.gz.part"] {
        if !is_unreadable(&desk, file) {
            return conclave_testkit::skipped("root reads everything");
        }
    }
    desk.put(FILE, &gzip(event(2)));
    desk.put("keyboard/20250909-19.ndjson.gz.part", &gzip(event(3)));
    let found = conclave_spool::ledger::ledger(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!((found.total.pending, found.unread.len()), (2, 2), "{found:?}");
    let flushed = flush(&desk.spool, &desk.state, None).unwrap();
    assert_eq!((flushed.imported, flushed.errors.len()), (2, 2), "{flushed:?}");
    assert!(recover(&desk.spool, None).is_err());
    assert!(findings(&desk).contains(&("browser/20250909-18.ndjson.gz".to_owned(), "unreadable")));
    let checks = conclave_spool::health::checks(&desk.spool, Some(&desk.state));
    assert_eq!(checks[0].state, conclave_db::doctor::CheckState::Warn, "{checks:?}");
    // The same for a folder.
    let folder = desk.path("browser");
    let set = |mode| std::fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
    set(0o0);
    desk.put("keyboard/20250909-20.ndjson.gz", &gzip(event(4)));
    let flushed = flush(&desk.spool, &desk.state, None).unwrap();
    assert_eq!(flushed.imported, 1);
    assert!(!flushed.errors.is_empty());
    assert!(findings(&desk).contains(&("browser".to_owned(), "unreadable")));
    let found = conclave_spool::ledger::ledger(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!(found.total.imported, 3);
    set(0o700);
}

#[test]
fn the_disk_below_has_its_share_kept_free_of_rejects() {
    #[derive(Debug)]
    struct Tight;
    impl conclave_spool::Disk for Tight {
        fn room(&self, _: &std::path::Path) -> std::io::Result<(u64, u64)> {
            Ok((1_000, 1 << 20))
        }
    }
    let desk = Desk::new();
    let spool = conclave_spool::Spool::at(desk.path(""), options());
    let spool = spool.disk(std::sync::Arc::new(Tight)).state(Some(desk.state.clone())).build();
    desk.put(FILE, &gzip("{\n".repeat(1_000)));
    let flushed = flush(&spool, &desk.state, None).unwrap();
    assert_eq!(counts(&flushed), [1, 0, 0, 1_000, 0]);
    let kept = std::fs::metadata(desk.path("_quarantine/keyboard/20250909-18.ndjson.gz.rej.ndjson")).unwrap();
    assert!(kept.len() < 1_500, "{}", kept.len());
}

#[test]
fn a_part_with_the_longest_name_becomes_a_segment() {
    let desk = Desk::new();
    for name in ["x".repeat(250), "ö".repeat(125)] {
        desk.put(&format!("keyboard/{name}.part"), &gzip(events(1..=2)));
    }
    assert_eq!(desk.flush_counts(), [2, 2, 2, 0, 0]);
    assert_eq!(desk.list("_done/keyboard").len(), 2);
}
