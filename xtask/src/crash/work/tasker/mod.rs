//! Tasks: processes that each have their own and share a pool, and files that go in and out.
//!
//! What a worker does with its own tasks follows from the seed, so that the parent knows what they must be. Who gets
//! which task of the pool does not: the workers say so, and the audit log must agree.

mod act;

use std::path::PathBuf;

pub(crate) use self::act::Tasker;
use super::Worker;
use crate::chance::Chance;
use crate::crash::row::noise;

/// The label of the tasks that anybody may claim.
pub(crate) const POOL: &str = "pool";

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A task of its own.
    Create {
        id: String,
        label: Option<String>,
        on: Option<String>,
    },
    Note {
        id: String,
        notes: String,
    },
    Label {
        id: String,
        label: String,
        add: bool,
    },
    Comment {
        id: String,
        text: String,
    },
    Depend {
        id: String,
        on: String,
        kind: &'static str,
    },
    Undepend {
        id: String,
        on: String,
    },
    Close {
        id: String,
        reason: &'static str,
    },
    Reopen {
        id: String,
    },
    Delete {
        id: String,
    },
    /// A file of records that is imported, again and again in later versions.
    Import {
        file: u64,
        version: u64,
    },
    /// A record that somebody has written into the file that this worker syncs with.
    SyncOwn {
        number: u64,
    },
    /// A file that all workers sync with.
    SyncShared,
    Export,
    /// A task that anybody may claim.
    Pool {
        id: String,
    },
    Shared(Shared),
}

/// What a worker does with tasks of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shared {
    /// The first that is ready.
    ClaimReady,
    /// One that may be somebody else's.
    Claim,
    /// One that it has is done, given back, or begun again.
    Finish,
    Release,
    Revive,
}

impl Shared {
    /// What the audit log calls it where it has changed something.
    pub(crate) const fn audited(self) -> &'static str {
        match self {
            Self::ClaimReady | Self::Claim => "claimed",
            Self::Finish => "closed",
            Self::Release => "updated",
            Self::Revive => "reopened",
        }
    }
}

/// What was drawn first: tasks and files have their names from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    Create,
    Change,
    Delete,
    Import,
    Sync,
    Shared,
}

fn draw(worker: &Worker, number: u64) -> (Chance, Drawn) {
    let mut chance = Chance::of(worker.seed, &[worker.place, number]);
    let drawn = match chance.below(100) {
        0..16 => Drawn::Create,
        16..46 => Drawn::Change,
        46..49 => Drawn::Delete,
        49..57 => Drawn::Import,
        57..66 => Drawn::Sync,
        _ => Drawn::Shared,
    };
    (chance, drawn)
}

/// The newest of its operations of this kind.
fn newest(worker: &Worker, number: u64, drawn: Drawn) -> Vec<u64> {
    (number.saturating_sub(60)..number)
        .rev()
        .filter(|before| draw(worker, *before).1 == drawn)
        .take(8)
        .collect()
}

fn task(worker: &Worker, number: u64) -> String {
    format!("t{}-{number}", worker.place)
}

/// One of its own tasks that was created before the operation `end`, and that is not deleted now; of the newest.
fn target(worker: &Worker, now: u64, end: u64, chance: &mut Chance) -> Option<u64> {
    let created = newest(worker, end, Drawn::Create);
    let deleted: Vec<u64> = (created.last().copied()?..now)
        .filter(|before| draw(worker, *before).1 == Drawn::Delete)
        .filter_map(|before| deleted(worker, before))
        .collect();
    let is_live = |created: &u64| !deleted.contains(created) && !is_pool(worker, *created);
    let live: Vec<u64> = created.into_iter().filter(is_live).collect();
    (!live.is_empty()).then(|| chance.pick(&live))
}

/// Which task a deletion is of, whether that is gone already or not.
fn deleted(worker: &Worker, number: u64) -> Option<u64> {
    let created = newest(worker, number, Drawn::Create);
    (!created.is_empty()).then(|| draw(worker, number).0.pick(&created))
}

impl Operation {
    pub(crate) fn of(worker: &Worker, number: u64) -> Self {
        let (mut chance, drawn) = draw(worker, number);
        match drawn {
            Drawn::Create if chance.percent(45) => {
                Self::Pool { id: format!("{POOL}-{}-{number}", worker.place) }
            }
            Drawn::Create => {
                let before = target(worker, number, number, &mut chance).filter(|_| chance.percent(40));
                Self::Create {
                    id: task(worker, number),
                    label: chance.percent(30).then(|| format!("l{}", chance.below(4))),
                    on: before.map(|before| task(worker, before)),
                }
            }
            Drawn::Change => Self::change(worker, number, &mut chance).unwrap_or(Self::Export),
            Drawn::Delete => match deleted(worker, number) {
                Some(created) if !is_pool(worker, created) => Self::Delete { id: task(worker, created) },
                _ => Self::Export,
            },
            Drawn::Import => {
                let before = newest(worker, number, Drawn::Import);
                let again = !before.is_empty() && chance.percent(50);
                Self::Import { file: if again { chance.pick(&before) } else { number }, version: number }
            }
            Drawn::Sync => match chance.below(3) {
                0 => Self::SyncOwn { number },
                1 => Self::SyncShared,
                _ => Self::Export,
            },
            Drawn::Shared => Self::Shared(match chance.below(20) {
                0..8 => Shared::ClaimReady,
                8..12 => Shared::Claim,
                12..16 => Shared::Finish,
                16..18 => Shared::Release,
                _ => Shared::Revive,
            }),
        }
    }

