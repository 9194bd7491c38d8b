//! Old files: columns missing or in another order; values land in the right columns.

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
