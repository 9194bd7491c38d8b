//! Defects that a reader found, each with the case that showed it.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::runs::{self, RunFilter};

use crate::project::{LEGACY_DDL, Project};

/// A file made of exactly these statements.
fn file(project: &Project, name: &str, sql: &str) -> std::path::PathBuf {
    let path = project.path(name);
    conclave_db::foreign::create(&path, sql).unwrap();
    path
}

const NO_KEY: &str = "
CREATE TABLE consensus_artifacts AS
  SELECT 1 AS id, 'S' AS spec_id, 'plan' AS stage, 'a' AS agent_name, '{}' AS content_json
  UNION ALL SELECT NULL, 'S', 'plan', 'b', '{}';";
const TEXT_KEY: &str = "
CREATE TABLE consensus_synthesis(id TEXT PRIMARY KEY, spec_id, stage, output_markdown, status);";
const KEY_OF_TWO: &str = "
CREATE TABLE consensus_artifacts(id INTEGER, spec_id, stage, agent_name, content_json, PRIMARY KEY(id, spec_id));";
const A_VIEW: &str = "
CREATE TABLE t(id INTEGER PRIMARY KEY, spec_id, stage, agent_name, content_json);
CREATE VIEW consensus_artifacts AS SELECT * FROM t;";
const NO_ROWID: &str = "
CREATE TABLE agent_executions(agent_id TEXT PRIMARY KEY, spec_id, stage, phase_type, agent_name, spawned_at)
  WITHOUT ROWID;";
const NOT_UNIQUE: &str = "
CREATE TABLE agent_executions(agent_id TEXT, spec_id, stage, phase_type, agent_name, spawned_at);";
const LATER_WITHOUT_KEY: &str = "
CREATE TABLE consensus_runs(id, spec_id, stage, run_timestamp, consensus_ok, degraded, synthesis_json);
CREATE TABLE agent_outputs(id INTEGER PRIMARY KEY, run_id, agent_name, model_version, content, output_timestamp);";

#[test]
fn tables_whose_rows_have_no_key_are_refused() {
    for (name, sql, words) in [
        ("no-key", NO_KEY, "the id of its table consensus_artifacts is no INTEGER PRIMARY KEY"),
        ("text-key", TEXT_KEY, "the id of its table consensus_synthesis is no INTEGER PRIMARY KEY"),
        ("key-of-two", KEY_OF_TWO, "the id of its table consensus_artifacts is no INTEGER PRIMARY KEY"),
        ("view", A_VIEW, "its consensus_artifacts is no table but a view"),
        ("no-rowid", NO_ROWID, "its table agent_executions is WITHOUT ROWID"),
        ("not-unique", NOT_UNIQUE, "the agent_id of its table agent_executions is not unique"),
        ("later", LATER_WITHOUT_KEY, "the id of its table consensus_runs is no INTEGER PRIMARY KEY"),
    ] {
        let project = Project::new();
        let path = file(&project, "source.db", sql);
        let error = project.try_import(&path).unwrap_err();
        assert_eq!(error.kind(), ConsensusErrorKind::SourceRefused, "{name}: {error}");
        assert!(error.to_string().contains(words), "{name}: {error}");
        let error = conclave_consensus::import::check_source(&path).unwrap_err();
        assert_eq!(error.kind(), ConsensusErrorKind::SourceRefused, "{name}: {error}");
        assert_eq!(project.number("SELECT count(*) FROM import_sources"), 0, "{name}");
    }
}

