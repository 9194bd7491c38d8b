//! The thread that changes tasks: one change after the other, in the order in which they were asked for. What was
//! asked for is written before the program ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use conclave_db::{Db, FileIdentity};
use conclave_tasks::work::{self, Change, Closing, How, NewTask};
use conclave_tasks::{ids, read, words};

use super::Shared;
use crate::failure::{Doing, Failure};
use crate::project::Project;
use crate::text::counted;
use crate::ui::effect::Write;
use crate::ui::message::{Msg, Written};

/// Most ids that are named in a line.
const NAMED: usize = 5;

/// Changes tasks until it is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    /// `None` once nothing more is taken.
    writes: Option<Sender<Write>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(shared: &Arc<Shared>, messages: &Sender<Msg>) -> Self {
        let (writes, asked) = channel();
        let (with, tell) = (Arc::clone(shared), messages.clone());
        let thread =
            std::thread::Builder::new().name("tasks".to_owned()).spawn(move || serve(&with, &asked, &tell));
        let thread = thread.inspect_err(|error| {
            let failure = Failure::io("start the thread tasks", error);
            let _ = messages.send(Msg::ReadFailed(failure.into()));
        });
        Self { writes: Some(writes), thread: thread.ok() }
    }

    pub(super) fn write(&self, write: Write) {
        // A thread that is gone has said so.
        let _ = self.writes.as_ref().map(|writes| writes.send(write));
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.writes = None;
        if let Some(thread) = self.thread.take() {
            // One that ended by a defect has said so.
            let _ = thread.join();
        }
    }
}

fn serve(shared: &Shared, asked: &Receiver<Write>, messages: &Sender<Msg>) {
    let mut open: Option<(FileIdentity, Db)> = None;
    while let Ok(write) = asked.recv() {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // Nobody stops the program while it holds a lock.
            let _writing = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
            let project = shared.project();
            let db = opened(&mut open, &project)?;
            carry_out(&db, &shared.actor, &project, &write)
        }));
        let outcome = outcome
            .unwrap_or_else(|_| Err(Failure::internal("the change failed by a defect; the log has more")));
        // Nobody may listen any more: the rest is written all the same.
        let _ = messages.send(Msg::Written { write, outcome: outcome.map_err(Into::into) });
    }
}

/// The database of the project that is shown; the same handle while it is the same file.
fn opened(open: &mut Option<(FileIdentity, Db)>, project: &Project) -> Result<Db, Failure> {
    let identity = || FileIdentity::of(&project.database).ok().flatten();
    if let Some((known, db)) = open.as_ref()
        && Some(*known) == identity()
    {
        return Ok(db.clone());
    }
    let db = project.open()?;
    *open = identity().map(|identity| (identity, db.clone()));
    Ok(db)
}

fn carry_out(db: &Db, who: &str, project: &Project, write: &Write) -> Result<Written, Failure> {
    let find = |id: &str| read::find(db, id).doing(format!("find the task {id}"));
    match write {
        Write::Claim(id) => {
            let id = find(id)?;
            let claimed = work::claim(db, who, &id, None).doing("claim")?;
            let is_new = claimed.how != How::Held;
            let how = match claimed.how {
                How::Taken => String::new(),
                How::Held => " already".to_owned(),
                How::TakenOver { from } => format!(", taken over from {from}, whose claim had expired"),
            };
            let all = read::show(db, &id).doing("read the task")?;
            let up = all.blockers.first().map_or_else(String::new, |by| match all.blockers.len() {
                1 => format!("; it {}", by.why),
                more => format!("; it is blocked by {} and {} more", by.id, more - 1),
            });
            Ok(Written { changed: is_new, ..said(format!("{id} is yours{how}{up}"), id) })
        }
        Write::Close { id, force } => {
            let id = find(id)?;
            let how = Closing { force: *force, ..Closing::default() };
            let closed = work::close(db, who, std::slice::from_ref(&id), &how)?;
            if !closed.already.is_empty() {
                return Ok(so_already(format!("{id} is closed already"), id));
            }
            let ready = closed.ready;
            Ok(said(format!("{id} is closed{}", now_ready(&ready)), id))
        }
        Write::Reopen(id) => {
            let id = find(id)?;
            let was = status(db, &id)?;
            work::reopen(db, who, std::slice::from_ref(&id), None).doing("reopen")?;
            if was.as_deref() != Some(words::CLOSED) {
                let was = was.map_or_else(|| "not closed".to_owned(), |was| was.replace('_', " "));
                return Ok(so_already(format!("{id} is {was} already: there is nothing to reopen"), id));
            }
            Ok(said(format!("{id} is open"), id))
        }
        Write::Delete(id) => {
            let id = find(id)?;
            work::delete(db, who, std::slice::from_ref(&id), None).doing("delete")?;
            Ok(said(format!("{id} is deleted"), id))
        }
        Write::Depend { issue, on } => {
            let (issue, on) = (find(issue)?, find(on)?);
            let depended = work::depend(db, who, &issue, &on, words::BLOCKS).doing("add the dependency")?;
            if !depended.changed {
                return Ok(so_already(format!("{issue} waits for {on} already"), issue));
            }
            Ok(said(format!("{issue} waits for {on}"), issue))
        }
        Write::Create(new) => {
            let folder = project.root.file_name().unwrap_or_default().to_string_lossy();
            let new = NewTask {
                issue_type: known_type(project, new.issue_type.as_ref())?,
                prefix: project.config.tasks.prefix.clone(),
                folder_prefix: ids::prefix_of_folder(&folder),
                ..(**new).clone()
            };
            let row = work::create(db, who, new).doing("make the task")?;
            Ok(said(format!("{} is made", row.id()), row.id().to_owned()))
        }
        Write::Update { id, change } => {
            let id = find(id)?;
            let issue_type = known_type(project, change.issue_type.as_ref())?;
            let change = Change { issue_type, ..(**change).clone() };
            work::update(db, who, std::slice::from_ref(&id), change).doing("change the task")?;
            Ok(said(format!("{id} is changed"), id))
        }
    }
}

fn said(said: String, id: String) -> Written {
    Written { said, changed: true, id: Some(id) }
}

/// Nothing had to be done.
fn so_already(said: String, id: String) -> Written {
    Written { said, changed: false, id: Some(id) }
}

/// The status that holds now.
fn status(db: &Db, id: &str) -> Result<Option<String>, Failure> {
    Ok(read::show(db, id).doing("read the task")?.row.status)
}

/// The name of a type, checked as on the command line.
fn known_type(project: &Project, given: Option<&String>) -> Result<Option<String>, Failure> {
    let configured = project.config.tasks.types.as_deref().unwrap_or_default();
    let known = given.map(|given| crate::cli::known_type(given, configured)).transpose();
    known.map_err(|wrong| {
        Failure::usage(wrong).hint("name further types in `[tasks] types` of the configuration")
    })
}

/// Which tasks nothing holds up any more.
fn now_ready(ready: &[String]) -> String {
    match ready {
        [] => String::new(),
        few if few.len() <= NAMED => format!("; ready now: {}", few.join(", ")),
        many => format!("; {} ready now", counted(many.len() as u64, "task is", "tasks are")),
    }
}

#[cfg(test)]
mod tests;
