//! Runs that are driven: agents are real processes, whoever drives them is killed, and the run goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use conclave_consensus::agents::{Accept, AgentDefinition};
use conclave_consensus::runs::{self, Found, RunId};
use conclave_consensus::workflow::{self, Owner, RunRequest, Session};
use conclave_consensus::{ConsensusError, ConsensusErrorKind};
use conclave_db::Db;
use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_retry::{RetryPolicy, RetrySettings, Sleeper, SystemSleeper};
use tokio::runtime::Runtime;

use super::{Work, Worker};
use crate::crash::look::number;
use crate::outcome::Outcome;

/// What the keys of these runs begin with.
pub(crate) const KEY: &str = "drive";
const AGENTS: [&str; 3] = ["driven-a", "driven-b", "driven-c"];

/// Who was told that a run is closed: the place of the worker and the number of the run.
pub(crate) type Driven = BTreeSet<(u64, u64)>;

fn key(place: u64, number: u64) -> String {
    format!("{KEY}{place}-{number}")
}

/// What this agent answers in this run.
fn answer(agent: &str, key: &str) -> String {
    format!("{{\"work_breakdown\":[\"{key}\"],\"acceptance_mapping\":[\"{key}\"],\"agent\":\"{agent}\"}}")
}

/// The first answers at once, the second fails the first time, the third takes a moment.
fn roster(key: &str) -> Vec<AgentDefinition> {
    let before = [
        "",
        "case \"$CONCLAVE_ATTEMPT\" in */1/driven-b@*|*/1.*/driven-b@*) echo 'HTTP 503' >&2; exit 1;; esac; ",
        "sleep 0.03; ",
    ];
    let agent = |(name, before): (&str, &str)| AgentDefinition {
        name: name.to_owned(),
        preset: None,
        command: vec!["sh".into(), "-c".into(), format!("{before}echo '{}'", answer(name, key))],
        model: None,
        route: None,
        family: None,
        role: None,
        timeout: Duration::from_mins(1),
        retries: 2,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    };
    AGENTS.into_iter().zip(before).map(agent).collect()
}

/// A process of Conclave that drives runs.
#[derive(Debug)]
pub(crate) struct Driver {
    worker: Worker,
    db: Db,
    runtime: Runtime,
    session: Session,
}

impl Driver {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = super::open(&worker.folder)?;
        let settings = RetrySettings {
            max_attempts: 10,
            base: Duration::from_millis(1),
            cap: Duration::from_millis(20),
            ..RetrySettings::default()
        };
        let session =
            Session { retry: RetryPolicy::new(settings)?, ..Session::new(std::env::vars_os().collect()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { worker, db, runtime, session })
    }

    /// Drives it, unless somebody else does; gives whether it is closed.
    fn drive(&self, run: RunId) -> Outcome<bool> {
        match self.runtime.block_on(workflow::drive(&self.db, run, &self.session)) {
            Ok(driven) => Ok(driven.verdict.is_some()),
            Err(error) => refused(error).map(|()| false),
        }
    }

    fn begun(&self, number: u64) -> Outcome<RunId> {
        let key = key(self.worker.place, number);
        if let Found::One(run) = runs::find(&self.db, &key)? {
            return Ok(run);
        }
        Ok(workflow::begin(
            &self.db,
            &RunRequest {
                spec: "driven".into(),
                stage: "plan".into(),
                run_key: Some(key.clone()),
                prompt: b"do it".to_vec(),
                agents: roster(&key),
                quorum: None,
                accept: Accept::Majority,
                timeout: Duration::from_mins(1),
                sequential: number % 4 == 3,
                gate: false,
                directory: self.worker.folder.clone(),
                actor: "crash".into(),
            },
        )?)
    }
}

fn refused(error: ConsensusError) -> Outcome {
    match error.kind() {
        ConsensusErrorKind::Refused => Ok(()),
        _ => Err(error.into()),
    }
}

impl Work for Driver {
    fn act(&mut self, number: u64) -> Outcome<String> {
        // What somebody else left unfinished is anybody's to take up.
        for left in workflow::unfinished(&self.db)? {
            if matches!(left.owner, Owner::Nobody | Owner::Ended) {
                self.drive(left.run)?;
            }
        }
        let run = self.begun(number)?;
        while !self.drive(run)? {
            // Another one has taken it up.
            SystemSleeper.sleep(Duration::from_millis(5));
        }
        Ok("driven".to_owned())
    }
}

/// Every run that is closed has one answer of each agent, one synthesis and no attempt that is open; those that
/// were acknowledged are closed.
pub(crate) fn check(client: &Client, acknowledged: &Driven) -> Outcome {
    let closed = client.rows(&format!(
        "SELECT r.id, r.run_key, r.status FROM consensus_runs r JOIN run_settings s ON s.run_id = r.id
         WHERE s.ended_at IS NOT NULL AND r.run_key LIKE '{KEY}%'"
    ))?;
    let mut keys = BTreeSet::new();
    for row in closed {
        let [Value::Integer(id), Value::Text(key), Value::Text(status)] = &row[..] else {
            return Err(format!("a driven run: {row:?}").into());
        };
        if status != "ok" {
            return Err(format!("the driven run {key} is {status}").into());
        }
        let answers = client.rows(&format!(
            "SELECT agent_name, CAST(content AS TEXT), attempt, sequence FROM agent_outputs WHERE run_id = {id} ORDER BY agent_name"
        ))?;
        let wanted: Vec<Vec<Value>> = (0_i64..)
            .zip(AGENTS)
            .map(|(place, agent)| {
                // The second fails once.
                let attempt = if place == 1 { 2 } else { 1 };
                let (agent, content) = (Value::Text(agent.to_owned()), Value::Text(answer(agent, key)));
                vec![agent, content, Value::Integer(attempt), Value::Integer(1)]
            })
            .collect();
        if answers != wanted {
            return Err(format!("the driven run {key} has the answers {answers:?}").into());
        }
        for (query, count) in [
            ("run_syntheses WHERE", 1),
            ("run_attempts WHERE completed_at IS NULL AND", 0),
            ("run_attempts WHERE state = 'failed' AND", 1),
            ("run_attempts WHERE state = 'completed' AND", 3),
        ] {
            let found = number(client, &format!("SELECT count(*) FROM {query} run_id = {id}"))?;
            if found != count {
                return Err(format!("the driven run {key}: {found} of {query}").into());
            }
        }
        keys.insert(key.clone());
    }
    match acknowledged.iter().map(|(place, number)| key(*place, *number)).find(|key| !keys.contains(key)) {
        Some(key) => Err(format!("the driven run {key} was acknowledged and is not closed").into()),
        None => Ok(()),
    }
}