#[test]
fn a_refused_row_that_was_mended_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let rows =
        "INSERT INTO agent_executions(rowid, agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
      VALUES(1, 'e1', 'S', 'plan', 'regular_stage', 'a', '2025-10-01 10:00:00'),
            (2, NULL, 'S', 'plan', 'regular_stage', 'b', '2025-10-01 10:00:00'),
            (3, NULL, 'S', 'plan', 'regular_stage', 'c', '2025-10-01 10:00:00');";
    conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{rows}")).unwrap();
    let project = Project::over(dir, &path);
    let report = project.backfill();
    assert_eq!((report.copied, report.remaining, report.refused, report.complete), (1, 2, 2, false));
    let pending = "SELECT count(*) FROM migration_pending";
    assert_eq!(project.number(pending), 2);
    // One is mended, and one more that nobody has noticed yet comes in: two counters would be equal.
    project.tamper(
        "UPDATE agent_executions SET agent_id = 'e2' WHERE rowid = 2;
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
         VALUES('e4', 'S', 'plan', 'regular_stage', 'd', '2025-10-01 10:00:00')",
    );
    let report = project.backfill();
    assert_eq!((report.copied, report.remaining, report.refused), (2, 1, 1));
    assert_eq!(project.number(pending), 1);
    project.tamper("DELETE FROM agent_executions WHERE rowid = 3");
    let report = project.backfill();
    assert_eq!((report.copied, report.remaining, report.refused, report.complete), (0, 0, 0, true));
    assert_eq!(project.number(pending), 0);
    assert!(project.verify().equal);
}

/// Every legacy row is compared, whatever its key; those of `keys` are then tampered with on the new side.
fn tampering_is_found(rows: &str, tamper: &'static str, differences: u64) -> Vec<Option<String>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{rows}")).unwrap();
    let project = Project::over(dir, &path);
    assert!(project.backfill().complete);
    assert!(project.verify().equal);
    project.write(tamper);
    let report = project.verify();
    assert_eq!(report.differences, differences, "{:?}", report.findings);
    report.findings.into_iter().map(|finding| finding.agent_id).collect()
}

#[test]
fn odd_agent_ids_are_compared() {
    let found = tampering_is_found(
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
         VALUES(CAST(x'ff' AS TEXT), 'S', 'plan', 'p', 'a', '2025-10-01 10:00:00'),
               ('', 'S', 'plan', 'p', 'a', '2025-10-01 10:00:00'),
               ('e', 'S', 'plan', 'p', 'a', '2025-10-01 10:00:00');",
        "UPDATE run_attempts SET agent_name = 'other'",
        3,
    );
    assert_eq!(found, [Some(String::new()), Some("e".into()), Some("\u{fffd}".into())]);
}

#[test]
fn the_smallest_and_the_greatest_id_are_copied_and_compared() {
    let rows = "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
      VALUES(-9223372036854775808, 'S', 'plan', 'a', '{}'), (9223372036854775807, 'S', 'plan', 'b', '{}');";
    tampering_is_found(rows, "UPDATE agent_outputs SET content = 'other'", 2);
}

#[test]
fn the_smallest_id_is_imported() {
    let project = Project::new();
    let source = project.legacy(
        "source.db",
        "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
         VALUES(-9223372036854775808, 'S', 'plan', 'a', '{}'), (7, 'S', 'plan', 'b', '{}');",
    );
    assert_eq!(project.import(&source).outputs, 2);
    assert_eq!(project.import(&source).already_present, 2);
    assert!(project.verify().equal);
}

