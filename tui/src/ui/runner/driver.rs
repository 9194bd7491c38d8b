//! The threads that drive runs, one for each, with a runtime of its own.
//!
//! Whatever happens in a run is stored before it is told. When the program ends, the agents that are still at work
//! are ended first: asked, and after a while killed; their attempts are stored as lost, and the runs are taken up
//! again by whoever resumes them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use conclave_consensus::child::Stop;
use conclave_consensus::gates;
use conclave_consensus::runs::RunId;
use conclave_consensus::workflow;
use conclave_db::Db;

use super::Shared;
use crate::driving;
use crate::failure::{Doing, Failure};
use crate::project::Environment;
use crate::request::{self, Ask};
use crate::roster;
use crate::ui::message::Msg;
use crate::ui::problem::Problem;
use crate::ui::screens::form::{Asked, Choice};

/// Drives runs until it is dropped.
#[derive(Debug)]
pub(super) struct Driver {
    hands: Hands,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What each of the threads has in hand.
#[derive(Debug, Clone)]
struct Hands {
    shared: Arc<Shared>,
    environment: Arc<Environment>,
    messages: Sender<Msg>,
    /// Asked for when the program ends.
    stop: Stop,
    /// The database that runs are driven in, once there was one.
    db: Arc<Mutex<Option<(PathBuf, Db)>>>,
}

impl Driver {
    pub(super) fn new(shared: &Arc<Shared>, environment: Environment, messages: &Sender<Msg>) -> Self {
        let hands = Hands {
            shared: Arc::clone(shared),
            environment: Arc::new(environment),
            messages: messages.clone(),
            stop: Stop::new(),
            db: Arc::new(Mutex::new(None)),
        };
        Self { hands, threads: Mutex::new(Vec::new()) }
    }

    pub(super) fn begin(&self, asked: Asked) {
        self.on_a_thread("run", move |hands| match hands.begin(&asked) {
            Ok((db, run)) => hands.drive(&db, run),
            Err(failure) => hands.say(Msg::Begun(Err(failure.into()))),
        });
    }

    pub(super) fn go_on(&self, run: RunId) {
        self.on_a_thread("run", move |hands| match hands.open() {
            Ok(db) => hands.drive(&db, run),
            Err(failure) => hands.say(Msg::Begun(Err(failure.into()))),
        });
    }

    /// Goes on with every run that nobody drives.
    pub(super) fn go_on_all(&self) {
        let left =
            self.hands.open().and_then(|db| workflow::unfinished(&db).doing("look for unfinished runs"));
        let left: Vec<RunId> = match left {
            Ok(left) => left.into_iter().filter(|run| run.owner.may_take()).map(|run| run.run).collect(),
            Err(failure) => return self.hands.say(Msg::Told(Err(failure.into()))),
        };
        if left.is_empty() {
            self.hands.say(Msg::Told(Ok("no run was left unfinished".to_owned())));
        }
        for run in left {
            self.go_on(run);
        }
    }

    pub(super) fn cancel(&self, run: RunId) {
        self.on_a_thread("cancel", move |hands| {
            let said = hands.open().and_then(|db| {
                let cancelled = driving::complete(workflow::cancel(&db, run, &hands.shared.actor))?
                    .doing(format!("run {run}"))?;
                Ok(Msg::News(match cancelled {
                    workflow::Cancel::Asked { .. } => {
                        format!("run {run} is being cancelled: its agents are ended")
                    }
                    workflow::Cancel::Closed(verdict) => {
                        format!("run {run} is closed: {}, {}", verdict.status, verdict.reason)
                    }
                    workflow::Cancel::AlreadyClosed => format!("run {run} was closed already"),
                }))
            });
            hands.say(said.unwrap_or_else(|failure| Msg::Told(Err(failure.into()))));
        });
    }

    pub(super) fn answer(&self, run: RunId, issue: String, text: String) {
        self.on_a_thread("answer", move |hands| {
            let said = hands.open().and_then(|db| {
                let answered = gates::answer(&db, run, &issue, &text, &hands.shared.actor).doing("answer")?;
                Ok(match answered {
                    gates::Answered::Stored { left: 0 } => {
                        "answered; no question is open any more".to_owned()
                    }
                    gates::Answered::Stored { left } => {
                        format!(
                            "answered; {}",
                            crate::text::counted(left, "question is open", "questions are open")
                        )
                    }
                    gates::Answered::Already { answer, by, at } => {
                        let at = crate::times::absolute(at);
                        format!("{by} has answered it before, at {at}: {answer}; that stands")
                    }
                })
            });
            hands.say(Msg::Told(said.map_err(Into::into)));
        });
    }

