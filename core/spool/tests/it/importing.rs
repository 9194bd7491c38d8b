//! Segments into the state: what counts, what goes where, and what stays.

use std::time::Duration;

use conclave_spool::import::flush;
use conclave_spool::recover::recover;
use conclave_spool::verify::verify;
use conclave_testkit::{Parent, Random, Rerun};
use serde_json::Value;

use crate::desk::{Desk, event, event_of, events, gunzip, gzip, id, ids, name, open_spool, open_state};

const FILE: &str = "keyboard/20250909-18.ndjson.gz";

/// The rejects of a file, with their raw lines.
fn rejects(desk: &Desk, file: &str) -> Vec<(u64, String, String)> {
    let text = std::fs::read_to_string(desk.path(&format!("_quarantine/{file}.rej.ndjson"))).unwrap();
    text.lines()
        .map(|line| {
            let reject: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| reject[key].as_str().unwrap_or_default().to_owned();
            assert!(!text("detail").is_empty());
            (reject["line"].as_u64().unwrap(), text("reason"), text("raw") + &text("raw_base64"))
        })
        .collect()
}

// spool A18
#[test]
fn bad_lines_go_to_quarantine_with_their_numbers_and_reasons() {
    let desk = Desk::new();
    let bad = [
        "{bad".to_owned(),
        r#"{"valid":"json"}"#.to_owned(),
        event(2).replace("1757440800000", "true"),
        event(2).replace("1757440800000", "9223372036854775808"),
        event(2).replace("\"key_press\"", "null"),
        "[1]".to_owned(),
        "\"\"".to_owned(),
    ];
    desk.put(FILE, &gzip(events([1, 1, 1]) + &bad.join("\n") + "\n"));
    assert_eq!(desk.ledger().pending, 10);
    assert_eq!(desk.flush_counts(), [1, 1, 2, 7, 0]);
    assert_eq!(desk.ids(), [id(1)]);
    let reasons = [
        "not_json",
        "missing_key",
        "wrong_type",
        "out_of_range",
        "wrong_type",
        "not_an_object",
        "not_an_object",
    ];
    let wanted: Vec<_> = (4..)
        .zip(reasons)
        .zip(&bad)
        .map(|((line, reason), raw)| (line, reason.to_owned(), raw.clone()))
        .collect();
    assert_eq!(rejects(&desk, "keyboard/20250909-18.ndjson.gz"), wanted);
    assert_eq!(desk.list("keyboard"), Vec::<String>::new());
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18.ndjson.gz"]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.quarantined), (10, 3, 7));
    assert_eq!(desk.flush_counts(), [0; 5]);
}

#[test]
fn blank_lines_count_for_the_number_and_for_nothing_else() {
    let desk = Desk::new();
    let text = format!("\n{}\n\n \n\u{0}\n{}", event(1), event(2));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(b"\n\xff\xfe\n");
    desk.put(FILE, &gzip(bytes));
    assert_eq!(desk.flush_counts(), [1, 2, 0, 2, 0]);
    let wanted = [(5, "not_json", "\u{0}"), (7, "not_json", "//4=")];
    let wanted = wanted.map(|(line, reason, raw)| (line, reason.to_owned(), raw.to_owned()));
    assert_eq!(rejects(&desk, "keyboard/20250909-18.ndjson.gz"), wanted);
}

// spool A19
#[test]
fn heartbeats_are_events_like_others() {
    let desk = Desk::new();
    let text: String = (1..=5).map(|number| event_of("heartbeat", number) + "\n").collect();
    desk.put("heartbeat/20250909-18.ndjson.gz", &gzip(text));
    assert_eq!(desk.flush_counts(), [1, 5, 0, 0, 0]);
    assert_eq!(desk.flush_counts(), [0; 5]);
}

#[test]
fn an_event_may_lie_in_the_folder_of_another_known_monitor() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(event_of("mouse", 1)));
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    desk.put(FILE, &gzip(event_of("nobody", 2)));
    assert_eq!(desk.flush_counts(), [1, 0, 0, 1, 0]);
}

