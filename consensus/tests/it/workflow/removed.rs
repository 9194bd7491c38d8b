//! Runs that are deleted are gone on both sides.

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::runs::{self, RunFilter, RunId};
use conclave_consensus::workflow::{self, Event, RunRequest, Session};
use conclave_db::sql::Value;
use conclave_db::{Db, DbOptions};
use conclave_testkit::{Parent, Rerun};

use super::{agent, drive, good, request, run, session};
use crate::project::{Project, schema};

const TABLES: [&str; 11] = [
    "consensus_runs",
    "agent_outputs",
    "run_attempts",
    "run_syntheses",
    "run_settings",
    "run_roster",
    "attempt_details",
    "run_verdicts",
    "gate_issues",
    "migration_pending",
    "imported_rows",
];

fn counts(project: &Project) -> Vec<(&'static str, i64)> {
    let legacy = ["consensus_artifacts", "consensus_synthesis", "agent_executions"];
    let there = |table: &str| {
        project.number(&format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'")) > 0
    };
    let tables = TABLES.into_iter().chain(legacy).filter(|table| there(table));
    tables.map(|table| (table, project.number(&format!("SELECT count(*) FROM {table}")))).collect()
}

#[test]
fn a_run_goes_with_all_that_hangs_on_it_in_every_phase() {
    for phase in 1..=5 {
        let project = Project::in_phase(phase);
        let keep = RunRequest { run_key: Some("keep".into()), ..request(&project, vec![good("a")]) };
        run(&project, &keep);
        let before = counts(&project);
        let gone = run(&project, &request(&project, vec![good("a"), agent("b", "exit 2")])).run;
        assert_ne!(counts(&project), before);
        let mapped = project.rows("SELECT mapped FROM migration_state");
        assert!(runs::delete(&project.db, gone).unwrap());
        assert_eq!(counts(&project), before, "phase {phase}");
        assert_eq!(project.rows("SELECT mapped FROM migration_state"), mapped, "phase {phase}");
        assert_eq!(project.number("SELECT writes FROM capture_seen"), 0, "nobody else wrote");
        assert!(!runs::delete(&project.db, gone).unwrap());
        assert!(runs::show(&project.db, gone).unwrap().is_none());
        if phase < 4 {
            assert!(project.verify().equal, "phase {phase}");
        }
        project.assert_sound();
        // The same key is free again.
        run(&project, &request(&project, vec![good("a")]));
    }
}

#[test]
fn imported_runs_go_and_come_again() {
    for phase in [1_u8, 2, 3, 5] {
        let project = Project::in_phase(phase);
        let golden = project.golden();
        project.import(&golden);
        project.set_phase(phase);
        let runs = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        for run in &runs {
            assert!(runs::delete(&project.db, run.id).unwrap());
        }
        assert!(
            counts(&project).iter().all(|(_, count)| *count == 0),
            "phase {phase}: {:?}",
            counts(&project)
        );
        project.import(&golden);
        let again = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
        assert_eq!(again.len(), runs.len(), "phase {phase}");
        assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 14);
        project.assert_sound();
    }
}

#[test]
fn a_run_that_only_legacy_rows_know_goes() {
    let project = Project::in_phase(3);
    project.tamper(
        "INSERT INTO consensus_artifacts(spec_id, stage, agent_name, content_json, run_id)
           VALUES('S', 'spec-plan', 'a', '{}', 'L'), ('S', 'spec-plan', 'a', '{}', 'M')",
    );
    project.write("UPDATE migration_state SET mapped = 0");
    let runs = runs::list(&project.db, &RunFilter::default(), None, None).unwrap();
    let gone = runs.iter().find(|run| run.run_key == "L").unwrap();
    assert!(gone.id < RunId(0));
    assert!(runs::delete(&project.db, gone.id).unwrap());
    let left = project.rows("SELECT run_id FROM consensus_artifacts");
    assert_eq!(left, [[Value::Text("M".into())]]);
}

#[test]
fn what_is_driven_here_is_not_deleted() {
    let project = Project::new();
    let id = workflow::begin(&project.db, &request(&project, vec![good("a")])).unwrap();
    assert_eq!(runs::delete(&project.db, id).unwrap_err().kind(), ConsensusErrorKind::Refused);
    project.write("UPDATE run_settings SET owner = NULL");
    assert!(runs::delete(&project.db, id).unwrap());
}

/// Drives run 1 until it is killed.
fn drive_in_child(mut parent: Parent) {
    let state: std::path::PathBuf = std::env::var_os("STATE").unwrap().into();
    let db = Db::open(DbOptions::new(state, schema())).unwrap();
    parent.wait_for_release();
    let parent = std::sync::Mutex::new(parent);
    let observer = move |event: Event| {
        if matches!(event, Event::Line { .. }) {
            parent.lock().unwrap().say("up");
        }
    };
    let session = Session { observer: std::sync::Arc::new(observer), ..session() };
    drive(&db, RunId(1), &session);
}

/// Killed, it could end nobody: what it started goes before the rows that lead to it.
#[test]
fn what_a_killed_driver_left_is_ended_before_its_run_goes() {
    if let Some(parent) = Parent::of_this_process() {
        return drive_in_child(parent);
    }
    let project = Project::new();
    let script = "sleep 600 & echo $! > sleeper; echo $$ > leader; echo up; wait";
    let id = workflow::begin(&project.db, &request(&project, vec![agent("a", script)])).unwrap();
    project.write("UPDATE run_settings SET owner = NULL");
    let mut driver = Rerun::of("workflow::removed::what_a_killed_driver_left_is_ended_before_its_run_goes")
        .variable("STATE", project.db.path().display().to_string())
        .start();
    driver.release();
    assert_eq!(driver.line().as_deref(), Some("up"));
    driver.kill();
    let lives = |file: &str| {
        let pid = std::fs::read_to_string(project.path(file)).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // One that has ended and that nobody waited for is dead too.
        !stat.is_empty() && !stat.contains(") Z ")
    };
    assert!(lives("leader") && lives("sleeper"));
    // Also from within a runtime.
    assert!(super::runtime().block_on(async { runs::delete(&project.db, id) }).unwrap());
    assert!(!lives("leader") && !lives("sleeper"));
    assert_eq!(project.number("SELECT count(*) FROM consensus_runs"), 0);
}