/// Columns that other programs declared otherwise than the original: values are judged as the state's own legacy
/// table holds them.
#[test]
fn values_are_judged_as_the_legacy_columns_convert_them() {
    let times = "'1700000000', '2025-10-01 10:00:00', ' 17 ', '3.0e+5', '1.5', '9223372036854775808', '0x10',
      'x', '', 5, 5.0, 5.5, 1e300, -0.0, x'31', NULL";
    for declared in ["", "TEXT", "REAL", "BLOB", "TIMESTAMP", "INTEGER"] {
        let project = Project::new();
        let mut sql = format!(
            "CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY, spec_id, stage {declared}, agent_name,
               content_json, run_id {declared}, created_at {declared});
             CREATE TABLE consensus_synthesis(id INTEGER PRIMARY KEY, spec_id, stage, output_markdown, status,
               artifacts_count {declared}, degraded {declared}, created_at {declared});
             CREATE TABLE agent_executions(agent_id TEXT PRIMARY KEY, spec_id, stage, phase_type, agent_name,
               spawned_at {declared}, completed_at {declared});"
        );
        for time in times.split(',') {
            sql = format!(
                "{sql}INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
                   VALUES('S', ifnull({time}, 7), 'a', '{{}}', NULL, {time}), ('S', 7, 'a', '{{}}', {time}, 1);
                 INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, artifacts_count,
                   degraded, created_at) VALUES('S', 'plan', 'm', 'ok', {time}, {time}, {time});
                 INSERT INTO agent_executions SELECT 'e' || count(*), 'S', 'plan', 'p', 'a', ifnull({time}, 7),
                   {time} FROM agent_executions;"
            );
        }
        let source = file(&project, "source.db", &sql);
        let report = project.import(&source);
        assert_eq!((report.rows, report.refused), (64, 0), "{declared}");
        let verified = project.verify();
        assert!(verified.equal, "{declared}: {:?}", verified.findings);
        assert_eq!(project.import(&source).already_present, 64, "{declared}");
        for (new, legacy, key, columns) in [
            (
                "agent_outputs",
                "consensus_artifacts",
                "n.legacy_id = l.id",
                &["stage", "run_id", "created_at"][..],
            ),
            ("run_syntheses", "consensus_synthesis", "n.legacy_id = l.id", &["created_at"]),
            ("run_attempts", "agent_executions", "n.agent_id = l.agent_id", &["spawned_at", "completed_at"]),
        ] {
            for column in columns {
                let other = format!(
                    "SELECT count(*) FROM {new} n JOIN {legacy} l ON {key} WHERE n.legacy_{column} IS NOT l.{column}
                       OR typeof(n.legacy_{column}) <> typeof(l.{column})"
                );
                assert_eq!(project.number(&other), 0, "{declared}: {legacy}.{column}");
            }
        }
    }
}

#[test]
fn values_of_the_later_schema_are_judged_as_the_legacy_columns_convert_them() {
    let project = Project::new();
    let source = file(
        &project,
        "source.db",
        "CREATE TABLE consensus_runs(id INTEGER PRIMARY KEY, spec_id, stage, run_timestamp TEXT, consensus_ok,
           degraded TEXT, synthesis_json);
         CREATE TABLE agent_outputs(id INTEGER PRIMARY KEY, run_id, agent_name, model_version, content,
           output_timestamp TEXT);
         INSERT INTO consensus_runs VALUES(1, 'S', 7, '1700000000', 1, '0',
           '{\"artifacts_count\":\"3\",\"status\":\"ok\"}');
         INSERT INTO agent_outputs VALUES(1, 1, 'a', 'm', '{}', '1700000000');",
    );
    // The project is in phase 1: what comes in goes to its legacy tables too.
    project.import(&project.golden());
    assert_eq!(project.import(&source).rows, 2);
    assert!(project.verify().equal, "{:?}", project.verify().findings);
    assert_eq!(project.import(&source).already_present, 2);
}

/// A generated column is a column: its values are what the old program saw.
#[test]
fn generated_columns_are_read() {
    let project = Project::new();
    let source = project.dir.path().join("generated.db");
    conclave_db::foreign::create(
        &source,
        "CREATE TABLE consensus_artifacts(id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL,
           stage TEXT NOT NULL, agent_name TEXT NOT NULL, content_json TEXT NOT NULL, n INTEGER,
           response_text TEXT GENERATED ALWAYS AS ('raw ' || n) STORED,
           run_id TEXT GENERATED ALWAYS AS ('r' || n) VIRTUAL, created_at TIMESTAMP);
         INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, n, created_at)
           VALUES('S', 'spec-plan', 'a', '{}', 1, 1700000000), ('S', 'spec-plan', 'a', '{}', 2, 1700000000);",
    )
    .unwrap();
    let report = project.import(&source);
    assert_eq!((report.runs, report.outputs), (2, 2));
    let texts: Vec<String> = project
        .db
        .read(|conn| {
            conn.query_all("SELECT response_text FROM agent_outputs ORDER BY id", [], |row| row.get(0))
        })
        .unwrap();
    assert_eq!(texts, ["raw 1", "raw 2"]);
}

