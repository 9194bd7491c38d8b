//! The original's own statements for the move, and what they lose of the golden rows.

use conclave_db::foreign;
use conclave_db::sql::Value;

use crate::project::Project;

/// The later schema's tables as the original creates them (facts 1.2).
const TABLES: &str = "
CREATE TABLE consensus_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, spec_id TEXT NOT NULL, stage TEXT NOT NULL, run_timestamp INTEGER NOT NULL,
  consensus_ok BOOLEAN NOT NULL, degraded BOOLEAN DEFAULT 0, synthesis_json TEXT,
  UNIQUE(spec_id, stage, run_timestamp));
CREATE TABLE agent_outputs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run_id INTEGER NOT NULL, agent_name TEXT NOT NULL, model_version TEXT,
  content TEXT NOT NULL, output_timestamp INTEGER NOT NULL,
  FOREIGN KEY(run_id) REFERENCES consensus_runs(id) ON DELETE CASCADE);";

/// Its two statements, to the letter.
const RUNS: &str = "
INSERT INTO consensus_runs (spec_id, stage, run_timestamp, consensus_ok, degraded)
SELECT DISTINCT
    spec_id,
    stage,
    strftime('%s', created_at) * 1000,  -- Convert to milliseconds
    1,     -- Assume historical consensus OK
    0      -- Unknown degradation status
FROM consensus_artifacts
GROUP BY spec_id, stage, run_id;";
const OUTPUTS: &str = "
INSERT INTO agent_outputs (run_id, agent_name, content, output_timestamp)
SELECT
    cr.id,                              -- FK to consensus_runs
    ca.agent_name,
    ca.content_json,
    strftime('%s', ca.created_at) * 1000
FROM consensus_artifacts ca
JOIN consensus_runs cr ON
    ca.spec_id = cr.spec_id AND
    ca.stage = cr.stage AND
    ca.run_id = cr.run_id;";

/// Facts 5.4 and 5.5: nothing of all rows; of the first nine three runs with the second statement failing; and
/// 17 or 6 outputs of nine artifacts with the joins that one could mean.
#[test]
fn the_originals_own_statements_lose_what_ours_keep() {
    let project = Project::new();
    let golden = |name: &str| {
        let path = project.path(name);
        conclave_consensus::golden::write_legacy_fixture(&path).unwrap();
        foreign::run(&path, TABLES).unwrap();
        path
    };
    let count = |path: &std::path::Path, query: &str| {
        // Looked at through a table of the file itself, since a project does not take over one with these tables.
        foreign::run(
            path,
            &format!("CREATE TABLE IF NOT EXISTS seen(n); DELETE FROM seen; INSERT INTO seen {query}"),
        )
        .unwrap();
        let source = conclave_db::Source::open(path).unwrap();
        source.read(|conn| conn.query_row("SELECT n FROM seen", [], |row| row.get::<_, i64>(0))).unwrap()
    };

    let all = golden("all.db");
    let failure = foreign::run(&all, RUNS).unwrap_err().to_string();
    assert!(failure.contains("NOT NULL constraint failed: consensus_runs.run_timestamp"), "{failure}");
    assert_eq!(count(&all, "SELECT count(*) FROM consensus_runs"), 0);

    let nine = golden("nine.db");
    foreign::run(&nine, "DELETE FROM consensus_artifacts WHERE id > 9").unwrap();
    foreign::run(&nine, RUNS).unwrap();
    assert_eq!(count(&nine, "SELECT count(*) FROM consensus_runs"), 3, "of five runs");
    let failure = foreign::run(&nine, OUTPUTS).unwrap_err().to_string();
    assert!(failure.contains("no such column: cr.run_id"), "{failure}");
    let select = &OUTPUTS[OUTPUTS.find("SELECT").unwrap()..OUTPUTS.len() - 1];
    let meant = |condition: &str| {
        let select = select.replace("ca.run_id = cr.run_id", condition);
        count(&nine, &format!("SELECT count(*) FROM ({select})"))
    };
    assert_eq!(meant("true"), 17);
    assert_eq!(meant("strftime('%s', ca.created_at) * 1000 = cr.run_timestamp"), 6);

    let ours = project.import(&project.golden());
    assert_eq!((ours.runs, ours.outputs), (10, 14));
    let nine = "SELECT count(DISTINCT run_id), count(*) FROM agent_outputs WHERE legacy_id <= 9";
    assert_eq!(project.rows(nine), [[Value::Integer(5), Value::Integer(9)]]);
}
