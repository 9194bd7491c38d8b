//! Files of the original's later schema: runs and outputs as they are.

use conclave_consensus::runs::{self, RunFilter, RunStatus};
use conclave_db::sql::Value;

use crate::project::Project;

/// Facts 1.2, variant A, as the original creates it.
const LATER: &str = "
PRAGMA foreign_keys = OFF;
CREATE TABLE consensus_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
    run_timestamp INTEGER NOT NULL, consensus_ok BOOLEAN NOT NULL, degraded BOOLEAN DEFAULT 0,
    synthesis_json TEXT, UNIQUE(spec_id, stage, run_timestamp));
CREATE TABLE agent_outputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL, agent_name TEXT NOT NULL,
    model_version TEXT, content TEXT NOT NULL, output_timestamp INTEGER NOT NULL,
    FOREIGN KEY(run_id) REFERENCES consensus_runs(id) ON DELETE CASCADE);
PRAGMA user_version = 2;
INSERT INTO consensus_runs(id, spec_id, stage, run_timestamp, consensus_ok, degraded, synthesis_json) VALUES
    (1, 'S', 'spec-plan', 1762828400001, 1, 0, NULL), (2, 'S', 'spec-plan', 1762828400002, 1, 0, NULL),
    (3, 'S', 'spec-plan', 1762828400003, 1, 0, '{\"output_markdown\":\"# S\",\"output_path\":null,\"status\":\"ok\",\"artifacts_count\":2,\"agreements\":null,\"conflicts\":null}'),
    (4, 'S', 'spec-plan', 1762828400004, 0, NULL, 'not json'), (5, 'S', 'gpt5-validation', 1762828400004, 2, 1, '[1]');
INSERT INTO agent_outputs(id, run_id, agent_name, model_version, content, output_timestamp) VALUES
    (1, 1, 'gemini', NULL, '{\"model\":\"m\"}', 1762828400001), (2, 2, 'claude', 'given', '{}', 1762828400002),
    (3, 77, 'orphan', NULL, '{}', 1762828400005);
";

#[test]
fn later_runs_and_outputs_come_as_they_are() {
    let project = Project::new();
    let path = project.path("later.db");
    conclave_db::foreign::create(&path, LATER).unwrap();
    let report = project.import(&path);
    assert_eq!((report.runs, report.outputs, report.syntheses, report.refused), (5, 2, 3, 1));
    assert_eq!(report.refused_rows[0].id, "3");
    // No legacy rows came in: a new project stays one.
    assert_eq!(project.number("SELECT phase FROM migration_state"), 5);
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    let run = |at: i64| listed.iter().find(|run| run.started_at == Some(at)).unwrap();
    assert_eq!(
        (run(1_762_828_400_001).output_count, run(1_762_828_400_002).output_count),
        (1, 1),
        "not merged"
    );
    // What was claimed is kept, and what the answers say is computed.
    let claimed = "SELECT consensus_ok FROM consensus_runs WHERE run_timestamp = 1762828400001";
    assert_eq!(project.rows(claimed), [[Value::Integer(1)]]);
    let judged = run(1_762_828_400_001);
    assert_eq!((judged.consensus_ok, judged.recorded.as_deref()), (Some(false), Some("ok")));
    // A flag that is neither is unknown, not true.
    let odd = listed.iter().find(|run| run.stage == "gpt5-validation").unwrap();
    assert_eq!(odd.recorded.as_deref(), Some("unknown"));
    let claimed = format!("SELECT consensus_ok, degraded FROM consensus_runs WHERE id = {}", odd.id);
    assert_eq!(project.rows(&claimed), [[Value::Null, Value::Integer(1)]]);
    let synthesis = run(1_762_828_400_003);
    assert_eq!((synthesis.status, synthesis.output_count), (RunStatus::Unknown, 0));
    assert_eq!(synthesis.recorded.as_deref(), Some("ok"));
    assert!(listed.iter().all(|run| run.source.is_some()));
    assert_eq!(project.rows("SELECT kind FROM import_sources"), [[Value::Text("later".into())]]);
    let models = "SELECT model_version FROM agent_outputs ORDER BY id";
    assert_eq!(project.rows(models), [[Value::Text("m".into())], [Value::Text("given".into())]]);
    let detail = runs::show(&project.db, synthesis.id).unwrap().unwrap();
    assert_eq!(detail.synthesis.unwrap()["artifacts_count"], 2, "as it is");
    // What the columns cannot hold is kept on its row.
    let raw = "SELECT output_markdown FROM run_syntheses WHERE output_markdown = 'not json'";
    assert_eq!(project.rows(raw).len(), 1);
    let state = project.state();
    let again = project.import(&path);
    assert_eq!((again.already_present, again.runs), (5, 5));
    assert_eq!(project.state(), state);
    project.assert_sound();
}

#[test]
fn later_rows_go_to_both_sides_while_there_are_two() {
    let project = Project::new();
    project.import(&project.golden());
    let path = project.path("later.db");
    conclave_db::foreign::create(&path, LATER).unwrap();
    project.import(&path);
    assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 16);
    assert_eq!(project.number("SELECT count(*) FROM consensus_synthesis"), 3);
    assert!(project.verify().equal);
    let state = project.state();
    assert_eq!(project.import(&path).already_present, 5);
    assert_eq!(project.state(), state);
}

/// A file between both schemas: the original wrote each row twice, in both. Nothing of either is left out.
#[test]
fn a_file_with_both_schemas_gives_both() {
    let project = Project::new();
    let path = project.golden();
    conclave_db::foreign::run(&path, LATER).unwrap();
    let report = project.import(&path);
    assert_eq!((report.outputs, report.runs, report.rows), (16, 15, 20));
    assert!(project.verify().equal);
    assert_eq!(project.import(&path).already_present, 19);
}
