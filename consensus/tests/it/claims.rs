//! A run follows its rows when they change, as a first import would have made it. What was made here stays.

use std::path::PathBuf;

use conclave_consensus::record::{RunRecord, record_run};
use conclave_consensus::runs::{self, RunDetail, RunFilter, RunStatus};
use conclave_db::sql::Value;

use crate::project::Project;

/// The golden rows, with a claim on two of their runs.
fn claimed(project: &Project) -> PathBuf {
    let source = project.golden();
    conclave_db::foreign::run(
        &source,
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at) VALUES
           ('S1', 'spec-plan', '# A', 'conflict', 0, 'run_A', '2025-11-11 02:33:25'),
           ('S1', 'spec-plan', '# B', 'ok', 0, 'run_B', '2025-11-11 02:33:25');",
    )
    .unwrap();
    source
}

fn plan(project: &Project, key: &str) -> RunDetail {
    let filter = RunFilter { stage: Some("plan".into()), ..RunFilter::default() };
    let listed = runs::list(&project.db, &filter, None, None).unwrap();
    let id = listed.iter().find(|run| run.run_key == key).unwrap().id;
    runs::show(&project.db, id).unwrap().unwrap()
}

/// What the row of the run claims.
fn claim(project: &Project, run: &RunDetail) -> Vec<Value> {
    let row = format!("SELECT status, consensus_ok FROM consensus_runs WHERE id = {}", run.summary.id);
    project.rows(&row).remove(0)
}

#[test]
fn a_changed_row_leaves_its_run_the_claim_and_keeps_its_number() {
    let project = Project::new();
    let source = claimed(&project);
    project.import(&source);
    let before = plan(&project, "run_A");
    assert_eq!(claim(&project, &before), [Value::Text("conflict".into()), Value::Integer(0)]);
    // Both answers of one agent, so that a number taken anew would show.
    conclave_db::foreign::run(
        &source,
        "UPDATE consensus_artifacts SET content_json = '{\"v\":' || id || '}' WHERE id IN (1, 8)",
    )
    .unwrap();
    assert_eq!(project.import(&source).updated, 2);
    let after = plan(&project, "run_A");
    assert_eq!((&after.summary, &after.synthesis), (&before.summary, &before.synthesis));
    assert_eq!(claim(&project, &after), claim(&project, &before));
    let sequences =
        "SELECT legacy_id, sequence FROM agent_outputs WHERE legacy_id IN (1, 8) ORDER BY legacy_id";
    assert_eq!(
        project.rows(sequences),
        [[Value::Integer(1), Value::Integer(1)], [Value::Integer(8), Value::Integer(2)]]
    );
}

/// Deleting the run would take its synthesis along.
#[test]
fn a_run_whose_outputs_have_left_keeps_its_synthesis() {
    let project = Project::new();
    let source = claimed(&project);
    project.import(&source);
    conclave_db::foreign::run(&source, "UPDATE consensus_artifacts SET run_id = 'run_X' WHERE id = 4")
        .unwrap();
    assert_eq!(project.import(&source).updated, 1);
    let left = plan(&project, "run_B");
    assert_eq!((left.summary.output_count, left.summary.status), (0, RunStatus::Unknown));
    assert_eq!(
        (left.summary.recorded.as_deref(), claim(&project, &left)[0].clone()),
        (Some("ok"), Value::Text("ok".into()))
    );
    assert_eq!(project.number("SELECT count(*) FROM run_syntheses"), 2);
    assert!(project.verify().equal);
}

#[test]
fn a_run_made_here_is_not_taken_over_by_rows_that_join_it() {
    let project = Project::new();
    let made = |key: &str| {
        let run = RunRecord {
            run_id: key.into(),
            spec: "S1".into(),
            stage: "plan".into(),
            at: Some(1_762_828_500_000),
            status: Some(RunStatus::Degraded),
            degraded: Some(true),
            synthesis_json: Some("{\"own\":1}".into()),
            ..RunRecord::default()
        };
        record_run(&project.db, &run).unwrap()
    };
    let ids = ["run_A", "run_B"].map(made);
    let source = claimed(&project);
    project.import(&source);
    let mut changed = 0;
    // The rows join, change, and leave again.
    for change in [
        "SELECT 1",
        "UPDATE consensus_artifacts SET content_json = '{\"v\":9}' WHERE id IN (1, 4)",
        "UPDATE consensus_synthesis SET status = 'insufficient'",
        "UPDATE consensus_artifacts SET run_id = 'run_X' WHERE run_id = 'run_B';
         UPDATE consensus_synthesis SET run_id = 'run_X' WHERE run_id = 'run_B';",
    ] {
        conclave_db::foreign::run(&source, change).unwrap();
        changed += project.import(&source).updated;
        for (id, key) in ids.into_iter().zip(["run_A", "run_B"]) {
            let run = plan(&project, key);
            assert_eq!(run.summary.id, id, "{change}");
            assert_eq!(claim(&project, &run)[0], Value::Text("degraded".into()), "{change}");
            assert_eq!(run.synthesis.unwrap()["own"], 1, "{change}");
        }
    }
    assert_eq!(changed, 6);
    assert_eq!(plan(&project, "run_B").summary.output_count, 0, "it stays without any row");
}
