//! The golden fixture gives exactly its table: 10 runs, 14 outputs.

use conclave_consensus::runs::{self, RunFilter};
use conclave_db::sql::Value;

use crate::project::Project;

#[test]
fn golden_fixture_gives_its_runs_and_outputs() {
    let project = Project::new();
    let report = project.import(&project.golden());
    assert_eq!((report.rows, report.runs, report.outputs), (14, 10, 14));
    assert_eq!((report.syntheses, report.executions), (0, 0));
    assert_eq!((report.invalid_json, report.unknown_times, report.duplicates), (2, 2, 1));
    assert_eq!((report.null_run_ids, report.empty_run_ids, report.rows_without_run_id), (3, 1, 4));
    let ids = |rows: &[conclave_consensus::import::ListedRow]| {
        rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&report.invalid_json_rows), ["3", "9"]);
    assert_eq!(ids(&report.unknown_time_rows), ["10", "14"]);
    assert_eq!(ids(&report.duplicate_rows), ["8"]);
    assert_eq!((report.already_present, report.updated, report.refused), (0, 0, 0));

    // Each legacy id has one output, with its bytes; and both sides lie in the state file.
    assert_eq!(project.number("SELECT count(DISTINCT legacy_id) FROM agent_outputs"), 14);
    assert_eq!(
        project.number(
            "SELECT count(*) FROM agent_outputs o JOIN consensus_artifacts l ON l.id = o.legacy_id
             WHERE l.content_json IS o.content AND l.response_text IS o.response_text"
        ),
        14
    );
    let times = project.rows(
        "SELECT r.run_key, r.stage, r.run_timestamp, count(*) FROM consensus_runs r
         JOIN agent_outputs o ON o.run_id = r.id GROUP BY r.id ORDER BY min(o.legacy_id)",
    );
    let run = |key: &str, stage: &str, time: Option<i64>, outputs: i64| {
        vec![
            Value::Text(key.into()),
            Value::Text(stage.into()),
            time.map_or(Value::Null, Value::Integer),
            Value::Integer(outputs),
        ]
    };
    assert_eq!(
        times,
        [
            run("run_A", "plan", Some(1_762_828_400_000), 4),
            run("run_B", "plan", Some(1_762_828_400_000), 1),
            run("@text:2025-11-03 02:54:13", "plan", Some(1_762_138_453_000), 2),
            run("@text:2025-11-03 03:08:05", "plan", Some(1_762_139_285_000), 1),
            run("run_A", "tasks", Some(1_762_828_475_000), 1),
            run("run_C", "plan", None, 1),
            run("run_D", "plan", Some(1_762_828_295_000), 1),
            run("run_E", "plan", Some(1_762_828_295_123), 1),
            run("@text:2025-11-11T02:33:20.123Z", "plan", Some(1_762_828_400_123), 1),
            run("run_F", "plan", None, 1),
        ]
    );
    let model = "SELECT model_version FROM agent_outputs WHERE legacy_id = 1";
    assert_eq!(project.rows(model), [[Value::Text("gemini-2.5-pro".into())]]);
    let sequence =
        "SELECT sequence, valid_json FROM agent_outputs WHERE legacy_id IN (1, 8) ORDER BY legacy_id";
    assert_eq!(
        project.rows(sequence),
        [[Value::Integer(1), Value::Integer(1)], [Value::Integer(2), Value::Integer(1)]]
    );
    let listed = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    assert_eq!(listed.len(), 10);
    assert_eq!(listed[8].started_at, None, "unknown times come last");
    assert!(listed.iter().all(|run| run.recorded.is_none() && run.consensus_ok == Some(false)));
    project.assert_sound();
}

#[test]
fn second_import_changes_and_writes_nothing() {
    let project = Project::new();
    let golden = project.golden();
    let first = project.import(&golden);
    let before = project.state();
    let version = project.number("PRAGMA data_version");
    let second = project.import(&golden);
    assert_eq!(second.already_present, 14);
    assert_eq!(project.state(), before);
    assert_eq!(project.number("PRAGMA data_version"), version, "nothing was written");
    assert_eq!((second.runs, second.outputs, second.duplicates), (first.runs, 14, 1));
}
