//! Rows that an older program writes while both sides are compared.

use conclave_consensus::migrate::{self, FindingKind, VerifyReport};
use conclave_db::foreign;

use crate::project::{LEGACY_DDL, Project};

/// A state file that is a legacy one, with so many artifacts, copied.
fn mirrored(rows: u32) -> Project {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let sql = format!(
        "{LEGACY_DDL} INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id, created_at)
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         SELECT 'S', 'spec-plan', 'agent' || (i % 3), '{{\"i\":' || i || '}}', 'run_' || (i / 6), 1762828295 + i FROM n;
         INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at)
         VALUES('x-1', 'S', 'spec-plan', 'regular_stage', 'gemini', 'run_1', '2025-11-11 02:33:00');"
    );
    foreign::create(&path, &sql).unwrap();
    let project = Project::over(dir, &path);
    project.backfill();
    project
}

/// Compares, and runs the statements as an older program once so many chunks were compared.
fn verify_while(project: &Project, after: u32, sql: &str) -> VerifyReport {
    let mut chunks = 0;
    migrate::verify(&project.db, "ana", &mut |_| {
        chunks += 1;
        if chunks == after {
            foreign::run(project.db.path(), sql).unwrap();
        }
    })
    .unwrap()
}

fn assert_ended(project: &Project) {
    assert_eq!(project.number("SELECT comparing FROM migration_state"), 0);
    assert_eq!(project.number("SELECT count(*) FROM capture_changed"), 0);
}

/// What the program changes behind the comparison's back is mirrored, and said to be equal because it was
/// compared again: without its mirror it is found.
#[test]
fn what_changes_behind_a_comparison_is_compared_again() {
    let tampered = "BEGIN; INSERT INTO capture_off VALUES(1, 1);
      UPDATE agent_outputs SET content = 'x' WHERE legacy_id = 4; DELETE FROM capture_off; COMMIT";
    for (sql, wanted) in [
        ("UPDATE consensus_artifacts SET content_json = '{}' WHERE id IN (4, 5)", None),
        ("DELETE FROM consensus_artifacts WHERE id < 100", None),
        (
            "INSERT OR REPLACE INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json)
          VALUES(4, 'T', 'plan', 'other', '')",
            None,
        ),
        ("UPDATE consensus_artifacts SET id = id + 100000 WHERE id < 1500", None),
        (
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
          VALUES('a', 'S', 'plan', 'p', 'g', 'x')",
            None,
        ),
        (
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
          VALUES(NULL, 'S', 'plan', 'p', 'g', 'x')",
            Some((FindingKind::MissingInNew, None)),
        ),
        (
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, spawned_at)
          VALUES(x'ff', 'S', 'plan', 'p', 'g', 'x')",
            Some((FindingKind::MissingInNew, None)),
        ),
        // The program writes, and then the mirrored row loses its content unseen: only the note leads there.
        (
            &format!("UPDATE consensus_artifacts SET content_json = '{{}}' WHERE id = 4; {tampered}"),
            Some((FindingKind::Different, Some(4))),
        ),
        // The same among more rows than the last transaction looks at.
        (
            &format!("UPDATE consensus_artifacts SET content_json = '{{}}' WHERE id < 500; {tampered}"),
            Some((FindingKind::Different, Some(4))),
        ),
    ] {
        let project = mirrored(2500);
        let report = verify_while(&project, 2, sql);
        let found: Vec<_> = report.findings.iter().map(|found| (found.kind, found.legacy_id)).collect();
        assert_eq!(found, wanted.into_iter().collect::<Vec<_>>(), "{sql}");
        assert_eq!((report.equal, report.differences), (wanted.is_none(), found.len() as u64));
        assert_ended(&project);
        assert_eq!(project.verify().findings, report.findings, "and a quiet comparison says the same");
    }
}

#[test]
fn what_is_mended_meanwhile_is_no_difference() {
    let project = mirrored(2500);
    project.tamper("DELETE FROM agent_outputs WHERE legacy_id = 4");
    let mut chunks = 0;
    let report = migrate::verify(&project.db, "ana", &mut |_| {
        chunks += 1;
        if chunks == 2 {
            project.backfill();
        }
    })
    .unwrap();
    assert!(report.equal, "{report:?}");
}

#[test]
fn a_comparison_that_died_is_taken_over() {
    let project = mirrored(2500);
    project.write("UPDATE migration_state SET comparing = 1, comparison = 7");
    foreign::run(project.db.path(), "UPDATE consensus_artifacts SET content_json = ''").unwrap();
    assert_eq!(project.number("SELECT count(*) FROM capture_changed"), 2500);
    assert!(verify_while(&project, 2, "DELETE FROM consensus_artifacts WHERE id < 100").equal);
    assert_ended(&project);
    // Notes that reached their bound say nothing any more: the next comparison begins them anew.
    project.write(
        "UPDATE migration_state SET comparing = 1;
         INSERT INTO capture_changed VALUES(99999, 'consensus_artifacts', 1)",
    );
    foreign::run(project.db.path(), "UPDATE consensus_artifacts SET content_json = 'x'").unwrap();
    assert_eq!(project.number("SELECT max(id) FROM capture_changed"), 100_000);
    assert!(verify_while(&project, 2, "DELETE FROM consensus_artifacts WHERE id < 200").equal);
    assert_eq!(project.number("SELECT comparison FROM migration_state"), 8);
    assert_ended(&project);
}

/// Behind the bound nothing is noted any more: whoever compares begins again.
#[test]
fn a_comparison_that_loses_sight_begins_again() {
    let project = mirrored(2500);
    let report = verify_while(
        &project,
        2,
        "INSERT INTO capture_changed VALUES(100000, 'consensus_artifacts', 1);
         UPDATE agent_outputs SET content = 'x' WHERE legacy_id = 4",
    );
    assert_eq!(report.differences, 1);
    assert_ended(&project);
}

/// Two at once: the first to end takes the notes away, and the other, which may have lost some, begins again.
#[test]
fn comparisons_do_not_take_each_others_notes() {
    let project = mirrored(2500);
    let mut chunks = 0;
    let report = migrate::verify(&project.db, "ana", &mut |_| {
        chunks += 1;
        if chunks == 2 {
            foreign::run(
                project.db.path(),
                "UPDATE consensus_artifacts SET content_json = '{}' WHERE id = 4",
            )
            .unwrap();
            assert!(project.verify().equal);
            project.tamper("UPDATE agent_outputs SET content = 'x' WHERE legacy_id = 4");
        }
    })
    .unwrap();
    assert_eq!(report.findings.len(), 1);
    assert!(chunks >= 7, "begun again: {chunks}");
    assert_ended(&project);
}
