//! Many runs at once: what is stored of each agent, beside the agents themselves.

use std::path::Path;
use std::time::Duration;

use conclave_consensus::agents::{Accept, AgentDefinition};
use conclave_consensus::workflow::{self, RunRequest, Session};
use conclave_db::{Db, DbOptions, MetricsSnapshot};
use conclave_retry::{Clock, SystemClock};
use tokio::task::JoinSet;

use super::harness::Harness;
use super::row::{Measured, Target, real};
use crate::outcome::Outcome;

const QUEUE: &str = "driven runs, a write's wait for its turn, p99";
const COMMIT: &str = "driven runs, a commit, p99";
const TIME: &str = "driven runs, time";
const CONDITION: &str = "100 runs of 5 agents at once, each a process that answers at once";
const AGENTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Measures all lines of driven runs.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    if ![QUEUE, COMMIT, TIME].iter().any(|row| harness.wants(row, CONDITION)) {
        return Ok(());
    }
    let [mut queue, mut commit, mut took] = [const { Vec::new() }; 3];
    for _ in 0..if harness.quick { 1 } else { 3 } {
        let folder = Harness::folder()?;
        let begun = SystemClock.monotonic();
        let metrics = hundred(folder.path())?;
        took.push(SystemClock.monotonic().saturating_sub(begun).as_secs_f64() * 1000.0);
        queue.push(real(metrics.queue_wait_p99) / 1000.0);
        commit.push(real(metrics.commit_p99) / 1000.0);
    }
    harness.add(Measured::alone((QUEUE, CONDITION, "ms"), &queue, Target::None));
    harness.add(Measured::alone((COMMIT, CONDITION, "ms"), &commit, Target::None));
    harness.add(Measured::alone((TIME, CONDITION, "ms"), &took, Target::None));
    Ok(())
}

fn hundred(folder: &Path) -> Outcome<MetricsSnapshot> {
    let db = Db::open(DbOptions::new(folder.join("state.db"), conclave::state::schema()?))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(workflow::begin(&db, &request(folder, number))?);
    }
    let session = Session::new(std::env::vars_os().collect());
    let closed = runtime.block_on(async {
        let mut drives = JoinSet::new();
        for id in ids {
            let (db, session) = (db.clone(), session.clone());
            drives.spawn(async move { workflow::drive(&db, id, &session).await });
        }
        drives.join_all().await
    });
    for driven in closed {
        if !driven?.verdict.is_some_and(|verdict| verdict.consensus_ok) {
            return Err("a driven run did not come to its end".into());
        }
    }
    Ok(db.metrics())
}

fn request(folder: &Path, number: u32) -> RunRequest {
    let answer = r#"{"work_breakdown":["one"],"acceptance_mapping":["two"]}"#;
    let agent = |name: &str| AgentDefinition {
        name: name.to_owned(),
        preset: None,
        command: vec!["sh".into(), "-c".into(), format!("echo '{answer}'")],
        family: None,
        role: None,
        timeout: Duration::from_mins(5),
        retries: 0,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    };
    RunRequest {
        spec: "SPEC-1".into(),
        stage: "plan".into(),
        run_key: Some(format!("run-{number}")),
        prompt: b"do it".to_vec(),
        agents: AGENTS.map(agent).to_vec(),
        quorum: None,
        accept: Accept::Majority,
        timeout: Duration::from_mins(10),
        sequential: false,
        gate: false,
        directory: folder.to_path_buf(),
        actor: "bench".into(),
    }
}