#[test]
fn folders_of_unknown_monitors_are_left_alone() {
    let desk = Desk::new();
    desk.put("stranger/20250909-18.ndjson.gz", &gzip(events(1..=3)));
    desk.put("stranger/20250909-19.ndjson.gz.part", b"torn");
    std::fs::create_dir(desk.path("empty")).unwrap();
    let flushed = desk.flush();
    assert_eq!(crate::desk::counts(&flushed), [0; 5]);
    let unknown: Vec<_> = flushed.unknown.iter().map(|one| (one.monitor.as_str(), one.files)).collect();
    assert_eq!(unknown, [("stranger", 2)]);
    assert_eq!(desk.list("stranger").len(), 2);
    assert_eq!(desk.ledger().written, 0);
}

// spool A22
#[test]
fn what_can_be_read_is_imported_and_the_file_goes_to_quarantine_once() {
    let random_text = |seed| {
        // Lines that do not compress to nothing, so that half of the bytes are about half of the lines.
        let mut random = Random::new(seed);
        let line = |number| event(number).replace("key_press", &format!("{:x}", random.number()));
        (1..=3_000).map(line).map(|line| line + "\n").collect::<String>()
    };
    let whole = gzip(random_text(1));
    let half = &whole[..whole.len() / 2];
    let garbage = [gzip(events(1..=3)), b"GARBAGE".to_vec()].concat();
    let mut damaged = whole.clone();
    let place = damaged.len() - 5;
    damaged[place] ^= 1;
    for (what, bytes, at_least, at_most) in [
        ("truncated", half, 1_000, 2_900),
        ("empty", b"".as_slice(), 0, 0),
        ("not gzip", b"not gzip".as_slice(), 0, 0),
        ("garbage", &garbage, 3, 3),
        ("checksum", &damaged, 2_900, 3_000),
    ] {
        let desk = Desk::new();
        desk.put(FILE, bytes);
        desk.ledger();
        let counts = desk.flush_counts();
        assert_eq!((counts[0], counts[2], counts[4]), (1, 0, 0), "{what}");
        assert!((at_least..=at_most).contains(&counts[1]), "{what}: {counts:?}");
        assert_eq!(desk.ids().len() as u64, counts[1], "{what}");
        assert_eq!(desk.list("keyboard"), Vec::<String>::new(), "{what}");
        assert_eq!(desk.list("_done/keyboard"), Vec::<String>::new(), "{what}");
        assert_eq!(desk.list("_quarantine/keyboard"), ["20250909-18.ndjson.gz"], "{what}");
        assert_eq!(desk.flush_counts(), [0; 5], "{what}");
        assert_eq!(desk.ledger().pending, 0, "{what}");
    }
}

// spool A22
#[test]
fn all_members_are_read() {
    let desk = Desk::new();
    desk.put(FILE, &[gzip(events(1..=3)), gzip(events(4..=5)), gzip("")].concat());
    assert_eq!(desk.flush_counts(), [1, 5, 0, 0, 0]);
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18.ndjson.gz"]);
}

#[test]
fn files_are_imported_as_they_were_written() {
    let desk = Desk::new();
    for (file, number) in [
        ("20250909-18-010", 3),
        ("20250909-18-002", 2),
        ("20250909-18", 1),
        ("20250909-19", 4),
        ("a-guest", 5),
    ] {
        desk.put(&format!("keyboard/{file}.ndjson.gz"), &gzip(event(number)));
    }
    assert_eq!(desk.flush_counts(), [5, 5, 0, 0, 0]);
    assert_eq!(desk.ids(), (1..=5).map(id).collect::<Vec<_>>());
}

#[test]
fn a_name_that_is_taken_in_done_gets_the_next_number() {
    let desk = Desk::new();
    // The original begins anew with the hour's name after each import. These have the same size too.
    for number in 1..=3 {
        let bytes = gzip(event(number));
        desk.put(FILE, &bytes);
        desk.ledger();
        assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    }
    let done = ["20250909-18-001.ndjson.gz", "20250909-18-002.ndjson.gz", "20250909-18.ndjson.gz"];
    assert_eq!(desk.list("_done/keyboard"), done);
    assert_eq!(desk.ledger().written, 3);
    assert_eq!(gunzip(&desk.path("_done/keyboard/20250909-18-002.ndjson.gz")), event(3).into_bytes());
    let (_, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    assert_eq!(findings, []);
}

#[test]
fn a_file_that_was_imported_but_not_moved_is_only_moved() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(events(1..=3)));
    desk.flush();
    // As if the importer had died between its last transaction and the move.
    std::fs::rename(desk.path("_done/keyboard/20250909-18.ndjson.gz"), desk.path(FILE)).unwrap();
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.pending, ledger.imported), (3, 0, 3));
    assert_eq!(desk.flush_counts(), [1, 0, 0, 0, 0]);
    assert_eq!(desk.ledger(), ledger);
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18.ndjson.gz"]);
}

