//! The threads behind the screen: one reads and watches, one works, one keeps the file small. They own the
//! database handles; the core never waits for them.

mod agents;
mod coordination;
mod deeds;
mod driver;
pub(super) mod editor;
mod hosts;
mod housekeeper;
mod logs;
mod reader;
mod steps;
mod stores;
mod stores_work;
mod tasks;
mod worker;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use conclave_db::Db;
use tokio::sync::{mpsc, oneshot};

use super::effect::{Effect, Read, Work, Write};
use super::event_loop::spawn;
use super::message::Msg;
use super::screens::hosts::{Asked, Deed};
use crate::failure::Failure;
use crate::machine::Machine;
use crate::project::{Environment, Places, Project};

/// What the threads share.
#[derive(Debug)]
struct Shared {
    project: Mutex<Project>,
    /// The machine-wide file.
    machine: Option<Machine>,
    environment: Environment,
    places: Places,
    actor: String,
    read_only: bool,
    focused: AtomicBool,
    /// The newest question of each kind that can be abandoned: older ones end where they are.
    newest_page: AtomicU64,
    newest_count: AtomicU64,
    newest_tasks: AtomicU64,
    newest_log: AtomicU64,
    /// Held while the state is written.
    writing: Mutex<()>,
    /// The databases that something is at work on which may take long, and writes only now and then.
    at_work: Mutex<Vec<(u64, Db)>>,
}

impl Shared {
    fn project(&self) -> Project {
        self.project.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The project with its agents and prompts as the configuration has them now.
    fn project_read_again(&self) -> Result<Project, Failure> {
        let mut project = self.project();
        project.read_agents_again()?;
        let mut shown = self.project.lock().unwrap_or_else(PoisonError::into_inner);
        // Another one may have come into its place.
        if shown.source == project.source {
            shown.config.clone_from(&project.config);
        }
        Ok(project)
    }
}

/// What the UI is about.
#[derive(Debug)]
pub(super) struct On {
    pub(super) project: Project,
    pub(super) places: Places,
    pub(super) environment: Environment,
}

/// What the event loop has in hand of them.
#[derive(Debug)]
pub(super) struct Runner {
    shared: Arc<Shared>,
    reads: Sender<reader::Job>,
    stores: Sender<()>,
    works: Sender<Work>,
    messages: Sender<Msg>,
    driver: driver::Driver,
    writer: writer::Writer,
    asking: hosts::Asking,
    /// `None` where nothing may be written.
    house: Option<mpsc::UnboundedSender<housekeeper::Order>>,
}

impl Runner {
    /// Starts the threads.
    pub(super) fn start(on: On, actor: String, read_only: bool, messages: &Sender<Msg>) -> Self {
        let On { project, places, environment } = on;
        // Without a folder for it there is none.
        let machine = Machine::find(&environment, &places).ok();
        let shared = Arc::new(Shared {
            project: Mutex::new(project),
            machine,
            environment: environment.clone(),
            places,
            actor,
            read_only,
            focused: AtomicBool::new(true),
            newest_page: AtomicU64::new(0),
            newest_count: AtomicU64::new(0),
            newest_tasks: AtomicU64::new(0),
            newest_log: AtomicU64::new(0),
            writing: Mutex::new(()),
            at_work: Mutex::new(Vec::new()),
        });
        let (reads, read) = channel();
        let (works, work) = channel();
        let (with, tell) = (Arc::clone(&shared), messages.clone());
        let started = spawn("reader", move || reader::serve(&with, &read, &tell)).and_then(|()| {
            let with = Arc::clone(&shared);
            let tell = messages.clone();
            spawn("worker", move || worker::serve(&with, &work, &tell))
        });
        let (stores, store) = channel();
        let started = started.and_then(|()| {
            let with = Arc::clone(&shared);
            let tell = messages.clone();
            spawn("stores", move || stores::serve(&with, &store, &tell))
        });
        let mut house = None;
        let started = started.and_then(|()| {
            if read_only {
                return Ok(());
            }
            let (orders, ordered) = mpsc::unbounded_channel();
            house = Some(orders);
            let with = Arc::clone(&shared);
            let tell = messages.clone();
            spawn("housekeeper", move || housekeeper::serve(&with, ordered, &tell))
        });
        if let Err(failure) = started {
            let _ = messages.send(Msg::ReadFailed(failure.into()));
        }
        let driver = driver::Driver::new(&shared, environment, messages);
        let writer = writer::Writer::start(&shared, messages);
        let (messages, asking) = (messages.clone(), hosts::Asking::default());
        Self { shared, reads, stores, works, messages, driver, writer, asking, house }
    }

