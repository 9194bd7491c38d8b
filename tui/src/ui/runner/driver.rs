//! The threads that drive runs, one for each, with a runtime of its own.
//!
//! Whatever happens in a run is stored before it is told. When the program ends, the agents that are still at work
//! are ended first: asked, and after a while killed; their attempts are stored as lost, and the runs are taken up
//! again by whoever resumes them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use conclave_consensus::child::Stop;
use conclave_consensus::gates;
use conclave_consensus::runs::{self, RunId};
use conclave_consensus::workflow::{self, Event, Pipeline, PipelineState, Unfinished};
use conclave_db::Db;

use super::Shared;
use crate::driving;
use crate::failure::{Doing, Failure};
use crate::project::Environment;
use crate::request::{self, Ask};
use crate::roster;
use crate::text::visible;
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
    /// What ends the agents of the runs that are driven from here, whatever the database says.
    stops: Arc<Mutex<BTreeMap<RunId, Stop>>>,
}

impl Driver {
    pub(super) fn new(shared: &Arc<Shared>, environment: Environment, messages: &Sender<Msg>) -> Self {
        let hands = Hands {
            shared: Arc::clone(shared),
            environment: Arc::new(environment),
            messages: messages.clone(),
            stop: Stop::new(),
            db: Arc::new(Mutex::new(None)),
            stops: Arc::default(),
        };
        Self { hands, threads: Mutex::new(Vec::new()) }
    }

    pub(super) fn begin(&self, asked: Asked) {
        self.on_a_thread("run", move |hands| match hands.begin(&asked) {
            Ok((db, run)) => hands.drive(&db, run),
            Err(failure) => hands.say(Msg::Begun(Err(failure.into()))),
        });
    }

    /// Goes on with a run that nobody drives; with its pipeline where it is a step of one that is not at its end.
    pub(super) fn go_on(&self, run: RunId) {
        self.on_a_thread("run", move |hands| match hands.left(run) {
            Ok((db, Left::Run)) => hands.drive(&db, run),
            Ok((db, Left::Pipeline(pipeline))) => hands.lead(&db, &pipeline),
            Ok((_, Left::Nothing(why))) => hands.say(Msg::Told(Ok(why))),
            Err(failure) => hands.say(Msg::Begun(Err(failure.into()))),
        });
    }

    /// Leads a spec through its stages.
    pub(super) fn auto(&self, spec: String) {
        self.on_a_thread("pipeline", move |hands| match hands.begin_pipeline(&spec) {
            Ok((db, pipeline)) => hands.lead(&db, &pipeline),
            Err(failure) => hands.say(Msg::Told(Err(failure.into()))),
        });
    }

    /// Goes on with every pipeline, and every run beside them, that nobody drives.
    pub(super) fn go_on_all(&self) {
        let left = self.hands.open().and_then(|db| {
            let pipelines = workflow::unfinished_pipelines(&db).doing("look for unfinished pipelines")?;
            let runs = workflow::unfinished(&db).doing("look for unfinished runs")?;
            Ok((db, pipelines, runs))
        });
        let (db, pipelines, runs) = match left {
            Ok(left) => left,
            Err(failure) => return self.hands.say(Msg::Told(Err(failure.into()))),
        };
        let is_step = |run: &Unfinished| {
            pipelines.iter().any(|one| one.unreadable.is_none() && one.run_key == run.run_key)
        };
        let alone: Vec<RunId> =
            runs.iter().filter(|run| run.owner.may_take() && !is_step(run)).map(|run| run.run).collect();
        let lead: Vec<Pipeline> = pipelines.iter().filter(|one| one.can_go_on).cloned().collect();
        if alone.is_empty() && lead.is_empty() {
            self.hands.say(Msg::Told(Ok("no run was left unfinished".to_owned())));
        }
        for pipeline in lead {
            let db = db.clone();
            self.on_a_thread("pipeline", move |hands| hands.lead(&db, &pipeline));
        }
        for run in alone {
            self.go_on(run);
        }
    }

