//! New tasks.

use std::collections::{BTreeMap, BTreeSet};

use conclave_db::Db;

use super::change::Work;
use super::checks;
use super::depend::{edge, refuse_cycle};
use crate::error::{Result, TaskError};
use crate::ids::{self, Seed};
use crate::json;
use crate::moment::Moment;
use crate::read::TaskRow;
use crate::record::Record;
use crate::store::{edges, tasks};
use crate::words;

/// A task that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewTask {
    /// 1 to 500 bytes.
    pub title: String,
    /// Empty texts are left out of the record.
    pub description: String,
    /// `design`
    pub design: String,
    /// `acceptance_criteria`
    pub acceptance_criteria: String,
    /// `notes`
    pub notes: String,
    /// 0 to 4; 2 without one.
    pub priority: Option<u8>,
    /// `task` without one.
    pub issue_type: Option<String>,
    /// Who is to do it.
    pub assignee: Option<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// What it depends on, each with a type: `("bd-1", "blocks")`.
    pub dependencies: Vec<(String, String)>,
    /// The parent: its id is extended by a number, and the edge is made.
    pub parent: Option<String>,
    /// An id of one's own, which must not ever have been given.
    pub id: Option<String>,
    /// The prefix of the id; without one the commonest of the stored ids, else `folder_prefix`.
    pub prefix: Option<String>,
    /// Where no id is stored yet.
    pub folder_prefix: String,
    /// `due_at`, `defer_until` as RFC 3339.
    pub due_at: Option<String>,
    /// Not ready before.
    pub defer_until: Option<String>,
    /// `external_ref`
    pub external_ref: Option<String>,
    /// `estimated_minutes`
    pub estimated_minutes: Option<u64>,
}

/// Makes a task. Targets of its dependencies and its parent must exist, and no cycle may come of them.
pub fn create(db: &Db, who: &str, new: NewTask) -> Result<TaskRow> {
    checks::actor(who)?;
    new.check()?;
    let who = who.to_owned();
    db.write("task create", move |tx| {
        let mut work = Work::new(tx, &who);
        let now = Moment::from_ms(tx.now_ms());
        let dependencies = new.all_dependencies();
        for (target, _) in &dependencies {
            work.living(target)?;
        }
        let id = new.name(&work, now)?;
        // Only an id that others have named before it was given can close a cycle.
        if edges::has_dependents(tx, &id)? {
            for (target, kind) in &dependencies {
                refuse_cycle(&work, &id, target, kind)?;
            }
        }
        let record = new.record(&id, &who, now, &dependencies)?;
        work.add(&record)?;
        work.settle()?;
        work.row(&id)
    })
}

impl NewTask {
    fn check(&self) -> Result<()> {
        checks::title(&self.title)?;
        self.priority.map_or(Ok(()), checks::priority)?;
        self.issue_type.as_deref().map_or(Ok(()), checks::issue_type)?;
        self.assignee.as_deref().map_or(Ok(()), checks::assignee)?;
        checks::labels(&self.labels)?;
        self.dependencies.iter().try_for_each(|(_, kind)| checks::kind(kind))?;
        for (key, time) in [("due_at", &self.due_at), ("defer_until", &self.defer_until)] {
            time.as_deref().map_or(Ok(()), |text| checks::time(key, text))?;
        }
        self.prefix.as_deref().map_or(Ok(()), checks::id)?;
        self.id.as_deref().map_or(Ok(()), checks::id)
    }

    /// Those that were asked for, and the one on the parent; each once.
    fn all_dependencies(&self) -> Vec<(String, String)> {
        let parent = self.parent.iter().map(|parent| (parent.clone(), words::PARENT_CHILD.to_owned()));
        let mut all: Vec<(String, String)> = Vec::new();
        for dependency in parent.chain(self.dependencies.iter().cloned()) {
            if !all.contains(&dependency) {
                all.push(dependency);
            }
        }
        all
    }

