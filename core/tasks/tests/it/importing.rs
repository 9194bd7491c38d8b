//! What comes in from a file, and what is kept of it.

use std::path::Path;

use conclave_db::Db;
use conclave_tasks::exchange::{self, ImportOptions, ImportReport, Limits, Lines, Order};
use conclave_tasks::read;
use conclave_tasks::work::{self, NewTask};

use crate::project::{Project, ids, texts};

pub(crate) fn lines(file: &[u8]) -> Lines {
    exchange::read_lines(&mut &*file, Path::new("f.jsonl"), Limits::default()).unwrap()
}

/// Imports, after a dry run that must say the same and do nothing.
pub(crate) fn import(db: &Db, file: &[u8]) -> ImportReport {
    let before = exported(db, Order::File);
    let dry =
        exchange::import(db, "ana", lines(file), ImportOptions { dry_run: true, quarantined: true }).unwrap();
    assert_eq!(exported(db, Order::File), before, "a dry run does nothing");
    let quarantined = ImportOptions { quarantined: true, ..ImportOptions::default() };
    let report = exchange::import(db, "ana", lines(file), quarantined).unwrap();
    assert_eq!(dry, ImportReport { dry_run: true, ..report.clone() }, "a dry run says what will be done");
    report
}

pub(crate) fn exported(db: &Db, order: Order) -> String {
    let mut bytes = Vec::new();
    let exported = exchange::export(db, order, &mut bytes).unwrap();
    assert_eq!(exported.bytes, bytes.len() as u64);
    assert_eq!(exported.records, bytes.split(|byte| *byte == b'\n').count() as u64 - 1);
    String::from_utf8(bytes).unwrap()
}

fn counts(report: &ImportReport) -> (u64, u64, u64) {
    (report.created, report.updated, report.unchanged)
}

/// All that is odd and no error.
const ODD: [&str; 14] = [
    r#"{"_schema":"beads-jsonl/1","version":"1"}"#,
    r#"{"id":"bd-2","title":"T","k":1e3,"n":1.0,"big":12345678901234567890123,"e":"\u003c\u00e9","updated_at":"2026-01-01T00:00:00.100000000+02:00"}"#,
    r#"{ "id" : "bd-10" , "title":"","labels":["---",1],"dependencies":["bd-2",{"depends_on_id":"none","type":"blocks"}] }"#,
    r#"{"id":"bd-1","dependencies":[{"issue_id":"bd-1","depends_on_id":"bd-2","type":"blocks"},{"issue_id":"bd-1","depends_on_id":"bd-2","type":"related"},{"issue_id":"bd-1","depends_on_id":"gone","type":"parent_child"}]}"#,
    r#"{"id":"x","status":"closed"}"#,
    r#"{"id":"y","status":"open","closed_at":"2026-01-01T00:00:00Z","priority":null}"#,
    r#"{"id":"z","status":17,"priority":"high","updated_at":"soon"}"#,
    r#"{"id":"dead","_deleted":true,"_deleted_at":"2026-01-01T00:00:00Z"}"#,
    r#"{"id":"tomb","status":"tombstone","deleted_at":"2026-01-01T00:00:00Z"}"#,
    r#"{"_type":"issue","id":"typed"}"#,
    r#"{"_type":"memory","key":"k","value":"v"}"#,
    r#"{"_type":"note","id":"note-1","updated_at":"2026-01-01T00:00:00Z"}"#,
    r#"{"id":17}"#,
    "{}",
];

#[test]
fn a_bad_line_refuses_the_file_unless_it_was_kept_aside() {
    let project = Project::new();
    let file = b"{\"id\":\"a\"}\n<<<<<<< HEAD\n{\"id\":\"b\"}\n";
    for dry_run in [false, true] {
        let options = ImportOptions { dry_run, ..ImportOptions::default() };
        let error = exchange::import(&project.db, "ana", lines(file), options).unwrap_err();
        assert!(error.to_string().starts_with("f.jsonl: line 2: "), "{error}");
    }
    assert_eq!(exported(&project.db, Order::File), "");
    assert_eq!((import(&project.db, file).created, import(&project.db, file).quarantined), (2, 1));
}

