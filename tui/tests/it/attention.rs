//! What needs a person is said wherever one looks.

use serde_json::{Value, json};

use crate::scratch::Scratch;

fn sql(scratch: &Scratch, statement: &str) {
    conclave_db::foreign::run(&scratch.database(), statement).unwrap();
}

fn kinds(scratch: &Scratch) -> Vec<String> {
    let status = scratch.json(&["status"]);
    let kind = |one: &Value| one["kind"].as_str().unwrap().to_owned();
    status["attention"].as_array().unwrap().iter().map(kind).collect()
}

/// What a kill in the middle of an import leaves.
#[test]
fn an_import_that_did_not_end_is_told_everywhere() {
    let scratch = Scratch::with_runs();
    assert_eq!(kinds(&scratch), [""; 0]);
    assert!(scratch.ok(&["status"]).contains("nothing needs you"));
    sql(&scratch, "UPDATE import_sources SET finished_at = NULL");
    let file = scratch.fixture().canonicalize().unwrap();
    let again = format!("conclave migrate import {}", file.display());
    let status = scratch.json(&["status"]);
    let need = &status["attention"][0];
    assert_eq!((&need["kind"], &need["name"]), (&json!("import"), &json!(file.to_str().unwrap())));
    assert!(need["since"].is_string() && need["why"].as_str().unwrap().contains("not finished"), "{need}");
    assert!(need["advice"].as_str().unwrap().contains(&again), "{need}");
    let text = scratch.ok(&["status"]);
    assert!(text.contains("not finished") && !text.contains("nothing needs you"), "{text}");
    let migration = scratch.ok(&["migrate", "status"]);
    assert!(migration.contains("not finished") && migration.contains(&again), "{migration}");
    let verified = scratch.run(&["migrate", "verify"]);
    assert!(verified.stderr.contains("not finished"), "{}", verified.stderr);
    let doctor = scratch.ok(&["doctor"]);
    assert!(doctor.contains("not finished") && doctor.contains(&again), "{doctor}");
    scratch.ok(&["migrate", "import", file.to_str().unwrap()]);
    assert_eq!(kinds(&scratch), [""; 0]);
    assert!(scratch.ok(&["migrate", "status"]).contains(": imported 20"), "the sources are listed");
    assert!(!scratch.ok(&["doctor"]).contains("not finished"));
}

#[test]
fn open_differences_need_someone_and_the_advice_mends_them() {
    let scratch = Scratch::with_runs();
    sql(&scratch, "UPDATE agent_outputs SET content = 'other' WHERE id = 1");
    let done = scratch.run(&["migrate", "verify"]);
    assert_eq!(done.code, Some(1));
    assert!(done.text().contains("1 differs") && done.stderr.contains("conclave migrate repair"), "{done:?}");
    assert_eq!(kinds(&scratch), ["differences"]);
    assert!(scratch.ok(&["status"]).contains("1 open difference between"));
    scratch.ok(&["migrate", "repair"]);
    assert!(scratch.ok(&["migrate", "verify"]).contains("all equal"));
    assert_eq!(kinds(&scratch), [""; 0]);
}

#[test]
fn rows_left_to_copy_need_someone() {
    let scratch = Scratch::with_runs();
    sql(&scratch, "DELETE FROM agent_outputs WHERE id = 7");
    assert_eq!(kinds(&scratch), ["backfill"]);
    let done = scratch.run(&["migrate", "verify"]);
    assert!(done.stderr.contains("conclave migrate backfill"), "{}", done.stderr);
    scratch.ok(&["migrate", "backfill"]);
    scratch.ok(&["migrate", "verify"]);
    assert_eq!(kinds(&scratch), [""; 0]);
}

#[test]
fn tasks_that_no_dispatcher_takes_any_more_need_someone() {
    let scratch = Scratch::new();
    scratch.ok(&["init"]);
    for id in ["t-1", "t-2", "t-3"] {
        scratch.ok(&["task", "create", id, "--id", id]);
    }
    assert_eq!(kinds(&scratch), [""; 0]);
    scratch.ok(&["task", "label", "add", "t-2", "work-failed"]);
    assert_eq!(kinds(&scratch), ["task"]);
    let text = scratch.ok(&["status"]);
    assert!(text.contains("t-2 has failed too often") && text.contains("conclave work --retry"), "{text}");
    scratch.ok(&["task", "label", "add", "t-3", "work-failed"]);
    assert!(scratch.ok(&["status"]).contains("2 tasks have failed too often"));
    scratch.ok(&["task", "close", "t-2", "t-3"]);
    assert_eq!(kinds(&scratch), [""; 0], "done is done");
}
