//! A model with made-up data for the tests of the screens, and its frames as text.

pub(crate) mod agents;
pub(crate) mod coordination;
pub(crate) mod hosts;
mod made_up;
mod stores;
pub(crate) mod tasks;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use conclave_consensus::migrate::{Attention, BackfillStatus, Counts, MigrationStatus, NextPhase};
use conclave_consensus::runs::RunSummary;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;

use self::made_up::marks;
pub(crate) use self::made_up::{detail, gate, run};
pub(crate) use self::stores::stores;
use super::effect::{Effect, Part, Read};
use super::keys::Key;
use super::message::{Msg, Opened, PageRead};
use super::model::{Model, Setting};
use super::problem::Problem;
use super::render::render;
use super::screens::storage::{Backup, FileNumbers, Numbers, WriterNumbers};
use super::theme::Theme;
use super::update::update;
use crate::cli::Signs;

/// What time it is in the tests: 2025-11-12 02:33:20 UTC.
pub(crate) const NOW: i64 = 1_762_914_800_000;

/// The numbers of the storage screen.
pub(crate) fn numbers() -> Numbers {
    Numbers {
        file: Ok(FileNumbers {
            file_bytes: 13_002_342,
            wal_bytes: 314_572,
            free_bytes: 260_046,
            free_percent: 2,
            journal: "wal".into(),
            incremental: true,
            schema: 102,
            sqlite: "3.53.2",
        }),
        writer: WriterNumbers {
            writes: 1204,
            commits: 170,
            group: 7,
            commit_p50: 255,
            commit_p99: 2047,
            queued: 0,
            readers: 1,
            held_up: 0,
            oldest: None,
        },
        migration: Ok(MigrationStatus {
            phase: 1,
            phase_name: "tables created",
            backfill: BackfillStatus { complete: true, copied: 149, ..Default::default() },
            counts: Counts { runs: 19, outputs: 141, syntheses: 8, ..Counts::default() },
            mismatches: 0,
            capture_triggers: false,
            soak_until: None,
            next: NextPhase { phase: Some(2), allowed: false, missing: vec!["capture triggers".into()] },
            verified_at: None,
            sources: Vec::new(),
            ..MigrationStatus::default()
        }),
        backups: vec![Backup {
            path: "/p/.conclave/backups/state-1.db".into(),
            made_ms: NOW - 7_200_000,
            bytes: 12_582_912,
        }],
    }
}

/// An import that did not end, and a difference.
pub(crate) fn needs() -> Vec<Attention> {
    let need = |kind, why: &str, advice: &str| Attention {
        kind,
        name: "migration".into(),
        why: why.into(),
        advice: advice.into(),
        since: Some(NOW),
    };
    vec![
        need(
            "import",
            "the import of /srv/anna/old.db began at 2025-11-11T02:33:20.123Z and is not finished",
            "run `conclave migrate import /srv/anna/old.db` again",
        ),
        need(
            "differences",
            "1 open difference between legacy and new rows",
            "`conclave migrate verify` lists them and says what helps",
        ),
    ]
}

/// A model whose state is there, with this many runs.
pub(crate) fn model(size: (u16, u16), runs: i64) -> Model {
    let mut model = opening(size);
    send(&mut model, Msg::Opened(Opened::Ready { as_it_lies: false }), runs);
    model
}

/// A model that has heard nothing yet.
pub(crate) fn opening(size: (u16, u16)) -> Model {
    let setting = Setting {
        root: "/srv/anna/src/project".into(),
        database: "/srv/anna/src/project/.conclave/state.db".into(),
        actor: "ana".into(),
        read_only: false,
        theme: Theme { colour: false, signs: Signs::Unicode },
    };
    Model::new(setting, size, true, NOW).0
}

/// Sends a message, and answers the reads that follow as a database with this many runs would. Gives what
/// is left to others.
pub(crate) fn send(model: &mut Model, message: Msg, runs: i64) -> Vec<Effect> {
    let mut others = Vec::new();
    let mut waiting = update(model, message);
    let mut rounds = 0;
    while !waiting.is_empty() {
        rounds += 1;
        assert!(rounds < 100, "the core asks without end: {waiting:?}");
        let mut next = Vec::new();
        for effect in waiting {
            match answer(&effect, runs) {
                Some(message) => next.extend(update(model, message)),
                None => others.push(effect),
            }
        }
        waiting = next;
    }
    others
}

/// The newest first, those without a time last, as the database orders them. Made once for each count.
fn all(count: i64) -> Arc<Vec<RunSummary>> {
    static MADE: Mutex<BTreeMap<i64, Arc<Vec<RunSummary>>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let mut all: Vec<RunSummary> = (1..=count).map(run).collect();
        all.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
        Arc::new(all)
    };
    Arc::clone(made.entry(count).or_insert_with(make))
}