#[test]
fn a_later_header_takes_the_place_of_the_one_before() {
    let project = Project::new();
    let header = |n: u8| format!("{{\"_schema\":\"x\",\"records\":{n}}}\n");
    let counted = |n: u8| counts(&import(&project.db, header(n).as_bytes()));
    assert_eq!([counted(1), counted(2), counted(2)], [(1, 0, 0), (0, 1, 0), (0, 0, 1)]);
    assert_eq!(exported(&project.db, Order::Id), header(2));
    // An export to a file with the older one loses nothing.
    let folder = conclave_testkit::TempProject::new();
    let path = folder.file("f.jsonl", header(1).as_bytes());
    exchange::export_to_file(&project.db, &path, exchange::ExportOptions::default()).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), header(2));
}

#[test]
fn odd_records_come_out_as_they_came_in() {
    let project = Project::new();
    let file = format!("\u{feff}{}\r\n\r\n", ODD.join("\r\n \t"));
    let report = import(&project.db, file.as_bytes());
    assert_eq!((counts(&report), report.opaque, report.quarantined), ((14, 0, 0), 5, 0));
    assert_eq!(report.dangling, texts(&["bd-10 -> none (blocks)", "bd-1 -> gone (parent_child)"]));
    let odd: u64 = report.irregular.values().sum();
    assert!(report.irregular.len() >= 6 && odd > 10, "{:?}", report.irregular);
    assert_eq!(exported(&project.db, Order::File), ODD.join("\n") + "\n");
    let mut by_id = ODD.to_vec();
    by_id.sort_by_key(|line| {
        let id = conclave_tasks::record::parse(line.as_bytes()).unwrap();
        match id {
            conclave_tasks::record::Line::Task(record) => (1, record.id().to_owned()),
            conclave_tasks::record::Line::Other(other) => {
                let place = if line.contains("_schema") { 0 } else { 2 };
                other.id.map_or((place, String::new()), |id| (1, id))
            }
        }
    });
    assert_eq!(exported(&project.db, Order::Id), by_id.join("\n") + "\n");
    // Again: nothing is new, whatever the ends of its lines are.
    let report = import(&project.db, (by_id.join("\n") + "\n").as_bytes());
    assert_eq!(counts(&report), (0, 0, 14));
    assert_eq!(exported(&project.db, Order::File), ODD.join("\n") + "\n", "each where it was");
    assert!(project.row("bd-1").blocked, "who is blocked is known after an import");
}

