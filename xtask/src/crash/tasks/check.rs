//! The store and the files against what was said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use conclave_db::Db;
use conclave_db::doctor::CheckState;
use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_tasks::exchange::{self, ImportOptions, Limits, Order};
use conclave_tasks::health;
use conclave_tasks::read::{self, ListQuery};
use conclave_tasks::record::{Line, Record};

use super::{Model, Own, Tasks};
use crate::crash::work::Worker;
use crate::crash::work::tasker::{self, Operation, who};
use crate::outcome::Outcome;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    pub(super) tasks: BTreeMap<String, Record>,
    pub(super) others: BTreeSet<String>,
}

/// A row of the audit log.
#[derive(Debug, Clone)]
pub(super) struct Audited {
    pub(super) task: String,
    pub(super) who: String,
    pub(super) operation: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
    pub(super) changes: serde_json::Value,
}

impl Tasks {
    /// Checks everything while nobody works; gives how many tasks there are.
    pub(crate) fn check(&mut self, worker: &Worker, db: &Db, client: &Client) -> Outcome<usize> {
        for check in health::checks(db, &[])? {
            if check.state != CheckState::Ok {
                return Err(format!("tasks: {}: {}", check.name, check.detail).into());
            }
        }
        let stored = Stored::read(db, client)?;
        self.compare(&stored)?;
        let log = audit(client)?;
        replays(&stored, &log)?;
        self.owners(&stored, &log)?;
        self.files(worker, &stored)?;
        comes_back(db, &stored)?;
        Ok(stored.tasks.len())
    }

    /// Each worker's own, with what was under way or without it; nothing that nobody has made.
    pub(super) fn compare(&mut self, stored: &Stored) -> Outcome {
        let mut others = BTreeSet::new();
        for (place, side) in &mut self.sides {
            if let Err(without) = side.model.compare(*place, stored) {
                let Some(pending) = &side.pending else { return Err(without) };
                let mut with = side.model.clone();
                with.apply(*place, pending.clone());
                with.compare(*place, stored)
                    .map_err(|with| format!("{without}; or, with {pending:?}: {with}"))?;
                // It has happened; from now on it must be there.
                side.model = with;
            }
            others.extend(side.model.others.iter().cloned());
        }
        let unknown =
            |id: &&String| tasker::place_of(id).is_none_or(|place| !self.sides.contains_key(&place));
        if let Some(id) = stored.tasks.keys().find(unknown) {
            return Err(format!("nobody has made the task {id}").into());
        }
        match stored.others.iter().find(|line| !others.contains(*line)) {
            Some(line) => Err(format!("nobody has made the line {line}").into()),
            None => Ok(()),
        }
    }

    /// A task of the pool has one owner at a time, each of those who were told so, and of others only as often as
    /// somebody was killed before he could say it.
    pub(super) fn owners(&self, stored: &Stored, log: &[Audited]) -> Outcome {
        let mut counted: BTreeMap<(u64, &str, &str), u64> = BTreeMap::new();
        let mut owners: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let places: BTreeMap<String, u64> = self.sides.keys().map(|place| (who(*place), *place)).collect();
        for row in log.iter().filter(|row| row.task.starts_with(tasker::POOL)) {
            let owner = owners.entry(&row.task).or_default();
            if row.operation == "claimed" && owner.as_ref().is_some_and(|owner| *owner != row.who) {
                return Err(format!("{} is {owner:?}'s, and {} has claimed it", row.task, row.who).into());
            }
            if matches!(&*row.operation, "closed" | "reopened") && owner.as_ref() != Some(&row.who) {
                return Err(
                    format!("{} is {owner:?}'s, and {} has {} it", row.task, row.who, row.operation).into()
                );
            }
            if let Some(change) = row.changes.get("assignee") {
                *owner = change.get("new").and_then(|new| new.as_str()).map(str::to_owned);
            }
            let place = places.get(&row.who).ok_or_else(|| format!("nobody is {}", row.who))?;
            *counted.entry((*place, &row.operation, &row.task)).or_default() += 1;
        }
        for (id, owner) in &owners {
            let record = stored.tasks.get(*id).ok_or_else(|| format!("{id} is gone"))?;
            if record.projection().assignee != *owner {
                let found = &record.projection().assignee;
                return Err(format!("{id} is {found:?}'s, and {owner:?}'s by the audit log").into());
            }
        }
        for (place, side) in &self.sides {
            for ((operation, id), times) in &side.acknowledged {
                let found = counted.get(&(*place, *operation, id.as_str())).copied().unwrap_or_default();
                if found < *times {
                    return Err(
                        format!("{id}: {times} times {operation} by {place}, {found} of it audited").into()
                    );
                }
            }
            for operation in ["claimed", "closed", "updated", "reopened"] {
                let told: u64 = side
                    .acknowledged
                    .iter()
                    .filter(|(key, _)| key.0 == operation)
                    .map(|(_, times)| times)
                    .sum();
                let found: u64 = counted
                    .iter()
                    .filter(|(key, _)| key.0 == *place && key.1 == operation)
                    .map(|(_, times)| times)
                    .sum();
                let most = told + side.cut_off.get(operation).copied().unwrap_or_default();
                if found > most {
                    return Err(format!("{found} times {operation} by {place}, {most} of it can be").into());
                }
            }
        }
        Ok(())
    }