#[test]
fn a_catalogued_file_that_is_gone_is_dropped_as_missing() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(events(1..=3)));
    desk.put("mouse/20250909-18.ndjson.gz", &gzip(event_of("mouse", 9)));
    catalogue_only(&desk);
    std::fs::remove_file(desk.path(FILE)).unwrap();
    let broken = conclave_spool::ledger::ledger(&desk.spool, Some(&desk.state)).unwrap();
    assert!(!broken.total.balances());
    let (_, findings) = verify(&desk.spool, Some(&desk.state)).unwrap();
    let kinds: Vec<_> = findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, ["missing", "unbalanced"]);
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.dropped["missing"]), (4, 1, 3));
    assert_eq!(desk.flush_counts(), [0; 5]);
}

/// Catalogues what is pending, and imports nothing: the importer cannot read the events' table.
fn catalogue_only(desk: &Desk) {
    let sql = "CREATE TRIGGER no_events BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END";
    let run = |sql: &'static str| desk.state.write("break", move |tx| tx.execute_batch(sql)).unwrap();
    run(sql);
    flush(&desk.spool, &desk.state, None).unwrap_err();
    run("DROP TRIGGER no_events");
}

#[test]
fn a_restored_state_finds_its_files_where_they_went() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(events(1..=3)));
    catalogue_only(&desk);
    std::fs::create_dir_all(desk.path("_done/keyboard")).unwrap();
    std::fs::rename(desk.path(FILE), desk.path("_done/keyboard/20250909-18.ndjson.gz")).unwrap();
    assert_eq!(desk.flush_counts(), [1, 3, 0, 0, 0]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported), (3, 3));
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18.ndjson.gz"]);
}

// The same of one that was torn, and of another file there that only has its name.
#[test]
fn a_restored_state_finds_what_went_to_quarantine_and_takes_nothing_else_for_it() {
    let desk = Desk::new();
    let torn = gzip(events(1..=300));
    let torn = &torn[..torn.len() - 4];
    desk.put(FILE, torn);
    let gone = "keyboard/20250909-19.ndjson.gz";
    desk.put(gone, &gzip(event(301)));
    catalogue_only(&desk);
    std::fs::remove_file(desk.path(FILE)).unwrap();
    std::fs::remove_file(desk.path(gone)).unwrap();
    desk.put("_quarantine/keyboard/20250909-18.ndjson.gz", torn);
    desk.put("_done/keyboard/20250909-19.ndjson.gz", &gzip(events(302..=303)));
    let counts = desk.flush_counts();
    assert_eq!((counts[0], counts[1]), (1, 300));
    let ledger = desk.ledger();
    assert_eq!((ledger.imported, &ledger.dropped["missing"]), (300, &1));
    assert_eq!(desk.list("_quarantine/keyboard"), ["20250909-18.ndjson.gz"]);
}

// A file goes while it is imported: what is in the state stays counted as imported.
#[test]
fn of_a_segment_that_goes_half_imported_only_the_rest_is_missing() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(events(1..=1_000)));
    let run = |sql: &'static str| desk.state.write("break", move |tx| tx.execute_batch(sql)).unwrap();
    // Batches are of some hundred rows at first; the last one fails.
    run("CREATE TRIGGER no_last BEFORE INSERT ON events WHEN new.id LIKE '%001000'
         BEGIN SELECT RAISE(ABORT, 'no'); END");
    flush(&desk.spool, &desk.state, None).unwrap_err();
    run("DROP TRIGGER no_last");
    let rows = desk.ids().len() as u64;
    assert!((1..1_000).contains(&rows), "{rows}");
    std::fs::remove_file(desk.path(FILE)).unwrap();
    assert_eq!(desk.flush_counts(), [0; 5]);
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported, ledger.dropped["missing"]), (1_000, rows, 1_000 - rows));
}