    pub(super) fn read(&self, read: Read) {
        match &read {
            Read::Page(page) => self.shared.newest_page.store(page.generation, Ordering::Relaxed),
            Read::Tasks(page) => self.shared.newest_tasks.store(page.generation, Ordering::Relaxed),
            Read::Log(asked) => self.shared.newest_log.store(asked.generation, Ordering::Relaxed),
            Read::Roster => return self.driver.roster(),
            Read::Stores => {
                // A thread that is gone has said so.
                let _ = self.stores.send(());
                return;
            }
            Read::Count { generation, .. } => self.shared.newest_count.store(*generation, Ordering::Relaxed),
            _ => {}
        }
        // A thread that is gone has said so.
        let _ = self.reads.send(reader::Job::Read(read));
    }

    pub(super) fn work(&self, work: Work) {
        if work.beside().is_some() {
            return self.work_beside(work);
        }
        if !matches!(work, Work::Pause | Work::Resume) {
            let _ = self.works.send(work);
            return;
        }
        // Not behind the work that it is to stop.
        let (shared, messages, pauses) =
            (Arc::clone(&self.shared), self.messages.clone(), work == Work::Pause);
        let started = spawn("pause", move || {
            let outcome = steps::pause(&shared, pauses).map_err(Into::into);
            let _ = messages.send(Msg::Worked { work, outcome });
        });
        if let Err(failure) = started {
            let _ = self.messages.send(Msg::ReadFailed(failure.into()));
        }
    }

    /// Does what waits for an agent on a thread of its own: nothing else waits for it.
    fn work_beside(&self, work: Work) {
        let (shared, messages, asked) = (Arc::clone(&self.shared), self.messages.clone(), work.clone());
        let started = spawn("deed", move || {
            // Nobody listens any more: the program ends.
            let _ = messages.send(worker::done(&shared, &messages, work));
        });
        if let Err(failure) = started {
            let _ = self.messages.send(Msg::Worked { work: asked, outcome: Err(failure.into()) });
        }
    }

    /// Does something to a host of models.
    pub(super) fn do_to_host(&self, deed: Deed) {
        hosts::begin_deed(&self.shared, &self.messages, deed);
    }

    /// Asks a model.
    pub(super) fn ask(&self, number: u64, asked: Asked) {
        self.asking.ask(&self.shared, &self.messages, number, asked);
    }

    /// Takes back what was asked.
    pub(super) fn stop_asking(&self) {
        self.asking.stop();
    }

    /// Changes a task, after whatever was asked for before.
    pub(super) fn write(&self, write: Write) {
        self.writer.write(write);
    }

    /// Carries out what is about runs.
    pub(super) fn drive(&self, effect: Effect) {
        match effect {
            Effect::Begin(asked) => self.driver.begin(*asked),
            Effect::GoOn(run) => self.driver.go_on(run),
            Effect::GoOnAll => self.driver.go_on_all(),
            Effect::Auto(spec) => self.driver.auto(spec),
            Effect::Cancel(run) => self.driver.cancel(run),
            Effect::Answer { run, issue, text } => self.driver.answer(run, issue, text),
            _ => {}
        }
    }

    pub(super) fn focus(&self, focused: bool) {
        self.shared.focused.store(focused, Ordering::Relaxed);
        let _ = self.reads.send(reader::Job::Look);
    }

    /// Carries out `action` while no write goes on: what is being written ends first, and nothing new begins.
    pub(super) fn between_writes<T>(&self, action: impl FnMut() -> T) -> T {
        let _writing = self.shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(house) = &self.house {
            let (ended, end) = oneshot::channel();
            if house.send(housekeeper::Order::Rest(ended)).is_ok() {
                // An error means that the housekeeper has ended, and its daemon with it.
                let _ = end.blocking_recv();
            }
        }
        let at_work = self.shared.at_work.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let at_work: Vec<Db> = at_work.into_iter().map(|(_, db)| db).collect();
        let mut action = action;
        let done = between_writes_of(&at_work, &mut || self.driver.between_writes(&mut action));
        if let Some(house) = &self.house {
            let _ = house.send(housekeeper::Order::GoOn);
        }
        done
    }
}

/// Carries out `action`, once, while none of these databases is written to.
fn between_writes_of<T>(databases: &[Db], action: &mut dyn FnMut() -> T) -> T {
    let Some((first, others)) = databases.split_first() else { return action() };
    let mut done = None;
    let went = first.between_writes(|| done = Some(between_writes_of(others, action)));
    match (done, went) {
        (Some(done), _) => done,
        (None, went) => {
            tracing::warn!(?went, "stop between writes");
            action()
        }
    }
}