/// Known by its path, byte for byte: one file must not overwrite the rows of another.
#[test]
fn names_that_differ_in_bytes_that_are_no_text_are_two_sources() {
    use std::os::unix::ffi::OsStrExt;
    let project = Project::new();
    for (name, run) in [(&b"\xff.db"[..], "first"), (&b"\xfe.db"[..], "second")] {
        let made = project.legacy(
            &format!("{run}.db"),
            &format!(
                "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
                   VALUES('S', 'spec-plan', 'a', '{{\"run\":\"{run}\"}}', '{run}', 1700000000);"
            ),
        );
        let named = project.dir.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::rename(made, &named).unwrap();
        project.import(&named);
    }
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 2);
    assert_eq!(project.number("SELECT count(*) FROM consensus_runs"), 2);
}

const GREATEST: &str = "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
  VALUES(9223372036854775807, 'S', 'plan', 'a', '{}'), (1, 'S', 'plan', 'b', '{}');";

#[test]
fn the_greatest_id_is_left_in_the_source_and_named() {
    let project = Project::new();
    let report = project.import(&project.legacy("greatest.db", GREATEST));
    assert_eq!((report.rows, report.outputs, report.refused), (2, 1, 1));
    assert_eq!(report.refused_rows[0].id, "9223372036854775807");
    // Rows that need a free id still find one.
    let other = "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
      VALUES(1, 'S', 'plan', 'c', '{}');";
    assert_eq!(project.import(&project.legacy("other.db", other)).outputs, 1);
    assert!(project.verify().equal);
}

#[test]
fn a_state_whose_ids_are_used_up_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(&path, &format!("{LEGACY_DDL}{GREATEST}")).unwrap();
    let project = Project::over(dir, &path);
    assert!(project.backfill().complete);
    let error = project.try_import(&project.golden()).unwrap_err();
    assert!(error.to_string().contains("consensus_artifacts of the state has no free id left"), "{error}");
    assert!(project.verify().equal);
    project.assert_sound();
}

#[test]
fn pages_follow_the_time_by_which_they_are_ordered() {
    let project = Project::new();
    project.import(&project.golden());
    project.write("UPDATE consensus_runs SET started_at = 1000 - id");
    let (filter, mut after, mut seen) = (RunFilter::default(), None, Vec::new());
    while let Some(run) = runs::list(&project.db, &filter, after.as_ref(), Some(1)).unwrap().pop() {
        after = Some((&run).into());
        seen.push(run.id);
        assert!(seen.len() <= 10, "{seen:?}");
    }
    let whole = runs::list(&project.db, &filter, None, None).unwrap();
    assert_eq!(seen, whole.iter().map(|run| run.id).collect::<Vec<_>>());
    assert_eq!(seen.len(), 10);
}

/// An execution that ends before it starts, on a clock that went back.
#[test]
fn a_run_whose_rows_changed_has_the_times_of_a_first_import() {
    let rows = |agent: &str| {
        format!(
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at, completed_at)
             VALUES('e', 'S', 'plan', 'p', '{agent}', '2025-10-01 10:00:00', '2025-10-01 09:00:00');"
        )
    };
    let times = "SELECT run_timestamp, started_at, updated_at FROM consensus_runs";
    let first = Project::new();
    first.import(&first.legacy("source.db", &rows("after")));
    let second = Project::new();
    let source = second.legacy("source.db", &rows("before"));
    second.import(&source);
    conclave_db::foreign::run(&source, "UPDATE agent_executions SET agent_name = 'after'").unwrap();
    assert_eq!(second.import(&source).updated, 1);
    assert_eq!(second.rows(times), first.rows(times));
}

#[test]
fn an_answer_of_an_agent_whose_name_is_no_utf8_is_fetched() {
    let project = Project::new();
    project.import(&project.legacy(
        "source.db",
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json)
         VALUES('S', 'plan', CAST(x'61ff' AS TEXT), 'odd'), ('S', 'plan', 'a', 'plain');",
    ));
    let id = runs::list(&project.db, &RunFilter::default(), None, None).unwrap()[0].id;
    let content =
        |agent: &[u8]| runs::output(&project.db, id, agent, None, None).unwrap().map(|output| output.content);
    assert_eq!(content(b"a\xff"), Some(b"odd".to_vec()));
    assert_eq!(content(b"a"), Some(b"plain".to_vec()));
    assert_eq!(content("a\u{fffd}".as_bytes()), None);
}
