//! What tasks must be: a worker's own as it has left them, those of the pool as the audit log tells, and as it was
//! acknowledged.

mod check;

use std::collections::{BTreeMap, BTreeSet};

use super::work::Worker;
use super::work::tasker::{Operation, Shared, records, written};
use crate::outcome::Outcome;

/// A task that only one worker changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Own {
    status: &'static str,
    notes: Option<String>,
    labels: BTreeSet<String>,
    comments: Vec<String>,
    edges: BTreeSet<(String, String)>,
}

/// What one worker has made. Everything follows from the seed and the number of operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    own: BTreeMap<String, Own>,
    /// Records of files: byte for byte.
    exact: BTreeMap<String, String>,
    /// Lines of files that are no tasks.
    others: BTreeSet<String>,
    /// Tasks that anybody may claim.
    pool: BTreeSet<String>,
}

impl Model {
    /// What the operation makes of it; a second time, nothing.
    fn apply(&mut self, place: u64, operation: Operation) {
        let own = &mut self.own;
        match operation {
            Operation::Create { id, label, on } => {
                own.entry(id).or_insert_with(|| Own {
                    status: "open",
                    labels: label.into_iter().collect(),
                    edges: on.map(|on| (on, "blocks".to_owned())).into_iter().collect(),
                    ..Own::default()
                });
            }
            Operation::Pool { id } => {
                self.pool.insert(id);
            }
            Operation::Import { file, version } => {
                for (id, line) in records(place, file, version) {
                    match id {
                        Some(id) => {
                            self.exact.insert(id, line);
                        }
                        None => {
                            self.others.insert(line);
                        }
                    }
                }
            }
            Operation::SyncOwn { number } => {
                let (id, line) = written(place, number);
                self.exact.insert(id, line);
            }
            Operation::SyncShared | Operation::Export | Operation::Shared(_) => {}
            Operation::Note { id, notes } => change(own, &id, |task| task.notes = Some(notes)),
            Operation::Label { id, label, add } => change(own, &id, |task| {
                if add {
                    task.labels.insert(label);
                } else {
                    task.labels.remove(&label);
                }
            }),
            Operation::Comment { id, text } => change(own, &id, |task| {
                if !task.comments.contains(&text) {
                    task.comments.push(text);
                }
            }),
            Operation::Depend { id, on, kind } => change(own, &id, |task| {
                task.edges.insert((on, kind.to_owned()));
            }),
            Operation::Undepend { id, on } => {
                change(own, &id, |task| task.edges.retain(|(target, _)| *target != on));
            }
            Operation::Close { id, .. } => change(own, &id, |task| {
                if task.status != "tombstone" {
                    task.status = "closed";
                }
            }),
            Operation::Reopen { id } => change(own, &id, |task| {
                if task.status == "closed" {
                    task.status = "open";
                }
            }),
            Operation::Delete { id } => change(own, &id, |task| task.status = "tombstone"),
        }
    }
}

fn change(own: &mut BTreeMap<String, Own>, id: &str, change: impl FnOnce(&mut Own)) {
    if let Some(task) = own.get_mut(id) {
        change(task);
    }
}

/// One worker's side.
#[derive(Debug, Clone, Default)]
struct Side {
    model: Model,
    /// What was under way when it was killed last, and is repeated: it is there wholly or not at all.
    pending: Option<Operation>,
    /// What it has acknowledged of the pool, by what the audit log calls it and by the task.
    acknowledged: BTreeMap<(&'static str, String), u64>,
    /// How often it was killed in such an operation.
    cut_off: BTreeMap<&'static str, u64>,
}

/// Everything that was said about tasks, by the place of the worker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    sides: BTreeMap<u64, Side>,
}

impl Tasks {
    /// A worker has acknowledged.
    pub(crate) fn done(&mut self, worker: &Worker, number: u64, words: &[&str]) -> Outcome {
        let side = self.sides.entry(worker.place).or_default();
        side.pending = None;
        let operation = Operation::of(worker, number);
        if let Operation::Shared(shared) = operation {
            match words {
                [_, id] => {
                    let key = (shared.audited(), (*id).to_owned());
                    *side.acknowledged.entry(key).or_default() += 1;
                }
                [none] if none.ends_with("-none") => {}
                _ => return Err(format!("{shared:?}: {words:?}").into()),
            }
        }
        side.model.apply(worker.place, operation);
        Ok(())
    }

    /// A worker was killed in this operation.
    pub(crate) fn cut_off(&mut self, worker: &Worker, number: u64) {
        let side = self.sides.entry(worker.place).or_default();
        let operation = Operation::of(worker, number);
        if let Operation::Shared(shared) = operation {
            *side.cut_off.entry(Shared::audited(shared)).or_default() += 1;
        }
        side.pending = Some(operation);
    }
}

#[cfg(test)]
mod tests;