#[test]
fn drops_that_were_counted_in_a_file_are_in_the_state_after_a_flush() {
    let desk = Desk::new();
    let options = conclave_spool::SpoolOptions { max_line_bytes: 10, ..crate::desk::options() };
    // Of a process that has no state.
    let beside = crate::fixture::spool(&desk.path(""), options);
    let mut writer = beside.writer(&crate::desk::name("keyboard"), std::time::Duration::ZERO).unwrap();
    writer.append(event(1).as_bytes()).unwrap();
    assert_eq!(writer.finish().unwrap().dropped, 1);
    assert!(desk.path("keyboard/.drops.json").exists());
    for _ in 0..2 {
        let ledger = desk.ledger();
        assert_eq!((ledger.written, &ledger.dropped["too_long"]), (1, &1));
        assert_eq!(desk.flush_counts(), [0; 5]);
        assert!(!desk.path("keyboard/.drops.json").exists());
    }
}

// What the user knows of a file in quarantine is its name: no other file of the monitor ever has it.
#[test]
fn a_name_that_is_taken_in_quarantine_gets_the_next_number_in_done() {
    let desk = Desk::new();
    let taken = desk.put("_quarantine/keyboard/20250909-18.ndjson.gz", b"torn");
    desk.put(FILE, &gzip(event(1)));
    assert_eq!(desk.flush_counts(), [1, 1, 0, 0, 0]);
    assert_eq!(desk.list("_done/keyboard"), ["20250909-18-001.ndjson.gz"]);
    assert_eq!(std::fs::read(taken).unwrap(), b"torn");
}

#[test]
fn a_segment_that_was_damaged_after_it_was_counted_balances() {
    let desk = Desk::new();
    let bytes = gzip(events(1..=3_000));
    let path = desk.put(FILE, &bytes);
    catalogue_only(&desk);
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let counts = desk.flush_counts();
    assert!(counts[1] > 0 && counts[3] > 0, "{counts:?}");
    assert_eq!(counts[1] + counts[3], 3_000);
    assert_eq!(desk.ledger().written, 3_000);
    // As if the importer had died before the move: it is known by the size that it has now.
    std::fs::rename(desk.path("_quarantine/keyboard/20250909-18.ndjson.gz"), &path).unwrap();
    assert_eq!(desk.ledger().pending, 0);
    assert_eq!(desk.flush_counts(), [1, 0, 0, 0, 0]);
    assert_eq!(desk.ledger().written, 3_000);
}

// spool A20
#[test]
fn a_busy_state_defers_and_loses_nothing() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(events(1..=10)));
    desk.put("mouse/20250909-18.ndjson.gz", &gzip(event_of("mouse", 11)));
    let mut holder = Rerun::of("importing::holds_the_write_lock")
        .variable("SPOOL_FOLDER", desk.dir.path().to_str().unwrap())
        .start();
    holder.release();
    assert_eq!(holder.line().as_deref(), Some("held"));
    let flushed = flush(&desk.spool, &desk.state, None).unwrap();
    assert_eq!(crate::desk::counts(&flushed), [0, 0, 0, 0, 2]);
    assert_eq!(desk.list("keyboard").len(), 1);
    assert_eq!(desk.list("_done/keyboard"), Vec::<String>::new());
    assert_eq!(desk.ledger().pending, 11);
    holder.send("enough");
    holder.finish();
    assert_eq!(desk.flush_counts(), [2, 11, 0, 0, 0]);
}

/// The other process of the test above.
#[test]
fn holds_the_write_lock() {
    let Some(mut parent) = Parent::of_this_process() else { return };
    let folder = std::env::var("SPOOL_FOLDER").unwrap();
    let state = open_state(folder.as_ref());
    let mut conn = state.open_connection().unwrap();
    parent.wait_for_release();
    conn.transact(conclave_db::sql::TransactionBehavior::Immediate, |_| {
        parent.say("held");
        parent.hear();
        Ok::<_, conclave_db::DbError>(())
    })
    .unwrap();
}

