//! What the commands mean, computed the slow and plain way.

use std::collections::{BTreeMap, BTreeSet};

/// A no of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Refused,
    NotClaimable,
}

type Outcome = Result<Vec<String>, Refusal>;
type Edges = BTreeSet<(String, String)>;

#[derive(Debug, Clone)]
pub(crate) struct Task {
    status: &'static str,
    assignee: Option<String>,
    expires: Option<i64>,
    close_reason: Option<&'static str>,
    has_closed_at: bool,
    priority: u8,
    created: i64,
    is_epic: bool,
    edges: Edges,
    labels: BTreeSet<String>,
    comments: usize,
}

/// What the store must show of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: String,
    pub(crate) assignee: Option<String>,
    pub(crate) is_closed: bool,
    pub(crate) has_ttl: bool,
    pub(crate) blocked: bool,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) edges: Edges,
    pub(crate) comments: usize,
    pub(crate) oddities: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Milliseconds since the beginning.
    pub(crate) now: i64,
    pub(crate) tasks: BTreeMap<String, Task>,
}

const WAITING: [&str; 4] = ["blocks", "parent-child", "waits-for", "conditional-blocks"];
const UNFINISHED: [&str; 5] = ["open", "in_progress", "blocked", "deferred", "hooked"];
const ENDED: [&str; 2] = ["closed", "tombstone"];

impl Task {
    fn has_expired(&self, now: i64) -> bool {
        self.status == "in_progress" && self.expires.is_some_and(|end| end <= now)
    }

    fn set_status(&mut self, status: &'static str) {
        match status {
            "closed" => self.has_closed_at = true,
            "tombstone" => {}
            _ => (self.close_reason, self.has_closed_at) = (None, false),
        }
        if status != "in_progress" {
            self.expires = None;
        }
        self.status = status;
    }

    /// The task of nobody that an expired claim is.
    fn settle(&mut self, now: i64) {
        if self.has_expired(now) {
            self.set_status("open");
            self.assignee = None;
        }
    }
}

impl Model {
    fn living(&mut self, id: &str) -> Result<&mut Task, Refusal> {
        self.tasks.get_mut(id).filter(|task| task.status != "tombstone").ok_or(Refusal::Refused)
    }

    pub(crate) fn create(&mut self, id: &str, edges: Edges, priority: u8, is_epic: bool) -> Outcome {
        for (target, _) in &edges {
            self.living(target)?;
        }
        let task = Task {
            status: "open",
            assignee: None,
            expires: None,
            close_reason: None,
            has_closed_at: false,
            priority,
            created: self.now,
            is_epic,
            edges,
            labels: BTreeSet::new(),
            comments: 0,
        };
        self.tasks.insert(id.to_owned(), task);
        Ok(vec![id.to_owned()])
    }

    pub(crate) fn claim(&mut self, who: &str, id: &str, ttl: Option<u64>) -> Outcome {
        let now = self.now;
        let task = self.living(id).map_err(|_| Refusal::NotClaimable)?;
        let holds = task.assignee.as_deref() == Some(who);
        let free = task.status == "open" && (task.assignee.is_none() || holds) || task.has_expired(now);
        let held = task.status == "in_progress" && holds && !free;
        if !free && !held {
            return Err(Refusal::NotClaimable);
        }
        if free {
            task.expires = None;
        }
        task.set_status("in_progress");
        task.assignee = Some(who.to_owned());
        if let Some(ttl) = ttl {
            task.expires = Some(now + i64::try_from(ttl).unwrap());
        }
        Ok(vec![id.to_owned()])
    }

    pub(crate) fn claim_ready(&mut self, who: &str, limit: u64, ttl: Option<u64>) -> Vec<String> {
        let now = self.now;
        let mut ready = self.ready();
        ready.retain(|id| {
            let task = &self.tasks[id];
            task.has_expired(now) || task.assignee.as_deref().is_none_or(|assignee| assignee == who)
        });
        ready.truncate(usize::try_from(limit).unwrap());
        for id in &ready {
            self.claim(who, id, ttl).unwrap();
        }
        ready
    }

    pub(crate) fn set_status(&mut self, who: &str, id: &str, status: &'static str) -> Outcome {
        let now = self.now;
        let is_held_up = self.is_held_up(id, &[id.to_owned()]);
        let task = self.living(id)?;
        if status == "closed" && task.status != "closed" && is_held_up {
            return Err(Refusal::Refused);
        }
        task.settle(now);
        task.set_status(status);
        if status == "in_progress" && task.assignee.is_none() {
            task.assignee = Some(who.to_owned());
        }
        Ok(vec![id.to_owned()])
    }

    pub(crate) fn assign(&mut self, id: &str, to: Option<&str>) -> Outcome {
        let now = self.now;
        let task = self.living(id)?;
        task.settle(now);
        if to.is_none() && task.status == "in_progress" {
            return Err(Refusal::Refused);
        }
        task.assignee = to.map(str::to_owned);
        Ok(vec![id.to_owned()])
    }

    pub(crate) fn close(&mut self, ids: &[String], reason: Option<&'static str>, force: bool) -> Outcome {
        let before = self.blocked();
        for id in ids {
            let task = self.living(id)?;
            if task.status != "closed" && !force && self.is_held_up(id, ids) {
                return Err(Refusal::Refused);
            }
        }
        for id in ids {
            let task = self.living(id)?;
            if task.status != "closed" {
                task.set_status("closed");
                task.close_reason = reason;
            }
        }
        let (after, ready) = (self.blocked(), self.ready());
        Ok(before.into_iter().filter(|id| !after.contains(id) && ready.contains(id)).collect())
    }

