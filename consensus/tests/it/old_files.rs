//! Old files: columns missing or in another order; values land in the right columns.

use conclave_consensus::ConsensusErrorKind;
use conclave_db::sql::Value;

use crate::project::Project;

const PRE_NOVEMBER: &str = "
CREATE TABLE consensus_artifacts (
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, content_json TEXT NOT NULL, agent_name TEXT NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT, stage TEXT NOT NULL, spec_id TEXT NOT NULL);
CREATE TABLE agent_executions (
    spawned_at TEXT NOT NULL, agent_name TEXT NOT NULL, phase_type TEXT NOT NULL, stage TEXT NOT NULL,
    spec_id TEXT NOT NULL, agent_id TEXT PRIMARY KEY, completed_at TEXT, response_text TEXT);
INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, created_at)
    VALUES('S', 'spec-plan', 'gemini', '{\"a\":1}', '2025-10-01 10:00:00');
INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at, completed_at, response_text)
    VALUES('e1', 'S', 'spec-plan', 'quality_gate', 'gemini', '2025-10-01 09:59:00', '2025-10-01 10:00:00', 'raw text'),
          ('e2', 'S', 'spec-plan', 'regular_stage', 'claude', '2025-10-01 09:59:00', NULL, NULL);
";

#[test]
fn columns_in_another_order_or_missing_are_found_by_name() {
    let project = Project::new();
    let path = project.path("old.db");
    conclave_db::foreign::create(&path, PRE_NOVEMBER).unwrap();
    let report = project.import(&path);
    assert_eq!((report.outputs, report.executions, report.syntheses), (1, 2, 0));
    let text = |text: &str| Value::Text(text.into());
    assert_eq!(
        project.rows(
            "SELECT r.spec_id, r.stage, r.run_key, o.agent_name, o.content, o.response_text
             FROM agent_outputs o JOIN consensus_runs r ON r.id = o.run_id"
        ),
        [[
            text("S"),
            text("plan"),
            text("@text:2025-10-01 10:00:00"),
            text("gemini"),
            text("{\"a\":1}"),
            Value::Null
        ]]
    );
    assert_eq!(
        project.rows(
            "SELECT agent_id, agent_name, phase_type, state, spawned_at, completed_at, response_text,
               extraction_error FROM run_attempts ORDER BY agent_id"
        ),
        [
            [
                text("e1"),
                text("gemini"),
                text("quality_gate"),
                text("completed"),
                Value::Integer(1_759_312_740_000),
                Value::Integer(1_759_312_800_000),
                text("raw text"),
                Value::Null
            ],
            [
                text("e2"),
                text("claude"),
                text("regular_stage"),
                text("spawned"),
                Value::Integer(1_759_312_740_000),
                Value::Null,
                Value::Null,
                Value::Null
            ],
        ]
    );
    // An execution without output is a run with status unknown; its time is that of its rows.
    let lone = "SELECT status, run_timestamp, updated_at FROM consensus_runs
      WHERE run_key = '@text:2025-10-01 09:59:00'";
    assert_eq!(
        project.rows(lone),
        [[text("unknown"), Value::Integer(1_759_312_740_000), Value::Integer(1_759_312_800_000)]]
    );
    assert!(project.verify().equal);
}

/// The same file in place: its missing columns do not hinder backfill, comparison, or an import into it.
#[test]
fn an_old_file_in_place_takes_part() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    conclave_db::foreign::create(&path, PRE_NOVEMBER).unwrap();
    let project = Project::over(dir, &path);
    assert_eq!(project.number("SELECT phase FROM migration_state"), 1);
    assert_eq!(project.backfill().copied, 3);
    assert!(project.verify().equal);
    let report = project.import(&project.golden());
    assert_eq!((report.outputs, report.already_present), (14, 0));
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 15);
    assert!(project.verify().equal);
    project.assert_sound();
}

/// Damage below the schema comes to light when rows are read, on a connection that has the state open too.
#[test]
fn damage_in_the_middle_of_a_source_names_the_source_and_leaves_what_is_complete() {
    let project = Project::new();
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
      INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
      SELECT 'S', 'spec-plan', 'a', printf('{\"text\":\"%0500d\"}', i), 'r' || i, '2025-11-03 02:54:13' FROM n;";
    let sound = project.legacy("sound.db", rows);
    let bytes = std::fs::read(&sound).unwrap();
    let pages = bytes.len() / 4096;
    let damaged = project.path("damaged.db");
    // Rows on the way, the last ones, and a page that counting needs.
    for page in [pages / 2, pages - 40, 3] {
        let mut bytes = bytes.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xff);
        std::fs::write(&damaged, bytes).unwrap();
        let error = project.try_import(&damaged).unwrap_err();
        assert!(matches!(error.kind(), ConsensusErrorKind::Source(_)), "{page}: {error}");
        assert!(error.to_string().contains("damaged.db"), "{page}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("this input file")), "{page}: {error}");
        project.assert_sound();
        assert!(project.verify().equal, "whole chunks only");
    }
    assert!(project.number("SELECT count(*) FROM agent_outputs") > 0, "no damaged page was met on the way");
    let known = "SELECT count(*) FROM import_sources WHERE finished_at IS NOT NULL";
    assert_eq!(project.number(known), 0, "an import that failed has not ended");
    std::fs::write(&damaged, &bytes).unwrap();
    assert_eq!(project.import(&damaged).rows, 4000);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 4000);
}
