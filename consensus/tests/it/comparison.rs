//! Comparing both sides finds what was tampered with, exactly.

use conclave_consensus::migrate::{self, FindingKind};
use conclave_consensus::record::{
    OutputRecord, RunRecord, SpawnRecord, SynthesisRecord, record_output, record_run, record_spawn,
    record_synthesis,
};
use conclave_db::{Db, DbOptions};

use crate::project::{Project, schema};

fn mirrored() -> Project {
    let project = Project::new();
    let golden = project.golden();
    conclave_db::foreign::run(
        &golden,
        "INSERT INTO consensus_synthesis(spec_id, stage, output_markdown, status, degraded, run_id, created_at)
           VALUES('S1', 'spec-plan', '# A', 'ok', 0, 'run_A', '2025-11-11 02:33:25');
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, response_text)
           VALUES('x-1', 'S1', 'spec-plan', 'regular_stage', 'gemini', 'run_A', '2025-11-11 02:33:00', 'raw');",
    )
    .unwrap();
    project.import(&golden);
    let report = project.verify();
    assert_eq!((report.equal, report.checked, report.differences), (true, 16, 0));
    project
}

fn found(project: &Project) -> Vec<(FindingKind, Option<i64>, Option<&'static str>)> {
    let report = project.verify();
    assert_eq!(report.equal, report.findings.is_empty());
    assert_eq!(report.differences, report.findings.len() as u64);
    let kept = i64::try_from(report.findings.len()).unwrap();
    assert_eq!(project.number("SELECT count(*) FROM migration_findings"), kept);
    report.findings.iter().map(|finding| (finding.kind, finding.legacy_id, finding.field)).collect()
}

#[test]
fn tampering_deleting_and_swapping_are_found_with_both_keys() {
    use FindingKind::{Different, MissingInLegacy, MissingInNew};
    for (tamper, wanted) in [
        (
            "UPDATE agent_outputs SET content = '{\"v\":3}' WHERE legacy_id = 4",
            vec![(Different, Some(4), Some("content"))],
        ),
        ("DELETE FROM agent_outputs WHERE legacy_id = 4", vec![(MissingInNew, Some(4), None)]),
        (
            // Counts and the set of contents stay the same.
            "UPDATE agent_outputs SET content = CASE legacy_id WHEN 4 THEN '{\"dup\":1}' ELSE '{\"v\":2}' END
             WHERE legacy_id IN (4, 8)",
            vec![(Different, Some(4), Some("content")), (Different, Some(8), Some("content"))],
        ),
        (
            // What leaves one field enters the next: only separators tell.
            "UPDATE agent_outputs SET content = content || 'r', response_text = substr(response_text, 2)
             WHERE legacy_id = 1",
            vec![(Different, Some(1), Some("content"))],
        ),
        (
            // And only their lengths tell, where the text itself holds what a separator may be made of.
            "UPDATE consensus_artifacts SET content_json = 'a', response_text = 'b' || char(3) || 'c' WHERE id = 1;
             UPDATE agent_outputs SET content = 'a' || char(3) || 'b', response_text = 'c' WHERE legacy_id = 1",
            vec![(Different, Some(1), Some("content"))],
        ),
        ("DELETE FROM consensus_artifacts WHERE id = 12", vec![(MissingInLegacy, Some(12), None)]),
        (
            "UPDATE agent_outputs SET response_text = '' WHERE legacy_id = 2",
            vec![(Different, Some(2), Some("response"))],
        ),
        (
            "UPDATE agent_outputs SET output_timestamp = output_timestamp + 1 WHERE legacy_id = 2",
            vec![(Different, Some(2), Some("time"))],
        ),
        (
            "UPDATE agent_outputs SET agent_name = 'other' WHERE legacy_id = 2",
            vec![(Different, Some(2), Some("agent"))],
        ),
        (
            "UPDATE agent_outputs SET run_id = (SELECT id FROM consensus_runs WHERE run_key = 'run_B') WHERE legacy_id = 2",
            vec![(Different, Some(2), Some("run_key"))],
        ),
        ("UPDATE run_syntheses SET conflicts = '[]'", vec![(Different, Some(1), Some("conflicts"))]),
        ("DELETE FROM consensus_synthesis", vec![(MissingInLegacy, Some(1), None)]),
        ("UPDATE run_attempts SET response_text = NULL", vec![(Different, None, Some("response"))]),
        ("DELETE FROM run_attempts", vec![(MissingInNew, None, None)]),
        // Derived columns are never a difference.
        ("UPDATE agent_outputs SET model_version = 'x', valid_json = 0", vec![]),
    ] {
        let project = mirrored();
        project.tamper(tamper);
        assert_eq!(found(&project), wanted, "{tamper}");
        let report = project.verify();
        if let Some(finding) = report.findings.first().filter(|finding| finding.kind != MissingInNew) {
            assert!(finding.output_id.is_some(), "both keys");
        }
        assert_eq!(migrate::status(&project.db).unwrap().mismatches, wanted.len() as u64);
    }
}

