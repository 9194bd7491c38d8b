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
use super::{machine, writes};
use crate::outcome::Outcome;

const MIDDLE: &str = "driven runs, from an answer that is judged until it is durable, p50";
const LATE: &str = "driven runs, from an answer that is judged until it is durable, p95";
const MEMORY: &str = "driven runs, most memory of the process";
const QUEUE: &str = "driven runs, a write's wait for its turn, p99";
const COMMIT: &str = "driven runs, a commit, p99";
const TIME: &str = "driven runs, time";
const CONDITION: &str = "100 runs of 5 agents at once, each a process that answers at once";
const AGENTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Measures all lines of driven runs.
pub(crate) fn run(harness: &mut Harness) -> Outcome {
    if ![MIDDLE, LATE, MEMORY, QUEUE, COMMIT, TIME].iter().any(|row| harness.wants(row, CONDITION)) {
        return Ok(());
    }
    let [mut queue, mut commit, mut took, mut middle, mut late, mut memory] = [const { Vec::new() }; 6];
    for _ in 0..if harness.quick { 1 } else { 3 } {
        let folder = Harness::folder()?;
        writes::listen();
        machine::forget_most_resident();
        let begun = SystemClock.monotonic();
        let metrics = hundred(folder.path())?;
        took.push(SystemClock.monotonic().saturating_sub(begun).as_secs_f64() * 1000.0);
        memory.push(real(machine::most_resident_kib()) / 1024.0);
        // The end of an attempt is one transaction, with its answer.
        let mut answers = writes::heard("attempt ended");
        if answers.len() != 100 * AGENTS.len() {
            return Err(format!("{} answers were heard of", answers.len()).into());
        }
        answers.sort_unstable();
        let at = |percent: usize| {
            let place = (answers.len() * percent).div_ceil(100).saturating_sub(1);
            answers.get(place).map_or(0.0, |micros| real(*micros) / 1000.0)
        };
        middle.push(at(50));
        late.push(at(95));
        queue.push(real(metrics.queue_wait_p99) / 1000.0);
        commit.push(real(metrics.commit_p99) / 1000.0);
    }
    let rows = [(MIDDLE, "ms", &middle, Target::None), (LATE, "ms", &late, Target::OursAtMost(5.0))];
    for (row, unit, values, target) in rows {
        harness.add(Measured::alone((row, CONDITION, unit), values, target));
    }
    harness.add(Measured::alone((MEMORY, CONDITION, "MiB"), &memory, Target::None));
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
        model: None,
        route: None,
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