    /// Who can be asked.
    pub(super) fn roster(&self) {
        self.on_a_thread("roster", |hands| {
            let project = hands.shared.project();
            let known = roster::known(&project.config, &hands.environment);
            let choice = |agent: conclave_consensus::agents::AgentDefinition| Choice {
                installed: roster::refuse_missing(
                    std::slice::from_ref(&agent),
                    &hands.environment,
                    &project.root,
                )
                .is_ok(),
                name: agent.name,
                family: agent.family,
                stages: agent.stages,
            };
            hands.say(Msg::Roster(Ok(known.agents.into_iter().map(choice).collect())));
        });
    }

    /// Runs `action` while no run is written to.
    pub(super) fn between_writes<T>(&self, action: impl FnOnce() -> T) -> T {
        let db = self.hands.db.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut action = Some(action);
        let held = db.and_then(|(_, db)| {
            db.between_writes(|| action.take().map(|action| action()))
                .inspect_err(|error| tracing::warn!(%error, "stop between writes"))
                .ok()
                .flatten()
        });
        match (held, action) {
            (Some(done), _) => done,
            (None, Some(action)) => action(),
            // The action was taken, so it has given something.
            (None, None) => unreachable!("an action that was carried out gives its result"),
        }
    }

    fn on_a_thread(&self, name: &str, work: impl FnOnce(&Hands) + Send + 'static) {
        let hands = self.hands.clone();
        let guarded = move || {
            if catch_unwind(AssertUnwindSafe(|| work(&hands))).is_err() {
                let defect = Failure::internal("a run failed by a defect; the log has more");
                hands.say(Msg::Told(Err(defect.into())));
            }
        };
        match std::thread::Builder::new().name(name.to_owned()).spawn(guarded) {
            Ok(thread) => {
                let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
            }
            Err(error) => {
                let failure = Failure::io(format!("start the thread {name}"), &error);
                self.hands.say(Msg::Told(Err(failure.into())));
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.hands.stop.cancel();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // One that ended by a defect has said so.
            let _ = thread.join();
        }
    }
}

impl Hands {
    fn say(&self, message: Msg) {
        // Nobody listens any more: the program ends.
        let _ = self.messages.send(message);
    }

    /// The database of the project that is shown; the same handle while it is the same project.
    fn open(&self) -> Result<Db, Failure> {
        let project = self.shared.project();
        let mut open = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, db)) = open.as_ref()
            && *path == project.database
        {
            return Ok(db.clone());
        }
        let db = project.open()?;
        *open = Some((project.database, db.clone()));
        Ok(db)
    }

    fn begin(&self, asked: &Asked) -> Result<(Db, RunId), Failure> {
        let project = self.shared.project();
        let ask = Ask {
            spec: asked.spec.clone(),
            stage: asked.stage.clone(),
            prompt: asked.prompt.clone().map(String::into_bytes),
            agents: Some(asked.agents.clone()),
            quorum: asked.quorum,
            ..Ask::default()
        };
        let request = request::of_stage(&project, &self.environment, &self.shared.actor, ask)?;
        let db = self.open()?;
        let run = workflow::begin(&db, &request).doing("begin the run")?;
        Ok((db, run))
    }

    /// Drives the run to its end, and tells what came of it.
    fn drive(&self, db: &Db, run: RunId) {
        self.say(Msg::Begun(Ok(run)));
        let driven = catch_unwind(AssertUnwindSafe(|| self.to_its_end(db, run)));
        let driven =
            driven.unwrap_or_else(|_| Err(Failure::internal("the run failed by a defect; the log has more")));
        let agreed = driven.as_ref().is_ok_and(|(agreed, _)| *agreed);
        let outcome: Result<String, Problem> = driven.map(|(_, said)| said).map_err(Into::into);
        self.say(Msg::DriveEnded { run, agreed, outcome });
    }

    /// Whether the verdict is ok, and what is to be said of it.
    fn to_its_end(&self, db: &Db, run: RunId) -> Result<(bool, String), Failure> {
        let mut session = driving::session(&self.shared.project(), &self.environment);
        let messages = self.messages.clone();
        session.observer = Arc::new(move |event| {
            let _ = messages.send(Msg::Event { run, event: Box::new(event) });
        });
        session.stop = self.stop.below();
        let driven = driving::complete(workflow::drive(db, run, &session))?.doing(format!("run {run}"))?;
        let Some(verdict) = driven.verdict else {
            return Ok((false, format!("run {run} was interrupted; r goes on with it")));
        };
        Ok((verdict.consensus_ok, format!("run {run}: {}, {}", verdict.status, verdict.reason)))
    }
}
