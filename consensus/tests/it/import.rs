//! Where rows come from and where they go: paths, taken ids, phases, sources that live, and what is refused.

use std::path::Path;

use conclave_consensus::import::{ImportOptions, import_file};
use conclave_consensus::runs::{self, RunFilter};
use conclave_consensus::{ConsensusErrorKind, LEGACY_TABLES};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions, ErrorKind, Schema, Source};
use sha2::{Digest as _, Sha256};

use crate::project::{LEGACY_DDL, Project};

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

fn beside(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const ROW: &str =
    "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at)";

#[test]
fn source_is_left_as_it_was() {
    let project = Project::new();
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("legacy.db");
    conclave_consensus::golden::write_legacy_fixture(&source).unwrap();
    let before = bytes(&source);
    let report = project.import(&source);
    assert_eq!(bytes(&source), before);
    assert_eq!(beside(&source), ["legacy.db"]);
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap());
    let digest: String = Sha256::digest(&before).iter().flat_map(digits).collect();
    assert_eq!(report.sha256, digest);
    let kept = project.rows("SELECT sha256, bytes FROM import_sources");
    assert_eq!(kept, [[Value::Text(digest), Value::Integer(i64::try_from(before.len()).unwrap())]]);
    assert_eq!(report.source, source.canonicalize().unwrap().display().to_string());
}

#[test]
fn report_has_the_keys_that_scripts_rely_on() {
    let project = Project::new();
    let report = serde_json::to_value(project.import(&project.golden())).unwrap();
    for (key, wanted) in [
        ("rows", 14),
        ("runs", 10),
        ("outputs", 14),
        ("syntheses", 0),
        ("executions", 0),
        ("invalid_json", 2),
        ("unknown_times", 2),
        ("duplicates", 1),
        ("rows_without_run_id", 4),
        ("bytes", 96),
        ("already_present", 0),
    ] {
        assert_eq!(report[key], wanted, "{key}");
    }
    assert!(report["source"].is_string() && report["sha256"].is_string());
}

#[test]
fn dry_run_counts_the_same_and_writes_nothing() {
    let project = Project::new();
    let golden = project.golden();
    let before = project.state();
    let options = ImportOptions { dry_run: true, ..ImportOptions::default() };
    let dry = import_file(&project.db, &golden, &options, &mut |_| {}).unwrap();
    assert_eq!(project.state(), before);
    assert_eq!(project.number("SELECT phase FROM migration_state"), 5);
    let real = project.import(&golden);
    assert_eq!((dry.runs, dry.outputs, dry.duplicates, dry.invalid_json), (10, 14, 1, 2));
    assert_eq!((dry.rows, dry.unknown_times, dry.bytes), (real.rows, real.unknown_times, real.bytes));
    let again = import_file(&project.db, &golden, &options, &mut |_| {}).unwrap();
    assert_eq!((again.already_present, again.runs), (14, 10));
}

#[test]
fn import_begins_phase_one_with_both_sides() {
    let project = Project::new();
    let golden = project.golden();
    project.import(&golden);
    assert_eq!(project.number("SELECT phase FROM migration_state"), 1);
    let source = Source::open(&golden).unwrap();
    for table in LEGACY_TABLES {
        let query = format!("SELECT * FROM {table} ORDER BY rowid");
        let theirs = source.read(|conn| Ok::<_, conclave_db::DbError>(crate::project::values(conn, &query)));
        assert_eq!(project.rows(&query), theirs.unwrap(), "{table}");
    }
    // The old program's own next id is one that was never used.
    project.write("INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json) VALUES('s', 't', 'a', 'x')");
    assert_eq!(project.number("SELECT max(id) FROM consensus_artifacts"), 15);
    let events = "SELECT group_concat(kind) FROM (SELECT kind FROM migration_events ORDER BY id)";
    assert_eq!(project.rows(events), [[Value::Text("phase,import".into())]]);
}

