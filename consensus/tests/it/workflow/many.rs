//! Many runs at once in one runtime.

use std::sync::Arc;

use conclave_consensus::workflow::{self, RunRequest};

use super::{good, request, session};
use crate::project::Project;

async fn hundred(project: &Project) {
    let mut drives = tokio::task::JoinSet::new();
    for number in 0..100 {
        let names = ["a", "b", "c", "d", "e"];
        let request =
            RunRequest { run_key: Some(format!("R{number}")), ..request(project, names.map(good).to_vec()) };
        let db = project.db.clone();
        drives.spawn(async move {
            let own = db.clone();
            let id =
                tokio::task::spawn_blocking(move || workflow::begin(&own, &request)).await.unwrap().unwrap();
            workflow::drive(&db, id, &session()).await.unwrap()
        });
    }
    for driven in drives.join_all().await {
        assert!(driven.verdict.unwrap().consensus_ok);
    }
}

#[test]
fn a_hundred_runs_of_five_agents_at_once() {
    let project = Arc::new(Project::new());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let inside = Arc::clone(&project);
    runtime.block_on(runtime.spawn(async move { hundred(&inside).await })).unwrap();
    assert_eq!(project.number("SELECT count(*) FROM agent_outputs"), 500);
    assert_eq!(project.number("SELECT count(DISTINCT run_id) FROM agent_outputs"), 100);
    assert_eq!(project.number("SELECT count(*) FROM run_attempts WHERE state <> 'completed'"), 0);
    assert_eq!(workflow::unfinished(&project.db).unwrap(), []);
    project.assert_sound();
}