    /// By others that are not finished and not closed with it.
    fn is_held_up(&self, id: &str, with: &[String]) -> bool {
        let task = &self.tasks[id];
        let others = |ids: Vec<&String>| ids.into_iter().any(|other| !with.contains(other));
        let open_children = |id: &str| {
            let all = self.children(id);
            all.into_iter().filter(|child| !ENDED.contains(&self.tasks[*child].status)).collect::<Vec<_>>()
        };
        let waits = |(target, kind): &(String, String)| match kind.as_str() {
            "blocks" | "conditional-blocks" => {
                UNFINISHED.contains(&self.tasks[target].status) && !with.contains(target)
            }
            "waits-for" => others(open_children(target)),
            _ => false,
        };
        task.edges.iter().any(waits) || task.is_epic && others(open_children(id))
    }

    pub(crate) fn reopen(&mut self, id: &str) -> Outcome {
        let task = self.living(id)?;
        if task.status == "closed" {
            task.set_status("open");
        }
        Ok(vec![id.to_owned()])
    }

    pub(crate) fn delete(&mut self, id: &str) -> Vec<String> {
        if let Ok(task) = self.living(id) {
            task.set_status("tombstone");
        }
        vec![id.to_owned()]
    }

    pub(crate) fn depend(&mut self, id: &str, on: &str, kind: &str) -> Outcome {
        let edge = (on.to_owned(), kind.to_owned());
        if !self.living(id)?.edges.contains(&edge) {
            self.living(on)?;
            if id == on || WAITING.contains(&kind) && self.reaches(on, id) {
                return Err(Refusal::Refused);
            }
            self.living(id)?.edges.insert(edge);
        }
        Ok(vec![on.to_owned()])
    }

    fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut waiting = vec![from.to_owned()];
        while let Some(id) = waiting.pop() {
            for (target, kind) in &self.tasks[&id].edges {
                if WAITING.contains(&kind.as_str()) && seen.insert(target.clone()) {
                    waiting.push(target.clone());
                }
            }
        }
        seen.contains(to)
    }

    pub(crate) fn undepend(&mut self, id: &str, on: &str) -> Outcome {
        let task = self.living(id)?;
        let before = task.edges.len();
        task.edges.retain(|(target, _)| target != on);
        if task.edges.len() == before { Err(Refusal::Refused) } else { Ok(vec![on.to_owned()]) }
    }

    pub(crate) fn label(&mut self, id: &str, add: &str, remove: &str) -> Outcome {
        let task = self.living(id)?;
        task.labels.remove(remove);
        task.labels.insert(add.to_owned());
        Ok(vec![])
    }

    pub(crate) fn comment(&mut self, id: &str) -> Outcome {
        self.living(id)?.comments += 1;
        Ok(vec![])
    }

    fn children(&self, id: &str) -> Vec<&String> {
        let edge = (id.to_owned(), "parent-child".to_owned());
        self.tasks.iter().filter(|(_, task)| task.edges.contains(&edge)).map(|(id, _)| id).collect()
    }

    fn holds(&self, (target, kind): &(String, String)) -> bool {
        let Some(other) = self.tasks.get(target) else { return false };
        let unfinished = UNFINISHED.contains(&other.status);
        match kind.as_str() {
            "blocks" => unfinished,
            "conditional-blocks" => {
                let failed = other.close_reason.is_some_and(|reason| {
                    let reason = reason.to_ascii_lowercase();
                    ["failed", "wontfix"].iter().any(|word| reason.contains(word))
                });
                unfinished || other.status == "closed" && !failed
            }
            "waits-for" => self.children(target).iter().any(|id| !ENDED.contains(&self.tasks[*id].status)),
            _ => false,
        }
    }

    /// In the order of ids; grows until nothing is added.
    fn blocked(&self) -> BTreeSet<String> {
        let mut blocked = BTreeSet::new();
        loop {
            let before = blocked.len();
            for (id, task) in &self.tasks {
                let inherits =
                    |(target, kind): &(String, String)| kind == "parent-child" && blocked.contains(target);
                if task.edges.iter().any(|edge| self.holds(edge) || inherits(edge)) {
                    blocked.insert(id.clone());
                }
            }
            if blocked.len() == before {
                return blocked;
            }
        }
    }

    pub(crate) fn ready(&self) -> Vec<String> {
        let blocked = self.blocked();
        let open = |task: &Task| task.status == "open" || task.has_expired(self.now);
        let mut ready: Vec<_> =
            self.tasks.iter().filter(|(id, task)| open(task) && !blocked.contains(*id)).collect();
        ready.sort_by_key(|(id, task)| (task.priority, task.created, (*id).clone()));
        ready.into_iter().map(|(id, _)| id.clone()).collect()
    }

    pub(crate) fn seen(&self) -> BTreeMap<String, Seen> {
        let blocked = self.blocked();
        let seen = |(id, task): (&String, &Task)| {
            let expired = task.has_expired(self.now);
            let seen = Seen {
                status: if expired { "open" } else { task.status }.to_owned(),
                assignee: task.assignee.clone().filter(|_| !expired),
                is_closed: task.has_closed_at,
                has_ttl: task.expires.is_some(),
                blocked: blocked.contains(id),
                labels: task.labels.clone(),
                edges: task.edges.clone(),
                comments: task.comments,
                oddities: 0,
            };
            (id.clone(), seen)
        };
        self.tasks.iter().map(seen).collect()
    }
}