#[test]
fn a_project_with_runs_of_its_own_takes_rows_into_the_new_tables_alone() {
    let project = Project::new();
    project.write("INSERT INTO consensus_runs(run_key, spec_id, stage) VALUES('own', 's', 'plan')");
    let golden = project.golden();
    let report = project.import(&golden);
    assert_eq!((report.runs, report.outputs), (10, 14));
    assert_eq!(project.number("SELECT phase FROM migration_state"), 5);
    let legacy = "SELECT count(*) FROM sqlite_schema WHERE name = 'consensus_artifacts'";
    assert_eq!(project.number(legacy), 0);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE legacy_id IS NOT NULL"), 0);
    let before = project.state();
    assert_eq!(project.import(&golden).already_present, 14);
    assert_eq!(project.state(), before);
    // A row that changed is found again through the record of where it went.
    conclave_db::foreign::run(
        &golden,
        "UPDATE consensus_artifacts SET content_json = '{\"v\":9}' WHERE id = 4",
    )
    .unwrap();
    let report = project.import(&golden);
    assert_eq!((report.already_present, report.updated), (13, 1));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE content = '{\"v\":9}'"), 1);
}

#[test]
fn changed_rows_are_updated_and_counted_on_both_sides() {
    let project = Project::new();
    let golden = project.golden();
    project.import(&golden);
    conclave_db::foreign::run(
        &golden,
        "UPDATE consensus_artifacts SET content_json = 'new' WHERE id = 2;
         UPDATE consensus_artifacts SET run_id = 'run_NEW' WHERE id = 7;
         INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id) VALUES('S1', 'spec-plan', 'x', '{}', 'run_A');",
    )
    .unwrap();
    let report = project.import(&golden);
    assert_eq!((report.updated, report.already_present, report.rows), (2, 12, 15));
    assert!(project.verify().equal);
    assert_eq!(project.number("SELECT valid_json FROM agent_outputs WHERE legacy_id = 2"), 0);
    // The run that row 7 alone made went with it, and its new one is there.
    let gone = "SELECT count(*) FROM consensus_runs WHERE run_key = '@text:2025-11-03 03:08:05'";
    assert_eq!(project.number(gone), 0);
    assert_eq!(project.number("SELECT count(*) FROM consensus_runs WHERE run_key = 'run_NEW'"), 1);
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 15);
    project.assert_sound();
    let state = project.state();
    assert_eq!(project.import(&golden).already_present, 15);
    assert_eq!(project.state(), state);
}

#[test]
fn a_copied_file_brings_the_same_rows() {
    let project = Project::new();
    let golden = project.golden();
    project.import(&golden);
    let copy = project.path("copy.db");
    std::fs::copy(&golden, &copy).unwrap();
    let before = project.number("SELECT count(*) FROM agent_outputs");
    let report = project.import(&copy);
    assert_eq!((report.already_present, report.outputs, report.runs), (14, 14, 10));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), before);
    // What the copy's owner changes later is a row of its own: the first file's row stays.
    conclave_db::foreign::run(&copy, "UPDATE consensus_artifacts SET content_json = 'mine' WHERE id = 4")
        .unwrap();
    let report = project.import(&copy);
    assert_eq!((report.already_present, report.updated), (13, 0));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), before + 1);
    assert_eq!(project.import(&golden).already_present, 14);
    assert_eq!(project.import(&copy).already_present, 14);
    assert!(project.verify().equal);
}