    /// An id that was never given.
    fn name(&self, work: &Work<'_, '_>, now: Moment) -> Result<String> {
        if let Some(id) = &self.id {
            if tasks::is_taken(work.tx, id)? {
                return Err(TaskError::refused(
                    format!("the id {id} was given already"),
                    Some(
                        "an id is never given twice, also not that of a deleted task; leave it out to get a new one",
                    ),
                ));
            }
            return Ok(id.clone());
        }
        if let Some(parent) = &self.parent {
            return Ok(format!("{parent}.{}", tasks::last_child(work.tx, parent)?.saturating_add(1)));
        }
        // One look at all ids says how many there are, and what they mostly begin with.
        let (mut top, mut prefixes) = (0, BTreeMap::<String, u64>::new());
        tasks::each_id(work.tx, |id| {
            top += u64::from(ids::child_number(id).is_none());
            let Some(prefix) = ids::prefix_of(id).filter(|_| self.prefix.is_none()) else { return };
            match prefixes.get_mut(prefix) {
                Some(count) => *count += 1,
                None => _ = prefixes.insert(prefix.to_owned(), 1),
            }
        })?;
        // The least of those that are equally common: the last maximum of the reversed order.
        let commonest =
            prefixes.iter().rev().max_by_key(|(_, count)| **count).map(|(prefix, _)| prefix.as_str());
        let folder = Some(self.folder_prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let prefix = self.prefix.as_deref().or(commonest).or(folder).unwrap_or("task");
        let seed = Seed {
            title: &self.title,
            description: &self.description,
            creator: work.who,
            created_ns: i128::from(now.nanoseconds()),
        };
        for length in ids::length_for(top)..=*ids::LENGTHS.end() {
            for nonce in 0..ids::NONCES {
                let id = ids::hashed(prefix, &seed, length, nonce);
                if !tasks::is_taken(work.tx, &id)? {
                    return Ok(id);
                }
            }
        }
        Err(TaskError::refused(
            format!("no id with the prefix {prefix} was found that was never given"),
            Some("try again, or give another prefix"),
        ))
    }

    fn record(&self, id: &str, who: &str, now: Moment, dependencies: &[(String, String)]) -> Result<Record> {
        let text = |text: &str| json::encode(text).into_bytes();
        let mut members = vec![
            ("id", text(id)),
            ("title", text(&self.title)),
            ("status", text(words::OPEN)),
            ("priority", self.priority.unwrap_or(2).to_string().into_bytes()),
            ("issue_type", text(self.issue_type.as_deref().unwrap_or("task"))),
            ("created_at", text(&now.text())),
            ("created_by", text(who)),
            ("updated_at", text(&now.text())),
        ];
        let optional = [
            ("description", Some(&self.description)),
            ("design", Some(&self.design)),
            ("acceptance_criteria", Some(&self.acceptance_criteria)),
            ("notes", Some(&self.notes)),
            ("assignee", self.assignee.as_ref()),
            ("due_at", self.due_at.as_ref()),
            ("defer_until", self.defer_until.as_ref()),
            ("external_ref", self.external_ref.as_ref()),
        ];
        let filled =
            optional.into_iter().filter_map(|(key, value)| Some((key, value.filter(|v| !v.is_empty())?)));
        members.extend(filled.map(|(key, value)| (key, text(value))));
        if let Some(minutes) = self.estimated_minutes {
            members.push(("estimated_minutes", minutes.to_string().into_bytes()));
        }
        let labels: BTreeSet<&str> = self.labels.iter().map(String::as_str).collect();
        if !labels.is_empty() {
            let labels: Vec<String> = labels.into_iter().map(json::encode).collect();
            members.push(("labels", format!("[{}]", labels.join(",")).into_bytes()));
        }
        let flawed = |flaw: json::Flaw| TaskError::invalid(flaw.to_string());
        let mut edit = Record::compose(&members).map_err(flawed)?.edit();
        for (target, kind) in dependencies {
            edit.add_dependency(&edge(target, kind), who, now);
        }
        edit.finish_as_it_is().map_err(flawed)
    }
}