    pub(super) fn cancel(&self, run: RunId) {
        self.on_a_thread("cancel", move |hands| {
            let said = hands.open().and_then(|db| {
                let cancelled = driving::complete(workflow::cancel(&db, run, &hands.shared.actor))?
                    .doing(format!("run {run}"))?;
                Ok(Msg::News(driving::cancelled(run, &cancelled)))
            });
            if said.is_err() {
                // It cannot be stored that it was cancelled: its agents end all the same.
                hands.stop_of(run).inspect(Stop::cancel);
            }
            hands.say(said.unwrap_or_else(|failure| Msg::Told(Err(failure.into()))));
        });
    }

    pub(super) fn answer(&self, run: RunId, issue: String, text: String) {
        self.on_a_thread("answer", move |hands| {
            let said = hands.open().and_then(|db| {
                let answered = gates::answer(&db, run, &issue, &text, &hands.shared.actor).doing("answer")?;
                Ok(match answered {
                    gates::Answered::Stored { left: 0 } => {
                        let pipeline = workflow::pipeline_of_run(&db, run).doing("look for its pipeline")?;
                        let goes_on = pipeline.is_some_and(|pipeline| pipeline.can_go_on);
                        let more = if goes_on { "; r goes on through the stages" } else { "" };
                        format!("answered; no question is open any more{more}")
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

    /// Who can be asked, by the configuration as it is now.
    pub(super) fn roster(&self) {
        self.on_a_thread("roster", |hands| {
            let project = match hands.shared.project_read_again() {
                Ok(project) => project,
                Err(failure) => return hands.say(Msg::Roster(Err(failure.into()))),
            };
            let known = roster::known(&project.config, &hands.environment);
            let choice = |agent: conclave_consensus::agents::AgentDefinition| Choice {
                installed: roster::refuse_missing(
                    std::slice::from_ref(&agent),
                    &project.config,
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

    /// Runs `action`, once, while no run is written to.
    pub(super) fn between_writes<T>(&self, mut action: impl FnMut() -> T) -> T {
        let db = self.hands.db.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut done = None;
        if let Some((_, db)) = db
            && let Err(error) = db.between_writes(|| done = Some(action()))
        {
            tracing::warn!(%error, "stop between writes");
        }
        done.unwrap_or_else(action)
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
        driving::refuse_few_descriptors()?;
        let db = self.open()?;
        let run = workflow::begin(&db, &request).doing("begin the run")?;
        Ok((db, run))
    }

    /// What there is to go on with behind a run.
    fn left(&self, run: RunId) -> Result<(Db, Left), Failure> {
        let db = self.open()?;
        let pipeline = workflow::pipeline_of_run(&db, run).doing("look for the run's pipeline")?;
        if let Some(pipeline) = pipeline.filter(driving::leads_on) {
            let left = if pipeline.can_go_on {
                Left::Pipeline(Box::new(pipeline))
            } else if pipeline.owner.may_take() {
                Left::Nothing(driving::rest(&pipeline))
            } else {
                Left::Nothing(format!("{} is being driven", driving::name(&pipeline)))
            };
            return Ok((db, left));
        }
        let detail = runs::show(&db, run).doing("read the run")?;
        let settings = detail.and_then(|detail| detail.settings);
        let is_closed = settings.is_none_or(|settings| settings.ended_at.is_some());
        let nothing = || Left::Nothing(format!("run {run} is closed: there is nothing to go on with"));
        Ok((db, if is_closed { nothing() } else { Left::Run }))
    }

    fn begin_pipeline(&self, spec: &str) -> Result<(Db, Pipeline), Failure> {
        let project = self.shared.project_read_again()?;
        let request =
            request::of_pipeline(&project, &self.environment, &self.shared.actor, spec, None, None)?;
        let db = self.open()?;
        let begun = workflow::begin_pipeline(&db, &request).doing("begin the pipeline")?;
        let found = workflow::pipeline(&db, begun.id).doing("read the pipeline")?;
        let pipeline = found.ok_or_else(|| Failure::not_found("the pipeline has just been deleted"))?;
        Ok((db, pipeline))
    }

    /// Leads a pipeline to where it rests. The run that it is at is told as one that is driven from here; from one
    /// to the next there is no moment without any, so that whoever waits for the end waits for all of it.
    fn lead(&self, db: &Db, pipeline: &Pipeline) {
        self.say(Msg::Told(Ok(format!("{} is on its way through its stages", visible(&pipeline.spec)))));
        let at = Arc::new(Mutex::new(None::<RunId>));
        let led = catch_unwind(AssertUnwindSafe(|| {
            let mut session = driving::session(&self.shared.project(), &self.environment);
            let (messages, at) = (self.messages.clone(), Arc::clone(&at));
            session.observer = Arc::new(move |event| observe(&messages, &at, event));
            session.stop = self.stop.below();
            let what = format!("lead {} through its stages", pipeline.spec);
            let unkept = driving::transcribe(&mut session, &self.shared.project(), db);
            let end = driving::complete(workflow::drive_pipeline(db, pipeline.id, &session));
            let unkept = unkept.or_else(|| driving::transcribed(&session));
            Ok((end?.doing(what)?, unkept))
        }));
        let led = led
            .unwrap_or_else(|_| Err(Failure::internal("the pipeline failed by a defect; the log has more")));
        let agreed = led.as_ref().is_ok_and(|(end, _)| {
            end.pipeline.state == PipelineState::Done
                && end.verdict.as_ref().is_some_and(|verdict| verdict.consensus_ok)
        });
        let said = led.map(|(end, unkept)| with(driving::rest(&end.pipeline), unkept)).map_err(Problem::from);
        let last = at.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.say(match last {
            Some(run) => Msg::DriveEnded { run, agreed, outcome: said },
            None => Msg::Told(said),
        });
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

    fn stop_of(&self, run: RunId) -> Option<Stop> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).get(&run).cloned()
    }

    /// Whether the verdict is ok, and what is to be said of it.
    fn to_its_end(&self, db: &Db, run: RunId) -> Result<(bool, String), Failure> {
        let mut session = driving::session(&self.shared.project(), &self.environment);
        let messages = self.messages.clone();
        session.observer = Arc::new(move |event| {
            let _ = messages.send(Msg::Event { run, event: Box::new(event) });
        });
        session.stop = self.stop.below();
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).insert(run, session.stop.clone());
        let unkept = driving::transcribe(&mut session, &self.shared.project(), db);
        let driven = driving::complete(workflow::drive(db, run, &session));
        let unkept = unkept.or_else(|| driving::transcribed(&session));
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        let driven = driven?.doing(format!("run {run}"))?;
        let Some(verdict) = driven.verdict else {
            return Ok((false, with(format!("run {run} was interrupted; r goes on with it"), unkept)));
        };
        let said = format!("run {run}: {}, {}", verdict.status, verdict.reason);
        Ok((verdict.consensus_ok, with(said, unkept)))
    }
}

/// What is said, with what was not kept of what the agents print.
fn with(said: String, unkept: Option<String>) -> String {
    match unkept {
        Some(unkept) => format!("{said}; {unkept}"),
        None => said,
    }
}

/// What is left behind a run.
enum Left {
    Run,
    Pipeline(Box<Pipeline>),
    /// And why.
    Nothing(String),
}

/// Tells what happens in a pipeline, of the run that it is at.
fn observe(messages: &Sender<Msg>, at: &Mutex<Option<RunId>>, event: Event) {
    let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
    if let Event::Begun { run } = event {
        let before = at.replace(run);
        let _ = messages.send(Msg::Begun(Ok(run)));
        if let Some(before) = before.filter(|before| *before != run) {
            let outcome = Ok(format!("run {before} is closed; on to run {run}"));
            let _ = messages.send(Msg::DriveEnded { run: before, agreed: false, outcome });
        }
    }
    if let Some(run) = *at {
        let _ = messages.send(Msg::Event { run, event: Box::new(event) });
    }
}