#[test]
fn a_taken_id_gets_a_free_one() {
    let project = Project::new();
    project.import(&project.golden());
    let other = project.legacy(
        "other.db",
        &format!(
            "{ROW} VALUES(3, 'O', 'spec-plan', 'a', 'three', 'R', NULL), (14, 'O', 'spec-plan', 'a', 'fourteen', 'R', NULL),
             (40, 'O', 'spec-plan', 'a', 'forty', 'R', NULL);
             INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at) VALUES('e', 'O', 'p', 'q', 'a', '2025-11-11')"
        ),
    );
    let report = project.import(&other);
    assert_eq!((report.outputs, report.runs, report.already_present), (3, 2, 0));
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        project.rows("SELECT id, content_json FROM consensus_artifacts WHERE spec_id = 'O' ORDER BY id"),
        [
            [Value::Integer(40), text("forty")],
            [Value::Integer(41), text("three")],
            [Value::Integer(42), text("fourteen")]
        ]
    );
    // Order of arrival is that of the file.
    let order = "SELECT group_concat(content) FROM (SELECT content FROM agent_outputs
      WHERE legacy_run_id = 'R' ORDER BY sequence)";
    assert_eq!(project.rows(order), [[text("three,fourteen,forty")]]);
    assert!(project.verify().equal);
    let state = project.state();
    assert_eq!(project.import(&other).already_present, 4);
    assert_eq!(project.state(), state);
    // An id that this file brings later may be one that was given away: it is not taken for that row.
    conclave_db::foreign::run(
        &other,
        &format!("{ROW} VALUES(41, 'O', 'spec-plan', 'a', 'forty-one', 'R', NULL)"),
    )
    .unwrap();
    let report = project.import(&other);
    assert_eq!((report.already_present, report.updated, report.rows), (4, 0, 5));
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs WHERE content = 'forty-one'"), 1);
    assert!(project.verify().equal);
    // An execution with a taken id of other content is kept beside the first.
    let third = project.legacy(
        "third.db",
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at) VALUES('e', 'OTHER', 'p', 'q', 'a', '2025-11-12')",
    );
    project.import(&third);
    assert_eq!(project.import(&third).already_present, 1);
    assert_eq!(project.number("SELECT count(*) FROM run_attempts"), 2);
    assert_eq!(project.number("SELECT count(*) FROM agent_executions"), 2);
    assert!(project.verify().equal);
}

#[test]
fn syntheses_join_runs_across_files_by_run_id_only() {
    let project = Project::new();
    let time = "2025-11-03 02:54:13";
    let first = project.legacy(
        "first.db",
        &format!("{ROW} VALUES(1, 'S', 'spec-plan', 'a', '1', NULL, '{time}'), (2, 'S', 'spec-plan', 'a', '2', 'R', '{time}');"),
    );
    let synthesis = |run_id: &str, text: &str| {
        format!(
            "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, run_id, created_at)
             VALUES('S', 'spec-plan', '{text}', 'ok', {run_id}, '{time}');"
        )
    };
    let second = project.legacy("second.db", &(synthesis("NULL", "1") + &synthesis("'R'", "2")));
    project.import(&first);
    let report = project.import(&second);
    assert_eq!((report.runs, report.lone_syntheses.len()), (2, 1));
    let claims = "SELECT run_key, status FROM consensus_runs ORDER BY id";
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        project.rows(claims),
        [
            [text(&format!("@text:{time}")), text("unknown")],
            [text("R"), text("ok")],
            [text(&format!("@text:{time}@source:2")), text("ok")]
        ]
    );
    assert!(project.verify().equal, "a run of its own is no difference");
    assert_eq!(project.import(&second).already_present, 2);
    // A copy of the first file with a synthesis is the first file's run.
    let copy = project.path("copy.db");
    std::fs::copy(&first, &copy).unwrap();
    conclave_db::foreign::run(&copy, &synthesis("NULL", "3")).unwrap();
    project.import(&copy);
    let claimed = "SELECT status FROM consensus_runs WHERE id = 1";
    assert_eq!(project.rows(claimed), [[text("ok")]]);
    assert!(project.verify().equal);
}

#[test]
fn a_source_with_a_live_writer_is_read_whole() {
    let project = Project::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("live.db");
    // Another program holds it open in WAL mode, its rows in the log.
    let other = Db::open(DbOptions::new(&path, Schema::assemble(&[], &[]).unwrap())).unwrap();
    other.write("tables", |tx| tx.execute_batch(LEGACY_DDL)).unwrap();
    let insert = |other: &Db, n: i64| {
        other
            .write("row", move |tx| {
                tx.execute(
                    "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id) VALUES('S', 'p', 'a', ?1, 'R')",
                    [n],
                )
            })
            .unwrap();
    };
    for n in 0..5 {
        insert(&other, n);
    }
    assert!(std::fs::metadata(dir.path().join("live.db-wal")).unwrap().len() > 0);
    let mut more = 5;
    let options = ImportOptions { chunk_rows: 2, ..ImportOptions::default() };
    let report = import_file(&project.db, &path, &options, &mut |_| {
        if more < 8 {
            insert(&other, more);
            more += 1;
        }
    })
    .unwrap();
    assert_eq!((report.outputs, report.duplicates), (8, 7), "rows that came meanwhile came too");
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 8);
    insert(&other, 8);
    let report = project.import(&path);
    assert_eq!((report.already_present, report.rows), (8, 9));
    assert!(project.verify().equal);
}

