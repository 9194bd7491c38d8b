//! Runs that are driven: agents are real processes here, shells mostly.

mod asked;
mod ended;
mod found;
mod killed;
mod many;
mod marks;
mod owned;
mod removed;
mod repaired;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use conclave_consensus::agents::{Accept, AgentDefinition};
use conclave_consensus::runs::RunId;
use conclave_consensus::workflow::{self, Driven, Event, RunRequest, Session};
use conclave_db::Db;
use conclave_retry::{RetryPolicy, RetrySettings};

use crate::project::Project;

/// A usable answer of the stage plan.
pub(crate) const PLAN: &str = r#"{"stage":"plan","work_breakdown":["one"],"acceptance_mapping":["two"]}"#;

/// An agent that is this shell script.
pub(crate) fn agent(name: &str, script: &str) -> AgentDefinition {
    AgentDefinition {
        name: name.into(),
        preset: None,
        command: vec!["sh".into(), "-c".into(), script.into()],
        model: None,
        route: None,
        family: None,
        role: None,
        timeout: Duration::from_mins(5),
        retries: 0,
        env_pass: Vec::new(),
        env: Vec::new(),
        stages: Vec::new(),
    }
}

/// One that answers.
pub(crate) fn good(name: &str) -> AgentDefinition {
    agent(name, &format!("cat >/dev/null; echo '{PLAN}'"))
}

pub(crate) fn request(project: &Project, agents: Vec<AgentDefinition>) -> RunRequest {
    RunRequest {
        spec: "S-1".into(),
        stage: "spec-plan".into(),
        run_key: Some("R1".into()),
        prompt: b"do it".to_vec(),
        agents,
        quorum: None,
        accept: Accept::Majority,
        timeout: Duration::from_mins(5),
        sequential: false,
        gate: false,
        directory: project.dir.path().to_path_buf(),
        actor: "ana".into(),
    }
}

/// A session that hardly waits between attempts.
pub(crate) fn session() -> Session {
    let settings = RetrySettings {
        max_attempts: 100,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(2),
        longest_asked: Duration::from_mins(1),
        ..RetrySettings::default()
    };
    Session { retry: RetryPolicy::new(settings).unwrap(), ..Session::new(std::env::vars_os().collect()) }
}

/// A session that keeps what it is told, but for lines.
pub(crate) fn listening() -> (Session, Arc<Mutex<Vec<Event>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&events);
    let observer = move |event| {
        if !matches!(event, Event::Line { .. }) {
            kept.lock().unwrap().push(event);
        }
    };
    (Session { observer: Arc::new(observer), ..session() }, events)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn drive(db: &Db, run: RunId, session: &Session) -> Driven {
    runtime().block_on(workflow::drive(db, run, session)).unwrap()
}

/// Begins and drives.
pub(crate) fn run(project: &Project, request: &RunRequest) -> Driven {
    let run = workflow::begin(&project.db, request).unwrap();
    drive(&project.db, run, &session())
}
