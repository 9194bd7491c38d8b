//! What is said of how much there is: exact where it is promised, cheap where that is.

use conclave_consensus::migrate::{self, Counts, Overview};

use crate::project::{LEGACY_DDL, Project};

/// So many artifacts of the state file itself, with ids from 1 on, ten to a run; nothing is copied yet.
fn with_artifacts(rows: u32) -> Project {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let sql = format!(
        "{LEGACY_DDL} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
         INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id, created_at)
         SELECT i, 'S', 'spec-plan', 'agent' || (i % 10), '{{}}', 'run' || (i / 10), '2025-11-03 02:54:13' FROM n"
    );
    conclave_db::foreign::create(&path, &sql).unwrap();
    Project::over(dir, &path)
}

fn overview(project: &Project) -> Overview {
    migrate::overview(&project.db).unwrap()
}

#[test]
fn of_little_everything_is_counted() {
    let project = with_artifacts(40);
    let before = overview(&project);
    assert_eq!((before.counts.legacy_artifacts, before.backfill_remaining, before.phase), (40, 40, 1));
    assert!(project.backfill().complete);
    project.tamper("DELETE FROM consensus_artifacts WHERE id IN (3, 39)");
    let after = overview(&project);
    assert_eq!(after.counts, migrate::status(&project.db).unwrap().counts);
    assert_eq!((after.counts.legacy_artifacts, after.counts.outputs, after.backfill_remaining), (38, 40, 0));
    assert_eq!(after.estimated, Vec::<&str>::new());
    assert_eq!(overview(&Project::new()).counts, Counts::default());
}

#[test]
fn of_much_it_says_what_costs_nothing_and_that_it_is_no_count() {
    let project = with_artifacts(12_000);
    let before = overview(&project);
    assert_eq!(before.counts.legacy_artifacts, 12_000);
    assert_eq!(before.estimated, ["legacy_artifacts", "backfill_remaining"]);
    assert!((1..=12_000).contains(&before.backfill_remaining), "at least: {before:?}");
    assert!(project.backfill().complete);
    project.write("DELETE FROM agent_outputs WHERE id BETWEEN 100 AND 199");
    let after = overview(&project);
    assert_eq!(after.estimated, ["legacy_artifacts", "outputs", "backfill_remaining"]);
    assert_eq!((after.counts.runs, after.counts.outputs), (1_201, 12_000), "at most: {after:?}");
    // What an older program appends is seen.
    project.tamper(
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json) VALUES('S', 'spec-plan', 'a', '{}')",
    );
    assert_eq!(overview(&project).backfill_remaining, 1);
}

/// The short cut of the exact count against looking each row up, with gaps on either side and on both.
#[test]
fn rows_without_a_counterpart_are_counted_exactly_whatever_is_missing() {
    let gaps: [(&str, &str); 8] = [
        ("0", "0"),
        ("7, 8", "0"),
        ("0", "7, 8"),
        ("0", "1, 60"),
        ("1, 60", "0"),
        ("7", "7, 9"),
        ("7, 60", "9, 30, 31"),
        ("2, 3", "1, 2, 3, 4"),
    ];
    for (legacy, new) in gaps {
        let project = with_artifacts(60);
        assert_eq!(migrate::status(&project.db).unwrap().backfill.remaining, 60);
        assert!(project.backfill().complete);
        let delete = format!(
            "DELETE FROM consensus_artifacts WHERE id IN ({legacy});
             DELETE FROM agent_outputs WHERE legacy_id IN ({new})"
        );
        project.tamper(&delete);
        let backfill = migrate::status(&project.db).unwrap().backfill;
        let looked_up = "SELECT count(*) FROM consensus_artifacts l
          WHERE NOT EXISTS (SELECT 1 FROM agent_outputs o WHERE o.legacy_id = l.id)";
        let looked_up = u64::try_from(project.number(looked_up)).unwrap();
        assert_eq!((backfill.remaining, backfill.complete), (looked_up, looked_up == 0), "{legacy}; {new}");
    }
}