#[test]
fn a_writer_that_starts_during_the_import_is_noticed() {
    let project = Project::new();
    let golden = project.golden();
    let error = import_file(&project.db, &golden, &ImportOptions::default(), &mut |_| {
        conclave_db::foreign::run(
            &golden,
            "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json) VALUES('s', 't', 'a', 'x')",
        )
        .unwrap();
    })
    .unwrap_err();
    assert_eq!(error.kind(), ConsensusErrorKind::SourceChanged);
    assert_eq!(project.import(&golden).outputs, 15);
}

#[test]
fn bad_sources_are_refused_untouched_by_kind() {
    let project = Project::new();
    let before = project.state();
    let make = |name: &str, bytes: &[u8]| {
        let path = project.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let sql = |name: &str, sql: &str| {
        let path = project.path(name);
        conclave_db::foreign::create(&path, sql).unwrap();
        path
    };
    let folder = project.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let broken = {
        let path = project.golden();
        let mut content = bytes(&path);
        content.truncate(5000);
        std::fs::write(&path, content).unwrap();
        path
    };
    for (path, wanted) in [
        (make("hello", b"hello, not a db!"), ConsensusErrorKind::Source(ErrorKind::NotADatabase)),
        (make("garbage", &b"garbage".repeat(3000)), ConsensusErrorKind::Source(ErrorKind::NotADatabase)),
        (project.path("missing"), ConsensusErrorKind::Source(ErrorKind::Missing)),
        (folder, ConsensusErrorKind::Source(ErrorKind::CannotOpen)),
        (broken, ConsensusErrorKind::Source(ErrorKind::Corrupt)),
        (make("empty", b""), ConsensusErrorKind::SourceRefused),
        (sql("foreign.db", "CREATE TABLE users(id)"), ConsensusErrorKind::SourceRefused),
        (
            sql("partial.db", "CREATE TABLE consensus_artifacts(id, spec_id)"),
            ConsensusErrorKind::SourceRefused,
        ),
        (
            sql("utf16.db", &format!("PRAGMA encoding = 'UTF-16le'; {LEGACY_DDL}")),
            ConsensusErrorKind::SourceRefused,
        ),
        (project.db.path().to_path_buf(), ConsensusErrorKind::SourceIsState),
    ] {
        let content = std::fs::read(&path).ok().filter(|_| path != project.db.path());
        let names = beside(&project.path("x"));
        let error = project.try_import(&path).unwrap_err();
        assert_eq!(error.kind(), wanted, "{}: {error}", path.display());
        assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
        assert!(!error.to_string().contains('\n'));
        assert_eq!(beside(&project.path("x")), names);
        if let Some(content) = content {
            assert_eq!(bytes(&path), content);
        }
    }
    // Under another name it is the state file still.
    let link = project.path("link.db");
    std::os::unix::fs::symlink(project.db.path(), &link).unwrap();
    assert_eq!(project.try_import(&link).unwrap_err().kind(), ConsensusErrorKind::SourceIsState);
    let other = Project::new();
    assert_eq!(project.try_import(other.db.path()).unwrap_err().kind(), ConsensusErrorKind::SourceRefused);
    assert_eq!(project.state(), before);
}

/// An import into a state file that is itself a legacy file and was not copied over yet.
#[test]
fn an_import_into_a_legacy_file_in_place_knows_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
    let project = Project::over(dir, &path);
    let report = project.import(&project.golden());
    assert_eq!((report.already_present, report.runs), (14, 10));
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 14);
    assert!(project.verify().equal);
}

#[test]
fn two_imports_at_once_bring_each_row_once() {
    let project = Project::new();
    let golden = project.golden();
    let options = ImportOptions { chunk_rows: 1, ..ImportOptions::default() };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| import_file(&project.db, &golden, &options, &mut |_| {}).unwrap());
        }
    });
    let single = Project::new();
    single.import(&golden);
    assert_eq!(project.state(), single.state());
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    assert!(listed.iter().all(|run| run.source.as_deref() == golden.canonicalize().unwrap().to_str()));
}