/// What a database with this many runs answers; fewer than none is no database.
fn answer(effect: &Effect, count: i64) -> Option<Msg> {
    let Effect::Read(read) = effect else { return None };
    let all = all(count);
    Some(match read {
        Read::Page(page) => {
            let after = |run: &&RunSummary| {
                page.after.is_none_or(|after| (run.started_at, run.id) < (after.started_at, after.id))
            };
            let matching = |run: &&RunSummary| {
                page.filter.exact().status.is_none_or(|status| run.status == status)
                    && page.filter.matches(run)
            };
            let rows: Vec<RunSummary> = all.iter().filter(after).filter(matching).cloned().collect();
            let (rows, before, start) = if page.part == Part::Last {
                let whole: Vec<RunSummary> = all.iter().filter(matching).cloned().collect();
                let skipped = whole.len().saturating_sub(page.limit) / page.limit * page.limit;
                let start = skipped.checked_sub(1).map(|last| (&whole[last]).into());
                let before = (0..skipped)
                    .step_by(page.limit)
                    .map(|at| at.checked_sub(1).map(|last| (&whole[last]).into()));
                (whole[skipped..].to_vec(), before.collect(), start)
            } else {
                (rows, Vec::new(), page.after)
            };
            let at_end = rows.len() <= page.limit || page.part == Part::Last;
            let kept = if page.part == Part::Last { rows.len() } else { page.limit };
            let rows: Vec<RunSummary> = rows.into_iter().take(kept).collect();
            let (generation, part) = (page.generation, page.part);
            let marks = rows.iter().map(marks).collect();
            Msg::Page(Box::new(PageRead { generation, part, after: start, rows, marks, at_end, before }))
        }
        Read::Count { generation, filter } => {
            let exact = |run: &&RunSummary| filter.exact().status.is_none_or(|status| run.status == status);
            let matching = all.iter().filter(exact).filter(|run| filter.matches(run)).count() as u64;
            Msg::Counted { generation: *generation, total: all.len() as u64, matching }
        }
        Read::Run(id) => {
            let run = (1..=count).contains(&id.0).then(|| detail(id.0));
            Msg::Run { id: *id, run: Ok(run) }
        }
        Read::Roster => Msg::Roster(Ok(super::screens::form::choices())),
        Read::Tasks(page) => Msg::Tasks(Box::new(tasks::page(count, page))),
        Read::TaskCounts => Msg::TaskCounts(tasks::counts(count)),
        Read::Task { id, whole } => {
            Msg::Task { asked: id.clone(), task: Ok(tasks::detail(count, id, *whole)) }
        }
        Read::Agents => Msg::Agents(agents::all(count)),
        Read::Log(asked) => Msg::Log(Box::new(agents::log(asked))),
        Read::Coordination => Msg::Coordination(Box::new(coordination::found(count))),
        Read::Hosts => Msg::Hosts(Box::new(hosts::found(count))),
        Read::Calls(host) => Msg::Calls { host: host.clone(), calls: Ok(hosts::calls(host)) },
        Read::Needs => Msg::Needs(Vec::new()),
        Read::Storage => Msg::Storage(Box::new(numbers())),
        Read::Stores => Msg::Stores(Box::new(stores())),
        Read::Open if count < 0 => Msg::Opened(Opened::Absent),
        Read::Open => Msg::Opened(Opened::Ready { as_it_lies: false }),
    })
}

/// Presses keys: names of keys, or the characters of a text.
pub(crate) fn press(model: &mut Model, runs: i64, keys: &[&str]) -> Vec<Effect> {
    let mut others = Vec::new();
    for name in keys {
        let named = match *name {
            "enter" => Some(KeyCode::Enter),
            "esc" => Some(KeyCode::Esc),
            "tab" => Some(KeyCode::Tab),
            "up" => Some(KeyCode::Up),
            "down" => Some(KeyCode::Down),
            "right" => Some(KeyCode::Right),
            "pgdn" => Some(KeyCode::PageDown),
            "pgup" => Some(KeyCode::PageUp),
            "backspace" => Some(KeyCode::Backspace),
            "left" => Some(KeyCode::Left),
            "backtab" => Some(KeyCode::BackTab),
            _ => None,
        };
        let keys: Vec<Key> = match named {
            Some(code) => vec![Key::of(code)],
            None => match name.strip_prefix("ctrl-") {
                Some(letter) => letter.chars().map(Key::control).collect(),
                None => name.chars().map(Key::char).collect(),
            },
        };
        for key in keys {
            others.extend(send(model, Msg::Key(key), runs));
        }
    }
    others
}

/// A problem.
pub(crate) fn problem() -> Problem {
    Problem {
        kind: "busy",
        text: "read the runs: database is locked (waited 5s)".into(),
        hint: Some("another process holds the write lock; try again".into()),
    }
}

/// The frame as text, without spaces at the ends of lines.
pub(crate) fn frame(model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| render(model, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let line: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Compares a frame with the one that is kept; with `BLESS=1` in the environment it is kept from now on.
pub(crate) fn check(name: &str, model: &Model) {
    let (columns, lines) = model.size;
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/ui/frames/{name}-{columns}x{lines}.txt"));
    let found = frame(model);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &found).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} at {columns}x{lines} has changed (BLESS=1 keeps it):\n{found}\nwanted:\n{wanted}"
    );
}