fn at(day: u8, members: &str) -> String {
    format!(r#"{{"id":"a","updated_at":"2026-01-0{day}T00:00:00Z"{members}}}"#)
}

#[test]
fn the_later_record_is_taken_as_a_whole() {
    let none = r#"{"id":"a","k":0}"#.to_owned();
    let unreadable = r#"{"id":"a","updated_at":"soon"}"#.to_owned();
    let (old, new) = (at(1, r#","labels":["x"],"due_at":"x""#), at(2, r#","title":"T""#));
    // Later as an instant, earlier as a text.
    let west = r#"{"id":"a","updated_at":"2026-01-01T23:00:00-08:00"}"#.to_owned();
    for filler in [0, 300] {
        let more = (0..filler).map(|n| format!("{{\"id\":\"more-{n}\"}}\n")).collect::<Vec<_>>().concat();
        for (here, there, outcome) in [
            (&old, &old, "unchanged"),
            (&old, &new, "updated"),
            (&new, &old, "older"),
            (&new, &west, "updated"),
            (&west, &new, "older"),
            (&new, &at(2, ""), "conflict"),
            (&none, &old, "updated"),
            (&old, &none, "older"),
            (&none, &unreadable, "conflict"),
        ] {
            let project = Project::new();
            import(&project.db, format!("{here}\n{more}").as_bytes());
            let report = import(&project.db, format!("{more}{there}").as_bytes());
            let context = format!("{here} {there} {filler}");
            let a = texts(&["a"]);
            let (mut wanted, mut kept) = ((0, 0, filler), here);
            match outcome {
                "unchanged" => wanted.2 += 1,
                "updated" => (wanted.1, kept) = (1, there),
                "older" => assert_eq!(report.older, a, "{context}"),
                _ => assert_eq!(report.conflicts, a, "{context}"),
            }
            assert_eq!(counts(&report), wanted, "{context}");
            assert_eq!(&project.record("a"), kept, "{context}");
            let operations = project.operations("a");
            if outcome == "updated" {
                assert_eq!(operations, ["imported", "replaced"], "{context}");
                let whole: Vec<u8> =
                    project.value("SELECT old_record FROM task_audit WHERE operation = 'replaced'");
                assert_eq!(String::from_utf8(whole).unwrap(), *here);
            } else {
                assert_eq!(operations, ["imported"], "{context}");
            }
        }
    }
}

#[test]
fn of_repeated_ids_the_newest_instant_is_taken() {
    let project = Project::new();
    let file = [at(1, ""), at(3, r#","k":1"#), r#"{"id":"b"}"#.to_owned(), at(2, ""), at(3, r#","k":2"#)];
    let report = import(&project.db, file.join("\n").as_bytes());
    assert_eq!((counts(&report), report.duplicates), ((2, 0, 0), texts(&["a"])));
    assert_eq!(project.record("a"), file[4]);
}

#[test]
fn other_lines_are_kept_by_their_id_or_by_themselves() {
    let project = Project::new();
    let note = |day: u8| format!(r#"{{"_type":"note","id":"n","updated_at":"2026-01-0{day}T00:00:00Z"}}"#);
    let memory = r#"{"_type":"memory","key":"k"}"#;
    import(&project.db, format!("{}\n{memory}", note(2)).as_bytes());
    let report = import(&project.db, format!("{}\n{memory}", note(1)).as_bytes());
    assert_eq!((counts(&report), report.older, report.opaque), ((0, 0, 1), texts(&["n"]), 2));
    assert_eq!(counts(&import(&project.db, note(3).as_bytes())), (0, 1, 0));
    assert_eq!(exported(&project.db, Order::File), format!("{}\n{memory}\n", note(3)));
    // What is a task on one side and something else on the other is kept as it is here.
    let report = import(&project.db, br#"{"id":"n","updated_at":"2026-02-01T00:00:00Z"}"#);
    assert_eq!((counts(&report), report.conflicts), ((0, 0, 0), texts(&["n"])));
    import(&project.db, br#"{"id":"a"}"#);
    let report = import(&project.db, br#"{"_type":"note","id":"a","updated_at":"2026-02-01T00:00:00Z"}"#);
    assert_eq!(report.conflicts, texts(&["a"]));
    assert_eq!(project.record("a"), r#"{"id":"a"}"#);
}

#[test]
fn good_lines_come_in_and_the_ids_of_bad_ones_are_never_given() {
    let project = Project::new();
    let file = "<<<<<<< HEAD\n{\"id\":\"a\"}\n{\"id\":\"torn\",\"tit\n";
    let report = import(&project.db, file.as_bytes());
    assert_eq!((counts(&report), report.quarantined), ((1, 0, 0), 2));
    assert_eq!(exported(&project.db, Order::Id), "{\"id\":\"a\"}\n");
    let taken = NewTask { id: Some("torn".to_owned()), title: "T".to_owned(), ..NewTask::default() };
    assert!(work::create(&project.db, "ana", taken).is_err());
    // The record itself may come back.
    assert_eq!(counts(&import(&project.db, b"{\"id\":\"torn\"}")), (1, 0, 0));
}

#[test]
fn new_records_come_behind_those_that_are_there() {
    let project = Project::new();
    import(&project.db, b"{\"id\":\"b\"}\n{\"_type\":\"m\"}\n{\"id\":\"a\"}");
    project.task("made");
    import(&project.db, b"{\"id\":\"0\"}\n{\"id\":\"a\"}\n{\"_type\":\"l\"}");
    let out = exported(&project.db, Order::File);
    let order: Vec<&str> = out.lines().map(|line| line.split('"').nth(3).unwrap()).collect();
    assert_eq!(order, ["b", "m", "a", "made", "0", "l"]);
}

#[test]
fn what_is_tied_to_an_imported_task_is_worked_out() {
    let project = Project::new();
    import(&project.db, br#"{"id":"w","updated_at":"2026-01-01T00:00:00Z","dependencies":[{"depends_on_id":"b","type":"blocks"}]}"#);
    assert_eq!(project.ready(), ["w"]);
    import(&project.db, br#"{"id":"b","updated_at":"2026-01-01T00:00:00Z"}"#);
    assert_eq!(project.ready(), ["b"], "an edge that led nowhere leads somewhere now");
    let edges = r#"{"id":"n","dependencies":["b","w","nowhere"]}"#;
    assert_eq!(import(&project.db, edges.as_bytes()).dangling, texts(&["n -> nowhere (blocks)"]));
    let closed = r#"{"id":"b","status":"closed","closed_at":"2026-01-02T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"}"#;
    import(&project.db, closed.as_bytes());
    assert_eq!(project.ready(), ["w"]);
}

/// The real files, where `CONCLAVE_BEADS` names their folder.
#[test]
fn real_files_come_out_byte_for_byte() {
    let Some(folder) = std::env::var_os("CONCLAVE_BEADS") else {
        return conclave_testkit::skipped("CONCLAVE_BEADS names no folder of real files");
    };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let read = exchange::read_file(&path, Limits::default()).unwrap();
        // By id the record of the latest instant, of equals the later line.
        let mut newest = std::collections::BTreeMap::new();
        for (number, line) in &read.good {
            let conclave_tasks::record::Line::Task(record) = line else { continue };
            let rank = (record.projection().updated_at, *number);
            let kept = newest.entry(record.id().to_owned()).or_insert((rank, record.clone()));
            if kept.0 < rank {
                *kept = (rank, record.clone());
            }
        }
        let mut wanted = Vec::new();
        for (_, record) in newest.values() {
            wanted.extend_from_slice(record.bytes());
            wanted.push(b'\n');
        }
        let project = Project::new();
        exchange::import(&project.db, "ana", read, ImportOptions::default()).unwrap();
        let mut out = Vec::new();
        exchange::export(&project.db, Order::Id, &mut out).unwrap();
        assert!(out == wanted, "{}", path.display());
        let again = exchange::import(&project.db, "ana", lines(&out), ImportOptions::default()).unwrap();
        assert_eq!(counts(&again), (0, 0, newest.len() as u64), "{}", path.display());
    }
}

#[test]
fn the_words_of_what_came_in_are_found_and_those_of_what_was_replaced_are_not() {
    let project = Project::new();
    let line = |id: &str, title: &str, day: u8| {
        format!("{{\"id\":\"{id}\",\"title\":\"{title}\",\"updated_at\":\"2026-01-0{day}T00:00:00Z\"}}\n")
    };
    let found = |words: &str| ids(&read::search(&project.db, words, None).unwrap());
    import(&project.db, [line("bd-1", "needle", 1), line("bd-2", "thread", 1)].concat().as_bytes());
    assert_eq!((found("needle"), found("thread")), (texts(&["bd-1"]), texts(&["bd-2"])));
    import(&project.db, [line("bd-1", "thimble", 2), line("bd-3", "needle", 2)].concat().as_bytes());
    assert_eq!((found("needle"), found("thimble")), (texts(&["bd-3"]), texts(&["bd-1"])));
}
