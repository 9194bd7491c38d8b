//! The column that a later version of the original adds to the executions: compared where the legacy table has it.

use conclave_consensus::migrate::{self, RepairOptions};
use conclave_db::sql::Value;

use crate::phases::Timed;
use crate::project::{LEGACY_DDL, Project};

const ADD: &str = "ALTER TABLE agent_executions ADD COLUMN branch_id TEXT";
const BRANCHES: &str = "SELECT agent_id, branch_id FROM run_attempts ORDER BY agent_id";

fn execution(id: &str, branch: &str) -> String {
    format!(
        "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, branch_id)
         VALUES('{id}', 'S', 'spec-plan', 'p', 'a', 'R', '2025-11-11 02:33:00', '{branch}');"
    )
}

fn pairs(found: &[(&str, Option<&str>)]) -> Vec<Vec<Value>> {
    let text = |text: &str| Value::Text(text.to_owned());
    found.iter().map(|(id, branch)| vec![text(id), branch.map_or(Value::Null, text)]).collect()
}

fn repair(project: &Project) -> u64 {
    let options = RepairOptions { dry_run: false, actor: "ana".into() };
    migrate::repair(&project.db, &options, &mut |_| {}).unwrap().repaired
}

#[test]
fn a_column_that_is_added_behind_the_triggers_is_found_and_mirrored() {
    let timed = Timed::in_phase(2);
    let project = &timed.project;
    project.old_program(ADD);
    project.old_program(&execution("e-1", "one"));
    let verified = project.verify();
    assert_eq!((verified.differences, verified.findings[0].field), (1, Some("branch_id")));
    assert_eq!(repair(project), 1);
    // The triggers know it now.
    project.old_program(&execution("e-2", "two"));
    assert_eq!(project.rows(BRANCHES), pairs(&[("e-1", Some("one")), ("e-2", Some("two"))]));
    project.tamper("UPDATE run_attempts SET branch_id = 'other' WHERE agent_id = 'e-1'");
    assert_eq!(project.verify().differences, 1);
    assert_eq!(repair(project), 1);
    for to in 3..=5 {
        timed.force(to);
    }
    assert_eq!(project.rows(BRANCHES), pairs(&[("e-1", Some("one")), ("e-2", Some("two"))]));
}

/// What the legacy table has no column for stays on the new side, whatever becomes of the row.
#[test]
fn an_imported_branch_stays_where_the_legacy_table_has_no_column() {
    let project = Project::new();
    let source =
        project.legacy("source.db", &format!("{ADD};{}{}", execution("e-1", "one"), execution("e-2", "two")));
    project.import(&source);
    project.old_program(
        "UPDATE agent_executions SET completed_at = '2025-11-11 02:34:00' WHERE agent_id = 'e-1'",
    );
    project.tamper(
        "UPDATE agent_executions SET response_text = 'raw' WHERE agent_id = 'e-2';
         UPDATE run_attempts SET mirrored = 0 WHERE agent_id = 'e-2'",
    );
    project.backfill();
    assert!(project.verify().equal);
    assert_eq!(project.rows(BRANCHES), pairs(&[("e-1", Some("one")), ("e-2", Some("two"))]));
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE response_text = 'raw'"), 1);
    // Nor does it go when the column comes.
    project.old_program(ADD);
    migrate::mend(&project.db, "ana").unwrap();
    assert!(project.verify().equal);
    assert_eq!(project.rows(BRANCHES), pairs(&[("e-1", Some("one")), ("e-2", Some("two"))]));
}

#[test]
fn an_import_writes_the_branch_on_both_sides_where_both_have_it() {
    let project = Project::new();
    let source = project.legacy("source.db", &format!("{ADD};{}", execution("e-1", "one")));
    project.old_program(&format!("{LEGACY_DDL}{ADD}"));
    project.import(&source);
    assert!(project.verify().equal);
    assert_eq!(
        project.rows("SELECT agent_id, branch_id FROM agent_executions"),
        pairs(&[("e-1", Some("one"))])
    );
}

#[test]
fn the_way_back_takes_the_branch_along_where_there_is_a_column() {
    for with_column in [true, false] {
        let timed = Timed::in_phase(2);
        let project = &timed.project;
        if with_column {
            project.old_program(ADD);
        }
        timed.force(3);
        timed.force(4);
        project.write(
            "INSERT INTO consensus_runs(id, run_key, spec_id, stage) VALUES(100, 'N', 'S', 'plan');
             INSERT INTO run_attempts(agent_id, run_id, agent_name, phase_type, spawned_at, branch_id)
             VALUES('n-1', 100, 'a', 'p', 1762828400000, 'new')",
        );
        timed.back(Some(2)).unwrap();
        assert!(project.verify().equal, "column {with_column}");
        assert_eq!(project.rows(BRANCHES), pairs(&[("n-1", Some("new"))]));
        if with_column {
            let legacy = "SELECT agent_id, branch_id FROM agent_executions";
            assert_eq!(project.rows(legacy), pairs(&[("n-1", Some("new"))]));
        }
    }
}
