//! One run, several processes: one drives it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use conclave_consensus::ConsensusErrorKind;
use conclave_consensus::migrate::{self, AdvanceOptions, RollbackOptions};
use conclave_consensus::runs::{self, RunId};
use conclave_consensus::workflow::{self, Event, Owner, RunRequest, Session};
use conclave_db::{Db, DbOptions};
use conclave_testkit::{Parent, Rerun};

use super::{PLAN, agent, drive, good, request, runtime, session};
use crate::project::{Project, schema};

/// Drives run 1 and says when its agent is up.
fn drive_in_child(mut parent: Parent) {
    let state: PathBuf = std::env::var_os("STATE").unwrap().into();
    let db = Db::open(DbOptions::new(state, schema())).unwrap();
    parent.wait_for_release();
    let parent = Arc::new(Mutex::new(parent));
    let told = Arc::clone(&parent);
    let observer = move |event: Event| {
        if matches!(event, Event::Line { .. }) {
            told.lock().unwrap().say("up");
        }
    };
    let session = Session { observer: Arc::new(observer), ..session() };
    drive(&db, RunId(1), &session);
    parent.lock().unwrap().say("closed");
}

#[test]
fn the_second_is_refused_while_the_first_lives() {
    if let Some(parent) = Parent::of_this_process() {
        return drive_in_child(parent);
    }
    let project = Project::new();
    let until = project.path("go");
    let script = format!(
        "echo x >> asked; echo up >&2; while [ ! -e {} ]; do sleep 0.05; done; echo '{PLAN}'",
        until.display()
    );
    let asked = request(&project, vec![agent("a", &script)]);
    let id = workflow::begin(&project.db, &asked).unwrap();
    // Begun here, so nobody else may take it, until that is given up.
    project.write("UPDATE run_settings SET owner = NULL");
    let mut first = Rerun::of("workflow::owned::the_second_is_refused_while_the_first_lives")
        .variable("STATE", project.db.path().display().to_string())
        .start();
    first.release();
    assert_eq!(first.line().as_deref(), Some("up"));

    let pid = first.pid();
    assert_eq!(workflow::unfinished(&project.db).unwrap()[0].owner, Owner::Alive { pid });
    let refused = runtime().block_on(workflow::drive(&project.db, id, &session())).unwrap_err();
    assert_eq!(refused.kind(), ConsensusErrorKind::Refused);
    assert!(refused.to_string().contains(&pid.to_string()), "{refused}");
    assert_eq!(runs::delete(&project.db, id).unwrap_err().kind(), ConsensusErrorKind::Refused);
    // A stopped process is no dead one.
    first.stop();
    let refused = runtime().block_on(workflow::drive(&project.db, id, &session())).unwrap_err();
    assert_eq!(refused.kind(), ConsensusErrorKind::Refused);
    first.go_on();

    first.kill();
    assert_eq!(workflow::unfinished(&project.db).unwrap()[0].owner, Owner::Ended);
    std::fs::write(until, "").unwrap();
    assert!(drive(&project.db, id, &session()).verdict.unwrap().consensus_ok);
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE state = 'lost'"), 1);
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 1);
    assert!(!drive(&project.db, id, &session()).verdict.unwrap().fields.is_empty(), "closed: its verdict");
}

#[test]
fn an_owner_that_cannot_be_seen_is_left_alone() {
    let project = Project::new();
    let id = workflow::begin(&project.db, &request(&project, vec![good("a")])).unwrap();
    project.write("UPDATE run_settings SET owner = json_set(owner, '$.pid_namespace', 1, '$.pid', 77)");
    assert_eq!(workflow::unfinished(&project.db).unwrap()[0].owner, Owner::Unknown { pid: 77 });
    let refused = runtime().block_on(workflow::drive(&project.db, id, &session())).unwrap_err();
    assert!(refused.kind() == ConsensusErrorKind::Refused && refused.to_string().contains("77"), "{refused}");
    // After a reboot nobody of before lives.
    project.write("UPDATE run_settings SET owner = json_set(owner, '$.boot_id', 'before')");
    assert_eq!(workflow::unfinished(&project.db).unwrap()[0].owner, Owner::Ended);
    assert!(drive(&project.db, id, &session()).verdict.is_some());
}

