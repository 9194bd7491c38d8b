//! What must be stored: everything acknowledged, and what was under way at a kill wholly or not at all.
//!
//! A kill leaves open whether the operation at hand was committed. So there are several worlds, one for each
//! answer; what the workers say later and what the file holds decides between them.

use std::collections::{BTreeMap, BTreeSet};

use super::agents::Agents;
use super::cached::Cached;
use super::leases::Grants;
use super::row::{Kind, Row, Run};
use super::spool::Spooled;
use super::tasks::Tasks;
use super::work::drive::Driven;
use super::work::{Effect, Role, Worker, steps};
use crate::outcome::Outcome;

/// Names a row.
pub(crate) type Key = (Kind, String);

/// What one course of events has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) rows: BTreeMap<Key, Row>,
    pub(crate) runs: BTreeSet<Run>,
}

impl World {
    /// What the effect makes of this world. `changed` is how many rows its statement has changed, where that is
    /// known; gives whether it is possible.
    fn apply(&mut self, effect: &Effect, changed: Option<u64>, cleaned: bool) -> bool {
        let key = match effect {
            Effect::Run(run) => {
                self.runs.insert(run.clone());
                return true;
            }
            Effect::Insert(row) => {
                self.rows.entry((row.kind, row.name.clone())).or_insert_with(|| row.clone());
                return changed.is_none_or(|changed| changed == 1);
            }
            Effect::Become(row) => (row.kind, row.name.clone()),
            Effect::Rewrite { kind, name, .. } | Effect::Delete { kind, name } => (*kind, name.clone()),
            Effect::End { name, .. } => (Kind::Execution, name.clone()),
        };
        let is_there = self.rows.contains_key(&key);
        match (changed, is_there) {
            // The cleanup has dropped the tables: the row is out of an older program's reach.
            (Some(0), true) => return cleaned,
            (Some(0) | None, false) => return true,
            (Some(_), false) => return false,
            _ => {}
        }
        match effect {
            Effect::Become(row) => {
                self.rows.insert(key, row.clone());
            }
            Effect::Delete { .. } => {
                self.rows.remove(&key);
            }
            Effect::Rewrite { body, .. } => {
                if let Some(row) = self.rows.get_mut(&key) {
                    row.body = Some(body.clone());
                }
            }
            Effect::End { body, ended, .. } => {
                if let Some(row) = self.rows.get_mut(&key).filter(|row| row.ended.is_none()) {
                    (row.body, row.ended) = (Some(body.clone()), Some(*ended));
                }
            }
            Effect::Run(_) | Effect::Insert(_) => {}
        }
        changed.is_none_or(|changed| changed == 1)
    }
}

/// Everything that was said.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    pub(crate) worlds: Vec<World>,
    /// Rows of imports that were cut off: each is there wholly or not at all.
    pub(crate) perhaps: BTreeMap<Key, Row>,
    /// Moves of the phase that were acknowledged since the last check, and how many more there may have been.
    pub(crate) moves: Vec<(u8, u8)>,
    pub(crate) perhaps_moves: u64,
    /// Whether the legacy tables may have been dropped.
    pub(crate) cleaned: bool,
    /// Rows that an older program has changed since the last check: at least, and at most.
    pub(crate) old_changes: (u64, u64),
    /// How often each word was acknowledged.
    pub(crate) acknowledged: BTreeMap<String, u64>,
    /// Operations that were under way at a kill.
    pub(crate) cut_off: u64,
    /// Runs that were driven to their verdict.
    pub(crate) driven: Driven,
    /// What was said about tasks.
    pub(crate) tasks: Tasks,
    /// What was said about leases.
    pub(crate) grants: Grants,
    /// What was said about agents.
    pub(crate) agents: Agents,
    /// What was said about events.
    pub(crate) spooled: Spooled,
    /// What was said about the cache.
    pub(crate) cached: Cached,
}

