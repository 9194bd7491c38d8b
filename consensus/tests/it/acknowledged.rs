//! What we have said is stored, and what an older program does to the legacy row of it afterwards.

use std::collections::BTreeMap;

use conclave_consensus::record::{CompletionRecord, record_completion, record_run, record_spawn};
use conclave_db::sql::Value;
use conclave_testkit::Random;

use crate::dual::{run, spawn};
use crate::project::Project;

fn complete(project: &Project, id: &str, answer: &str) -> bool {
    let completion = CompletionRecord {
        agent_id: id.into(),
        response: Some(answer.as_bytes().to_vec()),
        at: Some(3_000),
        ..CompletionRecord::default()
    };
    record_completion(&project.db, &completion).unwrap()
}

fn stored(project: &Project, id: &str) -> Vec<Vec<Value>> {
    project.rows(&format!(
        "SELECT completed_at, response_text, extraction_error, state FROM run_attempts WHERE agent_id = '{id}'"
    ))
}

fn ended(answer: &str) -> Vec<Vec<Value>> {
    let text = |text: &str| Value::Text(text.into());
    vec![vec![Value::Integer(3_000), text(answer), Value::Null, text("completed")]]
}

fn assert_equal(project: &Project, after: &str) {
    let report = project.verify();
    assert!(report.equal, "after {after}: {:?}", report.findings);
}

const REPLACE: &str =
    "INSERT OR REPLACE INTO agent_executions(agent_id, spec_id, stage, phase_type, agent_name,
  run_id, spawned_at) VALUES('a9', 'S', 'spec-plan', 'quality_gate', 'a', 'R', '2025-11-11 02:33:20')";

#[test]
fn an_answer_of_phase_4_outlives_what_an_older_program_does_to_its_row() {
    for statement in [
        "UPDATE agent_executions SET phase_type = 'quality_gate' WHERE agent_id = 'a9'",
        "UPDATE agent_executions SET response_text = 'half', extraction_error = 'e' WHERE agent_id = 'a9'",
        REPLACE,
        &format!("PRAGMA recursive_triggers = 1; {REPLACE}"),
        "DELETE FROM agent_executions WHERE agent_id = 'a9'",
        &format!("BEGIN; DELETE FROM agent_executions; {REPLACE}; COMMIT"),
    ] {
        // The legacy row is there before phase 4, or comes in it.
        for spawned_in in [3, 4] {
            let project = Project::in_phase(spawned_in);
            let run = record_run(&project.db, &run("R")).unwrap();
            record_spawn(&project.db, &spawn(run, "a9")).unwrap();
            project.set_phase(4);
            assert!(complete(&project, "a9", "ANSWER"));
            project.old_program(statement);
            assert_eq!(stored(&project, "a9"), ended("ANSWER"), "{statement}");
            assert!(!complete(&project, "a9", "OTHER"), "{statement}");
            assert_equal(&project, statement);
        }
    }
}

/// An end that the older program tells of itself is mirrored, as every row that it writes.
#[test]
fn an_end_that_the_older_program_tells_is_mirrored() {
    let project = Project::in_phase(3);
    let run = record_run(&project.db, &run("R")).unwrap();
    record_spawn(&project.db, &spawn(run, "a9")).unwrap();
    project.set_phase(4);
    assert!(complete(&project, "a9", "ANSWER"));
    project.old_program(
        "UPDATE agent_executions SET completed_at = '1970-01-01 00:00:03', response_text = 'theirs'",
    );
    assert_eq!(stored(&project, "a9"), ended("theirs"));
    assert_equal(&project, "an end");
}

/// Own spawns and ends in phase 4 between random statements of an older program on the same attempts.
#[test]
fn random_statements_of_an_older_program_take_no_answer_of_phase_4() {
    let ids = ["e1", "e2", "e3", "e4"];
    let project = Project::in_phase(3);
    let run = record_run(&project.db, &run("R")).unwrap();
    for id in &ids[..2] {
        record_spawn(&project.db, &spawn(run, id)).unwrap();
    }
    project.set_phase(4);
    let mut random = Random::from_env(11);
    let mut acknowledged = BTreeMap::new();
    for number in 0..400 {
        let id = ids[usize::try_from(random.below(4)).unwrap()];
        let end =
            ["NULL", "NULL", "NULL", "'2025-11-11 02:33:21'"][usize::try_from(random.below(4)).unwrap()];
        let row = format!("('{id}', 'S', 'spec-plan', 'p', 'a', 'R', '2025-11-11 02:33:20', {end}, NULL)");
        let columns = "agent_id, spec_id, stage, phase_type, agent_name, run_id, spawned_at, completed_at,
          response_text";
        let own = format!("WHERE agent_id = '{id}'");
        let statement = match random.below(9) {
            0 | 1 => {
                // An id that the older program has in another run is refused.
                drop(record_spawn(&project.db, &spawn(run, id)));
                let answer = format!("answer {number}");
                let known = project.number(&format!("SELECT count(*) FROM run_attempts {own}")) > 0;
                if known && complete(&project, id, &answer) {
                    acknowledged.insert(id, answer);
                }
                "SELECT 1".to_owned()
            }
            2 => format!("UPDATE agent_executions SET phase_type = 'q{number}' {own}"),
            3 => format!("UPDATE agent_executions SET completed_at = {end}, response_text = 'old' {own}"),
            4 => format!(
                "UPDATE agent_executions SET spawned_at = '2025-11-11 02:33:{}' {own}",
                10 + number % 50
            ),
            5 => format!("DELETE FROM agent_executions {own}"),
            6 => format!("INSERT OR IGNORE INTO agent_executions({columns}) VALUES {row}"),
            7 => format!("INSERT OR REPLACE INTO agent_executions({columns}) VALUES {row}"),
            _ => format!(
                "PRAGMA recursive_triggers = 1; INSERT OR REPLACE INTO agent_executions({columns}) VALUES {row}"
            ),
        };
        project.old_program(&statement);
        // What the older program says of an end counts; until it does, ours stands.
        acknowledged.retain(|id, answer| {
            let told = format!(
                "SELECT count(*) FROM agent_executions WHERE agent_id = '{id}' AND completed_at IS NOT NULL"
            );
            if project.number(&told) > 0 {
                return false;
            }
            assert_eq!(stored(&project, id), ended(answer), "statement {number}: {statement}");
            true
        });
        assert_equal(&project, &statement);
    }
    project.assert_sound();
}

/// What an older program writes in phase 4 is marked, also in a row that was there.
#[test]
fn a_row_that_an_older_program_changes_is_marked_with_the_phase() {
    let project = Project::in_phase(3);
    let run = record_run(&project.db, &run("R")).unwrap();
    for id in ["a1", "a9"] {
        record_spawn(&project.db, &spawn(run, id)).unwrap();
    }
    let marked = "SELECT count(*) FROM run_attempts WHERE captured_phase = 4";
    project.set_phase(4);
    project.old_program("UPDATE agent_executions SET phase_type = 'q' WHERE agent_id = 'a1'");
    assert_eq!(project.number(marked), 1);
    project.old_program(REPLACE);
    assert_eq!(project.number(marked), 2);
    // Our own write of phase 1 goes by way of the trigger too, and is none of theirs.
    let project = Project::in_phase(1);
    let run = record_run(&project.db, &crate::dual::run("R")).unwrap();
    record_spawn(&project.db, &spawn(run, "a9")).unwrap();
    assert!(complete(&project, "a9", "ANSWER"));
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE captured_phase IS NOT NULL"), 0);
}
