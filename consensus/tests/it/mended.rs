//! Defects that a reader found, each with the case that showed it.

use conclave_consensus::ConsensusErrorKind;

use crate::project::Project;

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
