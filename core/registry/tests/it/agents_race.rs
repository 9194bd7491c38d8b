//! Many processes write agents at once, and some are killed while they do.

use std::path::PathBuf;
use std::time::Duration;

use conclave_registry::agents::{self, BuilderStatus, BuilderType, NewAgent, Role};
use conclave_testkit::{KillDriver, Parent, Rerun};

use crate::files::{Files, open_state, variable};

fn builder(id: String) -> NewAgent {
    let role = Role::Builder { kind: BuilderType::Spec, id: Some(id), task_text: None, protocol: None };
    NewAgent { role, cmd: String::new(), worktrees: None, adopt: None }
}

fn architect(cmd: &str) -> NewAgent {
    let role = Role::Architect { name: "main".to_owned() };
    NewAgent { role, cmd: cmd.to_owned(), worktrees: None, adopt: None }
}

/// The state that the parent made.
fn open() -> conclave_db::Db {
    open_state(&PathBuf::from(variable("STATE")))
}

// runtime-state 8.42
#[test]
fn ten_processes_lose_none_of_a_thousand_rows() {
    if let Some(mut parent) = Parent::of_this_process() {
        let state = open();
        parent.wait_for_release();
        for round in 0..100 {
            let id = format!("p{}-{round}", parent.number());
            agents::register(&state, &builder(id.clone()), None).unwrap();
            agents::set(&state, &id, Some(BuilderStatus::Blocked), Some(&id)).unwrap();
        }
        return;
    }
    let files = Files::new();
    let rerun = Rerun::of("agents_race::ten_processes_lose_none_of_a_thousand_rows");
    let mut fleet = rerun.variable("STATE", files.folder.root().display().to_string()).start_fleet(10);
    fleet.release();
    fleet.finish();
    let all = agents::list(&files.state).unwrap();
    assert_eq!(all.len(), 1000);
    assert!(all.iter().all(|agent| agent.phase.as_deref() == Some(&agent.key.id)));
}

// runtime-state 8.42, and 8.43: what two say of the same builder is there, whoever read first.
#[test]
fn what_two_processes_say_of_one_builder_is_both_there() {
    if let Some(mut parent) = Parent::of_this_process() {
        let state = open();
        parent.wait_for_release();
        for round in 0..50 {
            if parent.number() == 0 {
                agents::set(&state, "b", Some(BuilderStatus::ALL[round % 5]), None).unwrap();
            } else {
                agents::set(&state, "b", None, Some(&round.to_string())).unwrap();
            }
        }
        return;
    }
    let files = Files::new();
    agents::register(&files.state, &builder("b".to_owned()), None).unwrap();
    let rerun = Rerun::of("agents_race::what_two_processes_say_of_one_builder_is_both_there");
    let mut fleet = rerun.variable("STATE", files.folder.root().display().to_string()).start_fleet(2);
    fleet.release();
    fleet.finish();
    let agent = agents::find(&files.state, "b").unwrap();
    assert_eq!((agent.status.as_deref(), agent.phase.as_deref()), (Some("complete"), Some("49")));
}

// runtime-state 8.42: one row, and one writer's whole record. 8.44: a reader's answer is of one moment.
#[test]
fn one_id_from_ten_processes_is_one_row() {
    if let Some(mut parent) = Parent::of_this_process() {
        let state = open();
        parent.wait_for_release();
        let mut won = 0;
        for _ in 0..10 {
            // Of those that are about to run something one is taken at a time.
            let new = architect(&format!("command of {}", std::process::id()));
            if let Ok(agent) = agents::register(&state, &new, None) {
                let me = conclave_db::process::current().unwrap();
                assert_eq!(agent.supervisor, Some(me));
                won += 1;
            }
        }
        parent.say(&won.to_string());
        return;
    }
    let files = Files::new();
    let rerun = Rerun::of("agents_race::one_id_from_ten_processes_is_one_row");
    let mut fleet = rerun.variable("STATE", files.folder.root().display().to_string()).start_fleet(10);
    fleet.release();
    let won: u32 = fleet.finish().iter().map(|lines| lines[0].parse::<u32>().unwrap()).sum();
    assert!(won >= 1);
    let all = agents::list(&files.state).unwrap();
    assert_eq!(all.len(), 1);
    let supervisor = all[0].supervisor.as_ref().unwrap().pid;
    assert_eq!(all[0].cmd, format!("command of {supervisor}"));
}

// runtime-state 8.45
#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Some(mut parent) = Parent::of_this_process() {
        let state = open();
        parent.wait_for_release();
        for round in 0.. {
            let id = format!("k{}-{round}", std::process::id());
            agents::register(&state, &builder(id.clone()), None).unwrap();
            parent.say(&id);
        }
        return;
    }
    let files = Files::new();
    let rerun = Rerun::of("agents_race::what_was_acknowledged_survives_a_kill")
        .variable("STATE", files.folder.root().display().to_string());
    let mut driver = KillDriver::new(7);
    let mut acknowledged = Vec::new();
    for _ in 0..50 {
        acknowledged.extend(driver.run_and_kill(rerun.start(), 6, Duration::from_millis(3)).lines);
    }
    let all = agents::list(&files.state).unwrap();
    for id in &acknowledged {
        assert!(all.iter().any(|agent| agent.key.id == *id), "{id} was acknowledged");
    }
    assert!(!acknowledged.is_empty() && all.len() >= acknowledged.len());
}

// runtime-state 8.46
#[test]
fn a_state_that_was_deleted_takes_no_write_that_would_be_lost() {
    let files = Files::new();
    agents::register(&files.state, &builder("a".to_owned()), None).unwrap();
    std::fs::remove_file(files.folder.path("state.db")).unwrap();
    assert!(agents::register(&files.state, &builder("b".to_owned()), None).is_err());
}