    /// Files are whole: every line can be read and is a task that is known.
    fn files(&self, worker: &Worker, stored: &Stored) -> Outcome {
        let mut paths: Vec<PathBuf> = vec![tasker::shared_file(worker)];
        let mut known: BTreeSet<String> = stored.tasks.keys().cloned().collect();
        for (place, side) in &self.sides {
            let worker = Worker { place: *place, ..worker.clone() };
            paths.extend([tasker::export_file(&worker), tasker::own_file(&worker)]);
            if let Some(Operation::SyncOwn { number }) = side.pending {
                known.insert(tasker::written(*place, number).0);
            }
        }
        for path in paths.iter().filter(|path| path.exists()) {
            let lines = exchange::read_file(path, Limits::default())?;
            lines.refuse_bad()?;
            for (number, line) in &lines.good {
                if let Line::Task(record) = line
                    && !known.contains(record.id())
                {
                    return Err(format!("{}: line {number}: {}", path.display(), record.id()).into());
                }
            }
        }
        Ok(())
    }
}

impl Model {
    /// What of this is not as it is stored, or is stored and not here.
    fn compare(&self, place: u64, stored: &Stored) -> Outcome {
        let is_known =
            |id: &String| self.own.contains_key(id) || self.exact.contains_key(id) || self.pool.contains(id);
        let mut here = stored.tasks.keys().filter(|id| tasker::place_of(id) == Some(place));
        if let Some(id) = here.find(|id| !is_known(id)) {
            return Err(format!("nobody has made the task {id}").into());
        }
        let find = |id: &String| stored.tasks.get(id).ok_or_else(|| format!("the task {id} is gone"));
        for (id, own) in &self.own {
            let found = Own::of(find(id)?);
            if found != *own {
                return Err(format!("the task {id} is {found:?} and should be {own:?}").into());
            }
        }
        for (id, line) in &self.exact {
            let found = find(id)?;
            if found.bytes() != line.as_bytes() {
                let found = String::from_utf8_lossy(found.bytes());
                return Err(format!("the record {id} is {found} and should be {line}").into());
            }
        }
        for id in &self.pool {
            find(id)?;
        }
        match self.others.iter().find(|line| !stored.others.contains(*line)) {
            Some(line) => Err(format!("the line {line} is gone").into()),
            None => Ok(()),
        }
    }
}

impl Own {
    fn of(record: &Record) -> Self {
        let found = record.projection();
        let statuses = ["open", "closed", "tombstone"];
        let status = statuses.into_iter().find(|status| found.status.as_deref() == Some(*status));
        Self {
            status: status.unwrap_or("another"),
            notes: record.text("notes"),
            labels: found.labels.iter().cloned().collect(),
            comments: found.comments.iter().filter_map(|comment| comment.text.clone()).collect(),
            edges: found.dependencies.iter().map(|edge| (edge.target.clone(), edge.kind.clone())).collect(),
        }
    }
}

impl Stored {
    fn read(db: &Db, client: &Client) -> Outcome<Self> {
        let mut stored = Self::default();
        for row in read::list(db, &ListQuery { all: true, ..ListQuery::default() })? {
            stored.tasks.insert(row.id().to_owned(), row.record);
        }
        for row in client.rows("SELECT CAST(line AS TEXT) FROM task_lines")? {
            if let [Value::Text(line)] = &row[..] {
                stored.others.insert(line.clone());
            }
        }
        Ok(stored)
    }
}

/// The audit log in its order.
fn audit(client: &Client) -> Outcome<Vec<Audited>> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let query =
        "SELECT task_id, who, operation, old_status, new_status, changes FROM task_audit ORDER BY number";
    client
        .rows(query)?
        .iter()
        .map(|row| {
            let [task, who, operation, old, new, changes] = &row[..] else {
                return Err(format!("a row of the audit log: {row:?}").into());
            };
            Ok(Audited {
                task: text(task).unwrap_or_default(),
                who: text(who).unwrap_or_default(),
                operation: text(operation).unwrap_or_default(),
                old: text(old),
                new: text(new),
                changes: serde_json::from_str(&text(changes).unwrap_or_else(|| "{}".to_owned()))?,
            })
        })
        .collect()
}

/// Each status begins where the one before ended, and the last is the stored one.
pub(super) fn replays(stored: &Stored, log: &[Audited]) -> Outcome {
    let mut statuses: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for row in log.iter().filter(|row| !matches!(&*row.operation, "conflict" | "mended")) {
        let status = statuses.entry(&row.task).or_default();
        if row.old.as_deref() != *status {
            return Err(format!("the audit log: {row:?} where the status is {status:?}").into());
        }
        *status = row.new.as_deref();
    }
    for (id, record) in &stored.tasks {
        let status = statuses.get(id.as_str()).copied().flatten();
        if status != record.projection().status.as_deref() {
            let found = &record.projection().status;
            return Err(format!("{id} is {found:?}, and {status:?} by the audit log").into());
        }
    }
    Ok(())
}

/// An export of everything is everything that is stored, and brings nothing new.
fn comes_back(db: &Db, stored: &Stored) -> Outcome {
    let mut bytes = Vec::new();
    exchange::export(db, Order::Id, &mut bytes)?;
    let lines = exchange::read_lines(&mut &bytes[..], "-".as_ref(), Limits::default())?;
    let report =
        exchange::import(db, "crash", lines, ImportOptions { dry_run: true, ..ImportOptions::default() })?;
    let all = u64::try_from(stored.tasks.len() + stored.others.len())?;
    if report.unchanged != all {
        return Err(format!("of {all} exported lines not all are unchanged: {report:?}").into());
    }
    Ok(())
}
