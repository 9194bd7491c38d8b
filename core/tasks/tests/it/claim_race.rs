//! Many processes, one winner each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use conclave_tasks::TaskErrorKind;
use conclave_tasks::read::ReadyQuery;
use conclave_tasks::work;
use conclave_testkit::{Parent, Rerun};

use crate::project::{Project, open};

const PROCESSES: usize = 12;
const TASKS: usize = 180;

/// Released together with all others: claims until it says nothing more.
fn child(mut parent: Parent, claim: impl Fn(&conclave_db::Db, &str, usize) -> Option<Option<String>>) {
    let db = open(&PathBuf::from(std::env::var_os("STORE").unwrap()));
    let who = format!("worker-{}", parent.number());
    parent.wait_for_release();
    for round in 0.. {
        match claim(&db, &who, round) {
            Some(Some(id)) => parent.say(&id),
            Some(None) => {}
            None => break,
        }
    }
}

/// Runs the processes; gives who won what, and checks that the store says the same.
fn race(test: &str) -> BTreeMap<String, usize> {
    let project = Project::new();
    for n in 0..TASKS {
        project.task(&format!("t-{n:03}"));
    }
    let store = project.db.path().display().to_string();
    let mut fleet = Rerun::of(test).variable("STORE", store).start_fleet(PROCESSES);
    fleet.release();
    let mut won = BTreeMap::new();
    let mut owners = BTreeMap::new();
    for (number, ids) in fleet.finish().into_iter().enumerate() {
        won.insert(format!("worker-{number}"), ids.len());
        for id in ids {
            assert_eq!(owners.insert(id.clone(), format!("worker-{number}")), None, "{id} was won twice");
        }
    }
    assert_eq!(owners.len(), TASKS, "each was won");
    for (id, owner) in owners {
        let row = project.row(&id);
        assert_eq!(
            (row.status.as_deref(), row.assignee.as_deref()),
            (Some("in_progress"), Some(owner.as_str()))
        );
        assert_eq!(project.operations(&id), ["created", "claimed"]);
    }
    won
}

#[test]
fn each_ready_task_goes_to_one_of_many_processes() {
    if let Some(parent) = Parent::of_this_process() {
        return child(parent, |db, who, _| {
            let mut rows = work::claim_ready(db, who, &ReadyQuery::default(), None).unwrap();
            rows.pop().map(|row| Some(row.id().to_owned()))
        });
    }
    let won = race("claim_race::each_ready_task_goes_to_one_of_many_processes");
    assert!(won.values().all(|&tasks| tasks > 0), "nobody goes without: {won:?}");
}

#[test]
fn each_named_task_goes_to_one_of_many_processes() {
    if let Some(parent) = Parent::of_this_process() {
        return child(parent, |db, who, round| {
            if round == TASKS {
                return None;
            }
            let id = format!("t-{round:03}");
            match work::claim(db, who, &id, None) {
                Ok(_) => Some(Some(id)),
                Err(error) => {
                    assert_eq!(error.kind(), TaskErrorKind::NotClaimable, "{error}");
                    Some(None)
                }
            }
        });
    }
    race("claim_race::each_named_task_goes_to_one_of_many_processes");
}
