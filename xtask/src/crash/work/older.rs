//! A program of the old age: a plain SQLite client that knows the legacy tables alone.

use std::fmt::Write as _;

use conclave_db::foreign::Client;
use conclave_db::sql::Value;
use conclave_db::{DbError, ErrorKind};

use super::{Effect, Work, Worker};
use crate::chance::Chance;
use crate::crash::row::{self, Author, Kind, Row};
use crate::outcome::Outcome;

/// The tables as the original makes them at its start.
pub(crate) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS consensus_artifacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, agent_name TEXT NOT NULL,
    content_json TEXT NOT NULL, response_text TEXT, run_id TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS idx_spec_stage ON consensus_artifacts(spec_id, stage);
CREATE TABLE IF NOT EXISTS consensus_synthesis (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_id TEXT NOT NULL, stage TEXT NOT NULL, output_markdown TEXT NOT NULL,
    output_path TEXT, status TEXT NOT NULL, artifacts_count INTEGER,
    agreements TEXT, conflicts TEXT, degraded BOOLEAN DEFAULT 0,
    run_id TEXT, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX IF NOT EXISTS idx_synthesis_spec_stage ON consensus_synthesis(spec_id, stage);
CREATE TABLE IF NOT EXISTS agent_executions (
    agent_id TEXT PRIMARY KEY, spec_id TEXT NOT NULL, stage TEXT NOT NULL,
    phase_type TEXT NOT NULL, agent_name TEXT NOT NULL, run_id TEXT,
    spawned_at TEXT NOT NULL, completed_at TEXT, response_text TEXT, extraction_error TEXT);
CREATE INDEX IF NOT EXISTS idx_agent_executions_spec ON agent_executions(spec_id, stage);
CREATE INDEX IF NOT EXISTS idx_agent_executions_run ON agent_executions(run_id);
";
/// How often a statement that found the file locked is tried again: each has waited 5 s by then.
const TRIES: u32 = 12;

/// One statement, which changes one row or none.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) effect: Effect,
}

/// What the number stands for: a word for it, and its statements, which are one transaction.
pub(crate) fn operation(worker: &Worker, number: u64) -> (&'static str, Vec<Statement>) {
    let (mut chance, choice) = choice(worker, number);
    let first = || inserted(worker, number, 0);
    if choice == 0 {
        return ("old insert", vec![insert(&first())]);
    }
    if choice == 1 {
        let second = inserted(worker, number, 1);
        return ("old transaction", vec![insert(&first()), insert(&second)]);
    }
    let reach = chance.below(40);
    let before = number.saturating_sub(1 + reach);
    let Some(target) = (0..=before).rev().take(20).find(|before| self::choice(worker, *before).1 == 0) else {
        return ("old insert", vec![insert(&first())]);
    };
    if target >= number {
        return ("old insert", vec![insert(&first())]);
    }
    let target = inserted(worker, target, 0);
    let changed = Row::any(&mut chance, target.kind, target.name.clone(), Author::Older);
    match choice {
        2 => ("old update", vec![update(&changed)]),
        3 => ("old replace", vec![replace(&changed)]),
        4 => ("old delete", vec![delete(&target)]),
        5 => ("old transaction", vec![insert(&first()), delete(&target)]),
        _ => {
            let body = row::body(&mut chance, target.kind, &target.name);
            ("old update", vec![rewrite(&target, body)])
        }
    }
}

fn choice(worker: &Worker, number: u64) -> (Chance, u64) {
    let mut chance = Chance::of(worker.seed, &[worker.place, number]);
    let choice = chance.pick(&[0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 6, 6]);
    (chance, choice)
}

/// The row that this number makes, if it makes one.
fn inserted(worker: &Worker, number: u64, which: u64) -> Row {
    let mut chance = Chance::of(worker.seed, &[worker.place, number, which]);
    let kind = Kind::any(&mut chance);
    let name = if which == 0 { format!("old-{number}") } else { format!("old-{number}-{which}") };
    let mut row = Row::any(&mut chance, kind, name, Author::Older);
    if kind == Kind::Execution && chance.percent(50) {
        row.body = Some(row::noise(&mut chance, 500));
        row.ended = Some(row::time(&mut chance));
    }
    row
}

/// The statement that makes a row.
pub(crate) fn insert(row: &Row) -> Statement {
    let (names, values): (Vec<_>, Vec<_>) = columns(row).into_iter().unzip();
    let sql = format!(
        "INSERT INTO {}({}) VALUES({})",
        row.kind.legacy_table(),
        names.join(", "),
        values.join(", ")
    );
    Statement { sql, effect: Effect::Insert(row.clone()) }
}

fn update(row: &Row) -> Statement {
    let set: Vec<String> =
        columns(row).into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let sql = format!("UPDATE {} SET {} WHERE {}", row.kind.legacy_table(), set.join(", "), is(row));
    Statement { sql, effect: Effect::Become(row.clone()) }
}

fn replace(row: &Row) -> Statement {
    let table = row.kind.legacy_table();
    let (mut names, mut values): (Vec<_>, Vec<_>) = columns(row).into_iter().unzip();
    if row.kind != Kind::Execution {
        names.push("id");
        values.push("id".to_owned());
    }
    let (names, values) = (names.join(", "), values.join(", "));
    let sql =
        format!("INSERT OR REPLACE INTO {table}({names}) SELECT {values} FROM {table} WHERE {}", is(row));
    Statement { sql, effect: Effect::Become(row.clone()) }
}