impl Ledger {
    /// With these rows.
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        let rows = rows.into_iter().map(|row| ((row.kind, row.name.clone()), row)).collect();
        Self {
            worlds: vec![World { rows, runs: BTreeSet::new() }],
            perhaps: BTreeMap::new(),
            moves: Vec::new(),
            perhaps_moves: 0,
            cleaned: false,
            old_changes: (0, 0),
            acknowledged: BTreeMap::new(),
            cut_off: 0,
            driven: Driven::new(),
            tasks: Tasks::default(),
            grants: Grants::default(),
            agents: Agents::default(),
            spooled: Spooled::default(),
            cached: Cached::default(),
        }
    }

    /// A worker begins.
    pub(crate) fn begun(&mut self, worker: &Worker, number: u64) {
        match worker.role {
            Role::Migrator => self.cleaned |= steps::cleans(worker, number),
            // A REPLACE may be a deletion and an insertion.
            Role::Spooler => self.spooled.begun(worker, number),
            Role::Older => self.old_changes.1 += 2 * worker.effects(number).len() as u64,
            _ => {}
        }
    }

    /// A worker has acknowledged; `words` are what it said of it.
    pub(crate) fn done(&mut self, worker: &Worker, number: u64, words: &[&str]) -> Outcome {
        let (word, numbers) = words.split_first().ok_or("an acknowledgement without a word")?;
        *self.acknowledged.entry((*word).to_owned()).or_default() += 1;
        match worker.role {
            Role::Tasker => return self.tasks.done(worker, number, words),
            Role::Leaser => return self.grants.done(worker, words),
            Role::Registrar => return self.agents.done(worker, number, words),
            Role::Spooler => return self.spooled.done(worker, number, words),
            Role::Cacher => return self.cached.done(worker, number, words),
            Role::Importer => return Ok(()),
            _ => {}
        }
        let numbers = numbers.iter().map(|number| number.parse::<u64>()).collect::<Result<Vec<_>, _>>()?;
        match (worker.role, *word) {
            (Role::Migrator, "advance" | "rollback") => {
                let [from, to] = numbers[..] else { return Err("a move without its phases".into()) };
                self.moves.push((u8::try_from(from)?, u8::try_from(to)?));
                return Ok(());
            }
            (Role::Older, "no-table") if !self.cleaned => {
                return Err("the legacy tables are gone, and nobody has dropped them".into());
            }
            (Role::Driver, _) => {
                self.driven.insert((worker.place, number));
                return Ok(());
            }
            (_, "no-table" | "paused") => return Ok(()),
            _ => {}
        }
        let effects = worker.effects(number);
        if worker.role == Role::Older {
            self.old_changes.0 += numbers.iter().sum::<u64>();
        }
        for effect in &effects {
            if let Effect::Insert(row) = effect {
                self.perhaps.remove(&(row.kind, row.name.clone()));
            }
        }
        let cleaned = self.cleaned;
        let changes: Vec<Option<u64>> = (0..effects.len()).map(|place| numbers.get(place).copied()).collect();
        self.worlds.retain_mut(|world| {
            effects.iter().zip(&changes).all(|(effect, changed)| world.apply(effect, *changed, cleaned))
        });
        self.forget_equals();
        if self.worlds.is_empty() {
            return Err(format!(
                "{:?} {number} ({word}) has changed {numbers:?} rows, which no course of events explains",
                worker.role
            )
            .into());
        }
        Ok(())
    }

    /// A worker was killed in this operation.
    pub(crate) fn cut_off(&mut self, worker: &Worker, number: u64) {
        self.cut_off += 1;
        match worker.role {
            Role::Migrator => self.perhaps_moves += u64::from(steps::moves(worker, number)),
            Role::Caretaker => {
                for effect in worker.effects(number) {
                    if let Effect::Insert(row) = effect {
                        let key = (row.kind, row.name.clone());
                        if !self.worlds.iter().all(|world| world.rows.contains_key(&key)) {
                            self.perhaps.insert(key, row);
                        }
                    }
                }
            }
            // A grant that nobody has heard of is one that nobody has: its number does not come again.
            // The lines of a spooler may be there since it has begun.
            Role::Driver | Role::Leaser | Role::Spooler | Role::Importer | Role::Cacher => {}
            Role::Registrar => self.agents.cut_off(worker, number),
            Role::Tasker => self.tasks.cut_off(worker, number),
            Role::Own | Role::Older => {
                // A run and its row are two transactions.
                let effects = worker.effects(number);
                let mut others = self.worlds.clone();
                for world in &mut others {
                    for effect in &effects {
                        if !matches!(effect, Effect::Run(_)) {
                            world.apply(effect, None, self.cleaned);
                        }
                    }
                }
                if self.cleaned && worker.role == Role::Older {
                    // The rows that it changes may be out of its reach, since the cleanup: what it makes is there.
                    let mut beside = self.worlds.clone();
                    for world in &mut beside {
                        for effect in effects.iter().filter(|effect| matches!(effect, Effect::Insert(_))) {
                            world.apply(effect, None, true);
                        }
                    }
                    others.extend(beside);
                }
                self.worlds.extend(others);
                self.forget_equals();
            }
        }
    }

    fn forget_equals(&mut self) {
        let mut kept: Vec<World> = Vec::new();
        for world in self.worlds.drain(..) {
            if !kept.contains(&world) {
                kept.push(world);
            }
        }
        self.worlds = kept;
    }

    /// The file has told: this is the world, with these rows of cut-off imports.
    pub(crate) fn settle(&mut self, mut world: World, found: &[Key]) {
        for key in found {
            if let Some(row) = self.perhaps.remove(key) {
                world.rows.insert(key.clone(), row);
            }
        }
        self.worlds = vec![world];
        self.moves.clear();
        (self.perhaps_moves, self.old_changes) = (0, (0, 0));
    }
}

#[cfg(test)]
mod tests;