    fn change(worker: &Worker, number: u64, chance: &mut Chance) -> Option<Self> {
        let created = target(worker, number, number, chance)?;
        let id = task(worker, created);
        let words = |chance: &mut Chance| {
            let most = if chance.percent(20) { 9000 } else { 200 };
            format!("{number} {}", String::from_utf8_lossy(&noise(chance, most)))
        };
        Some(match chance.below(12) {
            0..3 => Self::Note { id, notes: words(chance) },
            3 | 4 => Self::Label { id, label: format!("l{}", chance.below(4)), add: chance.percent(65) },
            5 => Self::Comment { id, text: words(chance) },
            6..9 => {
                // Only from later ones to earlier ones: no cycle comes of it.
                let on = task(worker, target(worker, number, created, chance)?);
                let kinds =
                    ["blocks", "blocks", "parent-child", "conditional-blocks", "waits-for", "related"];
                if chance.percent(75) {
                    Self::Depend { id, on, kind: chance.pick(&kinds) }
                } else {
                    Self::Undepend { id, on }
                }
            }
            9 | 10 => Self::Close { id, reason: chance.pick(&["done", "it failed", "no need"]) },
            _ => Self::Reopen { id },
        })
    }

    /// The word of its acknowledgement; operations on the pool say more.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Pool { .. } => "task-create",
            Self::Note { .. } => "task-update",
            Self::Label { .. } => "task-label",
            Self::Comment { .. } => "task-comment",
            Self::Depend { .. } => "task-depend",
            Self::Undepend { .. } => "task-undepend",
            Self::Close { .. } => "task-close",
            Self::Reopen { .. } => "task-reopen",
            Self::Delete { .. } => "task-delete",
            Self::Import { .. } => "task-import",
            Self::SyncOwn { .. } | Self::SyncShared => "task-sync",
            Self::Export => "task-export",
            Self::Shared(Shared::ClaimReady | Shared::Claim) => "task-claim",
            Self::Shared(Shared::Finish) => "task-finish",
            Self::Shared(Shared::Release) => "task-release",
            Self::Shared(Shared::Revive) => "task-revive",
        }
    }
}

/// Whether this creation made a task of the pool.
fn is_pool(worker: &Worker, created: u64) -> bool {
    let (mut chance, _) = draw(worker, created);
    chance.percent(45)
}

/// Whose task this is, by its id.
pub(crate) fn place_of(id: &str) -> Option<u64> {
    let rest = id.strip_prefix("pool-").or_else(|| id.strip_prefix(['t', 'i', 's']))?;
    rest.split_once('-')?.0.parse().ok()
}

/// Who a worker says that it is.
pub(crate) fn who(place: u64) -> String {
    format!("tasker-{place}")
}

/// The records of a file in a version, in spellings that nobody else uses; the last line is no task.
pub(crate) fn records(place: u64, file: u64, version: u64) -> Vec<(Option<String>, String)> {
    let mut chance = Chance::of(file, &[place, 3]);
    let mut lines: Vec<(Option<String>, String)> = (0..2 + chance.below(5))
        .map(|number| {
            let id = format!("i{place}-{file}-{number}");
            let status = chance.pick(&["open", "in_progress", "hooked"]);
            let edge = if number > 0 && chance.percent(60) {
                let before = number - 1;
                format!(
                    r#", "dependencies": [{{"issue_id": "{id}", "depends_on_id": "i{place}-{file}-{before}", "type": "blocks", "odd": 1E+2}}]"#
                )
            } else {
                String::new()
            };
            let text = String::from_utf8_lossy(&noise(&mut chance, 3000)).into_owned();
            let line = format!(
                r#"{{"id": "{id}", "x": 1.50e3, "title": "\u0066ile {file}", "priority": 1, "status": "{status}", "description": "{version} {text}", "updated_at": "2026-11-20T00:{:02}:{:02}.{version:06}+01:00"{edge}}}"#,
                version / 3600 % 60,
                version / 60 % 60,
            );
            (Some(id), line)
        })
        .collect();
    lines.push((None, format!(r#"{{"_type":"memory","key":"m{place}-{file}","value":[1.0]}}"#)));
    lines
}

/// The record that somebody writes into the file of a sync.
pub(crate) fn written(place: u64, number: u64) -> (String, String) {
    let id = format!("s{place}-{number}");
    let line = format!(
        r#"{{"id":"{id}","title":"by hand","status":"open","priority":2,"updated_at":"2026-11-20T00:00:00Z","mine":[ ]}}"#
    );
    (id, line)
}

/// The file that a worker exports to, the one that it syncs with, and the one that all sync with.
pub(crate) fn export_file(worker: &Worker) -> PathBuf {
    worker.folder.join(format!("out-{}.jsonl", worker.place))
}

pub(crate) fn own_file(worker: &Worker) -> PathBuf {
    worker.folder.join(format!("sync-{}.jsonl", worker.place))
}

pub(crate) fn shared_file(worker: &Worker) -> PathBuf {
    worker.folder.join("shared.jsonl")
}