#[test]
fn comparison_of_a_read_only_handle_writes_nothing() {
    let project = mirrored();
    project.write("UPDATE agent_outputs SET content = 'x' WHERE legacy_id = 4");
    let path = project.db.path().to_path_buf();
    let Project { dir, db } = project;
    drop(db);
    let db = Db::open_read_only(DbOptions::new(&path, schema())).unwrap();
    let report = migrate::verify(&db, "ana", &mut |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1);
    drop(dir);
}

#[test]
fn a_project_without_legacy_tables_has_nothing_to_compare() {
    let report = Project::new().verify();
    assert_eq!((report.equal, report.checked), (true, 0));
}

#[test]
fn findings_serialise_as_documented() {
    let project = mirrored();
    project.write("UPDATE agent_outputs SET content = 'x' WHERE legacy_id = 4");
    let report = serde_json::to_value(project.verify()).unwrap();
    assert_eq!(report["equal"], false);
    assert_eq!(report["checked"], 16);
    let finding = &report["findings"][0];
    assert_eq!((&finding["kind"], &finding["legacy_id"]), (&"different".into(), &4.into()));
    assert_eq!((&finding["output_id"], &finding["field"]), (&4.into(), &"content".into()));
}

/// What was made here has no legacy row to be compared with.
#[test]
fn what_was_recorded_here_is_no_difference() {
    let project = mirrored();
    let db = &project.db;
    let run =
        RunRecord { run_id: "own".into(), spec: "S1".into(), stage: "plan".into(), ..RunRecord::default() };
    let run = record_run(db, &run).unwrap();
    let spawn = SpawnRecord {
        agent_id: "own-1".into(),
        run,
        agent: "gemini".into(),
        attempt: 1,
        phase_type: "regular_stage".into(),
        at: None,
    };
    record_spawn(db, &spawn).unwrap();
    let output = OutputRecord {
        run,
        agent: "gemini".into(),
        attempt: 1,
        content: b"{}".to_vec(),
        response: None,
        at: None,
        write_key: None,
    };
    record_output(db, &output).unwrap();
    record_synthesis(db, run, &SynthesisRecord::default()).unwrap();
    assert_eq!(found(&project), []);
}

fn with_2500_outputs() -> Project {
    let project = Project::new();
    let source = project.legacy(
        "many.db",
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         SELECT 'S', 'plan', 'a', i, 'R' FROM n",
    );
    project.import(&source);
    project
}

/// The first thousand are kept one by one; all are counted.
#[test]
fn every_difference_is_counted() {
    let project = with_2500_outputs();
    project.write("UPDATE agent_outputs SET content = 'other' WHERE legacy_id % 2 = 0");
    let report = project.verify();
    assert_eq!((report.checked, report.differences, report.findings.len()), (2500, 1250, 1000));
    assert_eq!(project.number("SELECT count(*) FROM migration_findings"), 1000);
    assert_eq!(migrate::status(&project.db).unwrap().mismatches, 1250);
}

/// Rows that someone mends beside the comparison, as a backfill does, without a note: none of them is told as a
/// difference, also behind those that are kept one by one.
#[test]
fn rows_that_are_mended_beside_the_comparison_are_no_differences() {
    let project = with_2500_outputs();
    project.tamper("UPDATE agent_outputs SET content = 'other'");
    let report = migrate::verify(&project.db, "ana", &mut |at| {
        if at.done_rows == at.total_rows {
            project.tamper("UPDATE agent_outputs SET content = legacy_id");
        }
    })
    .unwrap();
    assert_eq!((report.checked, report.differences), (2500, 0));
}