#[test]
fn this_process_drives_a_run_once() {
    let project = Project::new();
    let id =
        workflow::begin(&project.db, &request(&project, vec![agent("a", "echo up; sleep 0.3")])).unwrap();
    let outcome = runtime().block_on(async {
        let session = session();
        tokio::join!(workflow::drive(&project.db, id, &session), workflow::drive(&project.db, id, &session))
    });
    assert!(outcome.0.is_ok());
    assert_eq!(outcome.1.unwrap_err().kind(), ConsensusErrorKind::Refused);
    let gone = RunRequest { run_key: Some("other".into()), ..request(&project, vec![good("a")]) };
    let gone = workflow::begin(&project.db, &gone).unwrap();
    drive(&project.db, gone, &session());
    drive(&project.db, gone, &session());
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE run_id = 2"), 1);
}

/// Whoever finds that another has the run asks nobody again, closes nothing, and takes nothing from the other.
#[test]
fn who_has_lost_a_run_leaves_it_alone() {
    for script in ["echo 'HTTP 503' >&2; exit 1", &format!("echo '{PLAN}'")] {
        let project = Project::new();
        let mut asked = agent("a", &format!("echo x >> asked; {script}"));
        asked.retries = 3;
        let id = workflow::begin(&project.db, &request(&project, vec![asked])).unwrap();
        let db = project.db.clone();
        let observer = move |event: Event| {
            if matches!(event, Event::Started { .. }) {
                let other = "UPDATE run_settings SET owner = json_set(owner, '$.pid_namespace', 1)";
                db.write("another takes it", move |tx| tx.execute_batch(other)).unwrap();
            }
        };
        let session = Session { observer: Arc::new(observer), ..session() };
        let refused = runtime().block_on(workflow::drive(&project.db, id, &session)).unwrap_err();
        assert_eq!(refused.kind(), ConsensusErrorKind::Refused, "{script}: {refused}");
        assert_eq!(std::fs::read_to_string(project.path("asked")).unwrap(), "x\n", "{script}");
        assert_eq!(project.number("SELECT count(*) FROM run_attempts"), 1, "{script}");
        assert_eq!(project.number("SELECT count(*) FROM run_verdicts"), 0, "{script}");
        let still =
            "SELECT count(*) FROM run_settings WHERE owner ->> '$.pid_namespace' = 1 AND ended_at IS NULL";
        assert_eq!(project.number(still), 1, "{script}: the other still has it");
    }
}

/// Started in phase 3 and lost in phase 4: what the legacy side does not know yet goes back with the phase.
#[test]
fn an_attempt_that_is_lost_in_phase_4_goes_back_with_it() {
    let project = Project::in_phase(3);
    let id = workflow::begin(&project.db, &request(&project, vec![agent("a", "echo up; sleep 60")])).unwrap();
    let (said, heard) = tokio::sync::mpsc::unbounded_channel();
    let mut heard = heard;
    let observer = move |event: Event| {
        if matches!(event, Event::Line { .. }) {
            said.send(()).unwrap();
        }
    };
    let session = Session { observer: Arc::new(observer), ..session() };
    runtime().block_on(async {
        tokio::select! {
            driven = workflow::drive(&project.db, id, &session) => assert!(driven.is_err(), "it does not end"),
            up = heard.recv() => up.unwrap(),
        }
    });
    let step = AdvanceOptions { to: Some(4), skip_soak: true, ..AdvanceOptions::default() };
    migrate::advance(&project.db, &step, &mut |_| {}).unwrap();
    runtime().block_on(workflow::cancel(&project.db, id, "ana")).unwrap();
    let states = "SELECT count(*) FROM run_attempts WHERE state = 'lost'";
    assert_eq!(project.number(states), 1);
    let back = RollbackOptions { to: Some(2), ..RollbackOptions::default() };
    migrate::rollback(&project.db, &back, &mut |_| {}).unwrap();
    assert!(project.verify().equal);
    assert_eq!(project.number(states), 1, "and is still known to be lost");
    let ended = "SELECT count(*) FROM agent_executions WHERE completed_at IS NOT NULL AND extraction_error LIKE 'lost%'";
    assert_eq!(project.number(ended), 1);
}