// spool A21
#[test]
fn an_importer_that_is_killed_goes_on_where_it_was() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = std::env::var("SPOOL_FOLDER").unwrap();
        let state = open_state(folder.as_ref());
        let spool = open_spool(folder.as_ref(), &state);
        parent.wait_for_release();
        flush(&spool, &state, None).unwrap();
        return;
    }
    for round in 0..6 {
        let desk = Desk::new();
        let mut text = String::new();
        for number in 1..=2_500 {
            text.push_str(&event(number));
            text.push_str(if number % 500 == 0 { "\n{bad\n" } else { "\n" });
        }
        desk.put(FILE, &gzip(&text));
        let mut child = Rerun::of("importing::an_importer_that_is_killed_goes_on_where_it_was")
            .variable("SPOOL_FOLDER", desk.dir.path().to_str().unwrap())
            .start();
        child.release();
        // Until some rows are there, each time a few more.
        let rows = || ids(&desk.state).len();
        while rows() < round * 300 && child.line_within(Duration::from_millis(1)).is_none() && rows() < 2_500
        {
        }
        child.kill();
        desk.ledger();
        let before = rows();
        let flushed = desk.flush();
        if flushed.files == 1 && before < 2_500 {
            assert_eq!((flushed.imported, flushed.duplicates, flushed.quarantined), (2_500, 0, 5));
        }
        assert_eq!(desk.ids().len(), 2_500);
        assert_eq!(desk.list("keyboard"), Vec::<String>::new());
        assert_eq!(desk.list("_done/keyboard"), ["20250909-18.ndjson.gz"]);
        let ledger = desk.ledger();
        assert_eq!((ledger.written, ledger.imported, ledger.quarantined), (2_505, 2_500, 5));
        assert_eq!(rejects(&desk, "keyboard/20250909-18.ndjson.gz").len(), 5);
        assert_eq!(desk.flush_counts(), [0; 5]);
    }
}

#[test]
fn importers_at_once_count_each_event_once() {
    if let Some(mut parent) = Parent::of_this_process() {
        let folder = std::env::var("SPOOL_FOLDER").unwrap();
        let state = open_state(folder.as_ref());
        let spool = open_spool(folder.as_ref(), &state);
        parent.wait_for_release();
        let flushed = flush(&spool, &state, None).unwrap();
        parent.say(&format!("{} {}", flushed.imported, flushed.duplicates));
        return;
    }
    let desk = Desk::new();
    for file in 0..6 {
        let text = events(file * 100 + 1..=file * 100 + 100);
        desk.put(&format!("keyboard/20250909-{:02}.ndjson.gz", 10 + file), &gzip(text));
    }
    let mut fleet = Rerun::of("importing::importers_at_once_count_each_event_once")
        .variable("SPOOL_FOLDER", desk.dir.path().to_str().unwrap())
        .start_fleet(4);
    fleet.release();
    let said = fleet.finish().concat();
    let sum = |place: usize| -> u64 {
        said.iter().map(|line| line.split(' ').nth(place).unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!((said.len(), sum(0), sum(1)), (4, 600, 0), "{said:?}");
    let ledger = desk.ledger();
    assert_eq!((ledger.written, ledger.imported), (600, 600));
}

#[test]
fn only_one_monitor_is_flushed_when_only_one_is_asked_for() {
    let desk = Desk::new();
    desk.put(FILE, &gzip(event(1)));
    desk.put("mouse/20250909-18.ndjson.gz", &gzip(event_of("mouse", 2)));
    let flushed = flush(&desk.spool, &desk.state, Some(&name("mouse"))).unwrap();
    assert_eq!((flushed.files, flushed.imported), (1, 1));
    assert_eq!(flushed.monitors.len(), 1);
    assert_eq!(desk.list("keyboard").len(), 1);
    assert_eq!(recover(&desk.spool, None).unwrap().found, 0);
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_others_are_taken() {
    let mut options = crate::desk::options();
    options.max_line_bytes = 1_000;
    let desk = Desk::with(options);
    let long = event(2).replace("key_press", &"x".repeat(2_000));
    desk.put(FILE, &gzip(format!("{}\n{long}\n{}\n", event(1), event(3))));
    assert_eq!(desk.flush_counts(), [1, 2, 0, 1, 0]);
    let rejects = rejects(&desk, "keyboard/20250909-18.ndjson.gz");
    assert_eq!((rejects[0].0, &*rejects[0].1, rejects[0].2.len()), (2, "too_long", 1_000));
}
