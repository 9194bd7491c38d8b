//! Doing it. A repeated operation is one: after a kill nobody knows whether it was done.

use std::path::Path;

use conclave_db::Db;
use conclave_tasks::exchange::{self, ExportOptions, ImportOptions, Limits, SyncOptions};
use conclave_tasks::read::{self, ListQuery, ReadyQuery, TaskRow};
use conclave_tasks::work::{self, Change, Closing, NewTask, Set};
use conclave_tasks::{TaskError, TaskErrorKind};

use super::{Operation, POOL, Shared, export_file, own_file, records, shared_file, who, written};
use crate::crash::work::{Work, Worker, open};
use crate::outcome::Outcome;

/// A process that works with tasks.
#[derive(Debug)]
pub(crate) struct Tasker {
    worker: Worker,
    who: String,
    db: Db,
}

impl Tasker {
    pub(crate) fn new(worker: Worker) -> Outcome<Self> {
        let db = open(&worker.folder)?;
        Ok(Self { who: who(worker.place), worker, db })
    }

    fn has(&self, id: &str) -> Outcome<bool> {
        match read::show(&self.db, id) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == TaskErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn create(&self, id: &str, labels: Vec<String>, on: Option<&str>) -> Outcome {
        if self.has(id)? {
            return Ok(());
        }
        let new = NewTask {
            title: format!("the task {id}"),
            id: Some(id.to_owned()),
            labels,
            dependencies: on.map(|on| (on.to_owned(), "blocks".to_owned())).into_iter().collect(),
            ..NewTask::default()
        };
        work::create(&self.db, &self.who, new)?;
        Ok(())
    }

    fn comment(&self, id: &str, text: &str) -> Outcome {
        let shown = read::show(&self.db, id)?;
        let comments = &shown.row.record.projection().comments;
        if comments.iter().all(|comment| comment.text.as_deref() != Some(text)) {
            work::comment(&self.db, &self.who, id, text)?;
        }
        Ok(())
    }

    fn import(&self, file: u64, version: u64) -> Outcome {
        let lines: Vec<String> =
            records(self.worker.place, file, version).into_iter().map(|(_, line)| line).collect();
        let text = lines.join("\n");
        let lines = exchange::read_lines(&mut text.as_bytes(), Path::new("-"), Limits::default())?;
        lines.refuse_bad()?;
        exchange::import(&self.db, &self.who, lines, ImportOptions::default())?;
        Ok(())
    }

    /// Somebody writes a record into the file, all at once; then it is synced.
    fn sync_own(&self, number: u64) -> Outcome<String> {
        let path = own_file(&self.worker);
        let (id, line) = written(self.worker.place, number);
        let mut text = if path.exists() { std::fs::read_to_string(&path)? } else { String::new() };
        if !text.contains(&format!("\"{id}\"")) {
            text.push_str(&line);
            text.push('\n');
            let begun = path.with_extension("begun");
            std::fs::write(&begun, text)?;
            std::fs::rename(&begun, &path)?;
        }
        self.sync(&path)
    }

    fn sync(&self, path: &Path) -> Outcome<String> {
        let report = exchange::sync(&self.db, &self.who, path, &SyncOptions::default())?;
        match report.conflicts.first() {
            None if report.removed == 0 => Ok("task-sync".to_owned()),
            first => Err(format!("a sync has removed {}, conflict {first:?}", report.removed).into()),
        }
    }

    /// Tasks of the pool that are its own, in this status.
    fn mine(&self, status: &str) -> Outcome<Option<String>> {
        let query = ListQuery {
            statuses: vec![status.to_owned()],
            assignee: Some(self.who.clone()),
            labels: vec![POOL.to_owned()],
            limit: Some(1),
            ..ListQuery::default()
        };
        Ok(read::list(&self.db, &query)?.first().map(|row| row.id().to_owned()))
    }

    /// Gives the task that was claimed, finished, given back or begun again.
    fn shared(&self, number: u64, shared: Shared) -> Outcome<Option<String>> {
        let name = |row: &TaskRow| row.id().to_owned();
        match shared {
            Shared::ClaimReady => {
                let query = ReadyQuery { labels: vec![POOL.to_owned()], ..ReadyQuery::default() };
                Ok(work::claim_ready(&self.db, &self.who, &query, None)?.first().map(name))
            }
            Shared::Claim => {
                let query = ListQuery { labels: vec![POOL.to_owned()], ..ListQuery::default() };
                let rows = read::list(&self.db, &query)?;
                let place = usize::try_from(number)?.checked_rem(rows.len());
                let Some(row) = place.and_then(|place| rows.get(place)) else { return Ok(None) };
                match work::claim(&self.db, &self.who, row.id(), None) {
                    // What it had before is nothing new.
                    Ok(claimed) => Ok((claimed.how == work::How::Taken).then(|| name(row))),
                    Err(error) if error.kind() == TaskErrorKind::NotClaimable => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Shared::Finish => {
                let Some(id) = self.mine("in_progress")? else { return Ok(None) };
                let how = Closing { result: Some("done".into()), force: true, ..Closing::default() };
                work::close(&self.db, &self.who, std::slice::from_ref(&id), &how)?;
                Ok(Some(id))
            }
            Shared::Release => {
                let Some(id) = self.mine("in_progress")? else { return Ok(None) };
                let status = Some("open".to_owned());
                let change = Change { status, assignee: Set::Clear, ..Change::default() };
                work::update(&self.db, &self.who, std::slice::from_ref(&id), change)?;
                Ok(Some(id))
            }
            Shared::Revive => {
                let Some(id) = self.mine("closed")? else { return Ok(None) };
                work::reopen(&self.db, &self.who, std::slice::from_ref(&id), Some("again"))?;
                Ok(Some(id))
            }
        }
    }

    fn act(&self, number: u64) -> Outcome<String> {
        let operation = Operation::of(&self.worker, number);
        let word = operation.word();
        let (db, who) = (&self.db, self.who.as_str());
        match operation {
            Operation::Create { id, label, on } => {
                self.create(&id, label.into_iter().collect(), on.as_deref())?;
            }
            Operation::Pool { id } => self.create(&id, vec![POOL.to_owned()], None)?,
            Operation::Note { id, notes } => {
                work::update(db, who, &[id], Change { notes: Set::To(notes), ..Change::default() })?;
            }
            Operation::Label { id, label, add } => {
                let (labels, none) = ([label], []);
                let (add, remove) = if add { (&labels[..], &none[..]) } else { (&none[..], &labels[..]) };
                work::label(db, who, &id, add, remove)?;
            }
            Operation::Comment { id, text } => self.comment(&id, &text)?,
            Operation::Depend { id, on, kind } => drop(work::depend(db, who, &id, &on, kind)?),
            Operation::Undepend { id, on } => match work::undepend(db, who, &id, &on, None) {
                Err(TaskError::Refused { .. } | TaskError::NotFound { .. }) => {}
                done => drop(done?),
            },
            Operation::Close { id, reason } => {
                let how = Closing { reason: Some(reason.into()), force: true, ..Closing::default() };
                work::close(db, who, &[id], &how)?;
            }
            Operation::Reopen { id } => drop(work::reopen(db, who, &[id], None)?),
            Operation::Delete { id } => drop(work::delete(db, who, &[id], Some("crash"))?),
            Operation::Import { file, version } => self.import(file, version)?,
            Operation::SyncOwn { number } => return self.sync_own(number),
            Operation::SyncShared => return self.sync(&shared_file(&self.worker)),
            Operation::Export => {
                exchange::export_to_file(db, &export_file(&self.worker), ExportOptions::default())?;
            }
            Operation::Shared(shared) => {
                let said = self.shared(number, shared)?;
                return Ok(said.map_or_else(|| format!("{word}-none"), |id| format!("{word} {id}")));
            }
        }
        Ok(word.to_owned())
    }
}

impl Work for Tasker {
    fn act(&mut self, number: u64) -> Outcome<String> {
        Self::act(self, number).map_err(|error| {
            format!("{:?}: {error}", Operation::of(&self.worker, number))
                .chars()
                .take(500)
                .collect::<String>()
                .into()
        })
    }
}