fn rewrite(row: &Row, body: Vec<u8>) -> Statement {
    let column = body_column(row.kind);
    let sql = format!("UPDATE {} SET {column} = {} WHERE {}", row.kind.legacy_table(), bytes(&body), is(row));
    Statement { sql, effect: Effect::Rewrite { kind: row.kind, name: row.name.clone(), body } }
}

fn delete(row: &Row) -> Statement {
    let sql = format!("DELETE FROM {} WHERE {}", row.kind.legacy_table(), is(row));
    Statement { sql, effect: Effect::Delete { kind: row.kind, name: row.name.clone() } }
}

const fn body_column(kind: Kind) -> &'static str {
    match kind {
        Kind::Output => "content_json",
        Kind::Synthesis => "output_markdown",
        Kind::Execution => "response_text",
    }
}

/// Finds a row by its name.
fn is(row: &Row) -> String {
    match row.kind {
        Kind::Execution => format!("agent_id = '{}'", row.name),
        kind => format!("instr({}, '{{\"name\":\"{}\"') = 1", body_column(kind), row.name),
    }
}

fn columns(row: &Row) -> Vec<(&'static str, String)> {
    let text = |text: &str| format!("'{text}'");
    let mut columns = vec![
        ("spec_id", text(row.run.spec)),
        ("stage", text(row.run.stage)),
        ("run_id", row.run.id.as_deref().map_or("NULL".to_owned(), text)),
        (body_column(row.kind), row.body.as_deref().map_or("NULL".to_owned(), bytes)),
    ];
    match row.kind {
        Kind::Output => columns.extend([
            ("agent_name", text(row.agent)),
            ("created_at", text(&row::time_text(row.at))),
            ("response_text", row.response.as_deref().map_or("NULL".to_owned(), bytes)),
        ]),
        Kind::Synthesis => {
            columns.extend([("status", text(Row::STATUS)), ("created_at", text(&row::time_text(row.at)))]);
        }
        Kind::Execution => columns.extend([
            ("agent_id", text(&row.name)),
            ("agent_name", text(row.agent)),
            ("phase_type", text(Row::PHASE_TYPE)),
            ("spawned_at", text(&row::time_text(row.at))),
            ("completed_at", row.ended.map_or("NULL".to_owned(), |ended| text(&row::time_text(ended)))),
        ]),
    }
    columns
}

/// Bytes as text, whatever they are.
fn bytes(bytes: &[u8]) -> String {
    let mut literal = String::from("CAST(x'");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(literal, "{byte:02x}");
    }
    literal + "' AS TEXT)"
}

/// A process of the old age.
#[derive(Debug)]
pub(crate) struct Older {
    worker: Worker,
    client: Client,
}

impl Older {
    pub(crate) fn new(worker: Worker, first: u64) -> Outcome<Self> {
        let client = Client::open(&super::state_file(&worker.folder))?;
        let mut chance = Chance::of(worker.seed, &[worker.place, first, u64::MAX]);
        let (recursive, keys) = (chance.below(2), chance.below(2));
        client.run(&format!("PRAGMA recursive_triggers = {recursive}; PRAGMA foreign_keys = {keys}"))?;
        let older = Self { worker, client };
        older.patiently(|| older.client.run(TABLES))?;
        Ok(older)
    }

    /// A locked file is tried again, as people do.
    fn patiently<T>(&self, mut attempt: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
        let mut tries = 0;
        loop {
            match attempt() {
                Err(error) if error.kind() == ErrorKind::Busy && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
            if self.client.in_transaction() {
                self.client.run("ROLLBACK")?;
            }
        }
    }

    /// How many rows each statement has changed.
    fn run(&self, statements: &[Statement]) -> Result<Vec<i64>, DbError> {
        let is_transaction = statements.len() > 1;
        if is_transaction {
            self.client.run("BEGIN IMMEDIATE")?;
        }
        let mut changed = Vec::new();
        for statement in statements {
            self.client.run(&statement.sql)?;
            let rows = self.client.rows("SELECT changes()")?;
            let Some(Value::Integer(rows)) = rows.into_iter().flatten().next() else { continue };
            changed.push(rows);
        }
        if is_transaction {
            self.client.run("COMMIT")?;
        }
        Ok(changed)
    }
}

impl Work for Older {
    fn act(&mut self, number: u64) -> Outcome<String> {
        let (word, statements) = operation(&self.worker, number);
        match self.patiently(|| self.run(&statements)) {
            Ok(changed) => {
                let changed: Vec<String> = changed.iter().map(i64::to_string).collect();
                Ok(format!("{} {}", word.replace(' ', "-"), changed.join(" ")))
            }
            // The cleanup has dropped the tables under a program that runs; it makes them at its start.
            Err(error) if error.to_string().contains("no such table") => {
                if self.client.in_transaction() {
                    self.client.run("ROLLBACK")?;
                }
                self.patiently(|| self.client.run(TABLES))?;
                Ok("no-table".to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }
}
