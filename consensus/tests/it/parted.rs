//! Ids that an older program gives a second time: neither the row that had one nor the row that has it is lost.

use conclave_consensus::migrate::{self, RepairOptions};
use conclave_db::doctor::CheckState;
use conclave_db::sql::Value;

use crate::phases::Timed;
use crate::project::{LEGACY_DDL, Project};

fn artifact(id: &str, content: &str) -> String {
    format!(
        "INSERT INTO consensus_artifacts(id, spec_id, stage, agent_name, content_json, run_id)
         VALUES({id}, 'OLD', 'spec-plan', 'a', '{content}', 'run_OLD');"
    )
}

fn contents(project: &Project) -> Vec<Vec<Value>> {
    project.rows("SELECT content, response_text, output_timestamp FROM agent_outputs ORDER BY id")
}

fn repair(project: &Project) {
    let options = RepairOptions { dry_run: false, actor: "ana".into() };
    migrate::repair(&project.db, &options, &mut |_| {}).unwrap();
}

fn number_of(project: &Project, content: &str) -> i64 {
    project.number(&format!("SELECT count(*) FROM agent_outputs WHERE content = '{content}'"))
}

/// The tables as they were before they were dropped, restored from a copy; one row edited, and one with an id that
/// came behind those of the copy.
fn restored() -> Timed {
    let timed = Timed::in_phase(4);
    timed.project.old_program(&artifact("15", "last"));
    let rows: String = timed
        .project
        .rows(
            "SELECT 'INSERT INTO consensus_artifacts VALUES(' || concat_ws(',', quote(id), quote(spec_id),
            quote(stage), quote(agent_name), quote(content_json), quote(response_text), quote(run_id),
            quote(created_at)) || ');' FROM consensus_artifacts WHERE id < 15",
        )
        .into_iter()
        .filter_map(|row| match &row[0] {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    timed.force(5);
    timed.project.old_program(&format!(
        "DELETE FROM sqlite_sequence WHERE name LIKE 'consensus%';{LEGACY_DDL}{rows}{}
         UPDATE consensus_artifacts SET content_json = 'edited' WHERE id = 3;",
        artifact("NULL", "acked")
    ));
    assert_eq!(timed.project.number("SELECT max(id) FROM consensus_artifacts"), 15);
    timed
}

#[test]
fn tables_that_are_restored_lose_nothing_and_bring_what_is_new_in_them() {
    for how in ["backfill", "doctor", "repair"] {
        let timed = restored();
        let project = &timed.project;
        let before = contents(project);
        match how {
            "backfill" => assert_eq!(project.backfill().copied, 2),
            "doctor" => assert_eq!(migrate::mend(&project.db, "ana").unwrap().len(), 2),
            _ => repair(project),
        }
        let after = contents(project);
        assert_eq!(after[..before.len()], before, "{how}: what was there stays");
        assert_eq!(
            (after.len(), number_of(project, "acked"), number_of(project, "edited")),
            (before.len() + 2, 1, 1)
        );
        assert!(project.verify().equal);
        let checks = migrate::checks(&project.db);
        assert!(checks.iter().any(|check| check.name == "legacy-tables" && check.state == CheckState::Ok));
        repair(project);
        assert_eq!(contents(project), after, "{how}");
        assert_eq!(
            project
                .number("SELECT count(*) FROM consensus_artifacts WHERE content_json IN ('acked', 'edited')"),
            2
        );
        // From now on the triggers mirror, and no id is given twice.
        project.old_program(&artifact("NULL", "late"));
        assert_eq!(contents(project)[..after.len()], after);
        assert_eq!(number_of(project, "late"), 1);
        project.assert_sound();
    }
}

/// In phase 4: the table is dropped and made again, and its first row has the id of another.
#[test]
fn a_table_that_is_made_again_in_phase_4_keeps_its_rows() {
    for how in ["rollback", "backfill", "doctor", "repair"] {
        let timed = Timed::in_phase(4);
        let project = &timed.project;
        let before = contents(project);
        project.old_program(&format!(
            "DROP TABLE consensus_artifacts; {LEGACY_DDL}{}",
            artifact("NULL", "acked")
        ));
        assert_eq!(project.number("SELECT id FROM consensus_artifacts"), 1);
        match how {
            "backfill" => drop(project.backfill()),
            "doctor" => drop(migrate::mend(&project.db, "ana").unwrap()),
            "repair" => repair(project),
            _ => {}
        }
        project.old_program(&artifact("NULL", "second"));
        timed.back(Some(2)).unwrap();
        let after = contents(project);
        assert_eq!(after[..before.len()], before, "{how}");
        assert!(project.verify().equal, "{how}");
        for content in ["acked", "second"] {
            assert_eq!(number_of(project, content), 1, "{how} {content}");
            let legacy = format!("SELECT count(*) FROM consensus_artifacts WHERE content_json = '{content}'");
            assert_eq!(project.number(&legacy), 1, "{how} {content}");
        }
        assert_eq!(project.number("SELECT count(*) FROM consensus_artifacts"), 16, "{how}");
        // An import of the same file brings nothing.
        project.import(&project.path("golden.db"));
        assert_eq!(contents(project), after, "{how}");
    }
}

/// Two executions cannot have one id: that of the older program is kept as an attempt of its own.
#[test]
fn an_execution_that_comes_back_with_other_content_is_kept_beside() {
    let timed = Timed::in_phase(4);
    let project = &timed.project;
    let execution = |response: &str| {
        format!(
            "INSERT INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, response_text)
             VALUES('x-1', 'S', 'spec-plan', 'p', 'a', 'R', '2025-11-11 02:33:00', '{response}');"
        )
    };
    project.old_program(&execution("first"));
    project.old_program(&format!("DROP TABLE agent_executions; {LEGACY_DDL}{}", execution("second")));
    repair(project);
    assert!(project.verify().equal);
    let found = project.rows("SELECT agent_id, response_text, attempt FROM run_attempts ORDER BY id");
    let text = |text: &str| Value::Text(text.to_owned());
    let id = project.number("SELECT max(id) FROM run_attempts");
    assert_eq!(
        found,
        [
            [text("x-1"), text("first"), Value::Integer(1)],
            [text(&format!("x-1#{id}")), text("second"), Value::Integer(2)]
        ]
    );
    project.assert_sound();
}
