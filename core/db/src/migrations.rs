//! Brings a file to the current schema: one `BEGIN IMMEDIATE` per step, the version read inside it, the
//! step, its checksum and the new `user_version` in the same transaction.
//!
//! Two processes that migrate at once: one does the work, the other waits for the lock and sees it done.

use std::fmt::Write as _;

use conclave_retry::Clock;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Connection, OptionalExtension, TransactionBehavior};
use sha2::{Digest, Sha256};

use crate::error::{DbError, ErrorKind, Result};
use crate::schema::{APPLICATION_ID, FIRST_VERSION, Migration, Schema, Step};
use crate::transaction::WriteTx;

/// Our table of applied steps, in every file.
pub(crate) const LEDGER_TABLE: &str = "schema_migrations";
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations(
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";

/// Called before each statement of a step, with the step's version and the statement's position.
/// For progress, and for tests that end the process there.
pub type StepObserver = fn(version: i32, statement: usize);

/// What bringing a file to the current schema did.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Migrated {
    /// `user_version` before.
    pub from: i32,
    /// `user_version` after.
    pub to: i32,
    /// Names of the steps that this call applied.
    pub applied: Vec<&'static str>,
}

/// What bringing a file to the current schema would do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// `user_version` of the file, 0 for one that is not there yet.
    pub from: i32,
    /// `user_version` after all steps.
    pub to: i32,
    /// Names of the steps, in order.
    pub steps: Vec<&'static str>,
    /// Whether one of them rewrites a table, so that a backup is made first.
    pub rewrites: bool,
}

impl Plan {
    pub(crate) fn new(schema: &Schema, from: i32) -> Self {
        let steps: Vec<&Migration> = pending(schema, from).collect();
        Self {
            from,
            to: schema.version(),
            steps: steps.iter().map(|step| step.name).collect(),
            rewrites: from != 0 && steps.iter().any(|step| step.rewrites),
        }
    }
}

/// The steps that a file at `version` still needs.
fn pending(schema: &Schema, version: i32) -> impl Iterator<Item = &Migration> {
    schema.migrations().iter().filter(move |migration| migration.version > version)
}

/// Applies all pending steps. Each is durable on its own when the next begins.
pub(crate) fn migrate(
    conn: &mut Connection,
    schema: &Schema,
    clock: &dyn Clock,
    observer: Option<StepObserver>,
    mut before_rewrite: impl FnMut(&Connection, &Migration) -> Result<()>,
) -> Result<Migrated> {
    let from = user_version(conn)?;
    let mut done = Migrated { from, to: from, applied: Vec::new() };
    for migration in pending(schema, from) {
        if migration.rewrites && done.to != 0 {
            before_rewrite(conn, migration)?;
        }
        if apply(conn, migration, clock, observer)? {
            done.applied.push(migration.name);
        }
        done.to = migration.version;
    }
    check_ledger(conn, schema)?;
    Ok(done)
}

fn apply(
    conn: &mut Connection,
    migration: &Migration,
    clock: &dyn Clock,
    observer: Option<StepObserver>,
) -> Result<bool> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if user_version(&transaction)? >= migration.version {
        // Another process did it between our look and our lock.
        return Ok(false);
    }
    transaction.execute_batch(LEDGER)?;
    run_step(&transaction, migration.version, &migration.up, clock, observer)?;
    refuse_dangling(&transaction, migration)?;
    transaction.execute(
        "INSERT INTO schema_migrations(version, name, checksum, applied_at) VALUES(?1, ?2, ?3, ?4)",
        (migration.version, migration.name, checksum(migration), clock.wall_ms()),
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migration.version)?;
    transaction.commit()?;
    Ok(true)
}

/// Takes back the steps above `target`, newest first, each in a transaction of its own. Refused, with nothing
/// done, when one of them has no way back that loses nothing.
pub(crate) fn roll_back(
    conn: &mut Connection,
    schema: &Schema,
    target: i32,
    clock: &dyn Clock,
) -> Result<Vec<&'static str>> {
    let from = user_version(conn)?;
    let steps: Vec<&Migration> = schema
        .migrations()
        .iter()
        .rev()
        .filter(|step| step.version > target && step.version <= from)
        .collect();
    if target < FIRST_VERSION || from > schema.version() {
        return Err(DbError::Invalid(format!("cannot go back from version {from} to {target}")));
    }
    if let Some(stuck) = steps.iter().find(|step| step.down.is_none()) {
        return Err(DbError::Invalid(format!(
            "step {} ({}) cannot be taken back without loss",
            stuck.version, stuck.name
        )));
    }
    let mut undone = Vec::new();
    for step in steps {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if user_version(&transaction)? != step.version {
            // Another process took it back first.
            continue;
        }
        if let Some(down) = &step.down {
            run_step(&transaction, step.version, down, clock, None)?;
        }
        refuse_dangling(&transaction, step)?;
        transaction.execute("DELETE FROM schema_migrations WHERE version = ?1", [step.version])?;
        transaction.pragma_update(None, "user_version", step.version - 1)?;
        transaction.commit()?;
        undone.push(step.name);
    }
    Ok(undone)
}

fn run_step(
    conn: &Connection,
    version: i32,
    step: &Step,
    clock: &dyn Clock,
    observer: Option<StepObserver>,
) -> Result<()> {
    let (sql, run) = match *step {
        Step::Sql(sql) => (sql, None),
        Step::SqlThen { sql, run, .. } => (sql, Some(run)),
        Step::Code { run, .. } => ("", Some(run)),
    };
    let position = run_statements(conn, sql, version, observer)?;
    let Some(run) = run else { return Ok(()) };
    if let Some(observe) = observer {
        observe(version, position);
    }
    run(&WriteTx::new(conn, clock))
}

/// Gives how many statements there were.
fn run_statements(
    conn: &Connection,
    sql: &str,
    version: i32,
    observer: Option<StepObserver>,
) -> Result<usize> {
    let mut batch = Batch::new(conn, sql);
    let mut position = 0;
    while let Some(mut statement) = batch.next()? {
        if let Some(observe) = observer {
            observe(version, position);
        }
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
        position += 1;
    }
    Ok(position)
}

fn refuse_dangling(conn: &Connection, migration: &Migration) -> Result<()> {
    let dangling: Option<String> = conn
        .query_row("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", [], |row| row.get(0))
        .optional()?;
    match dangling {
        None => Ok(()),
        Some(table) => Err(DbError::Sqlite {
            kind: ErrorKind::Constraint,
            code: rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
            text: format!("step {} leaves rows of {table} without their parent", migration.version),
        }),
    }
}

/// Looks whether the steps that were applied to a file are this program's, before any is added to them: another schema of
/// ours has the same mark. A file without such a list has none of them.
pub(crate) fn refuse_another_schema(conn: &Connection, schema: &Schema) -> Result<()> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    if conn.query_row(sql, [LEDGER_TABLE], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(());
    }
    check_ledger(conn, schema)
}

/// A step that was applied with another text is another schema: better refused than guessed.
fn check_ledger(conn: &Connection, schema: &Schema) -> Result<()> {
    if schema.migrations().is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare("SELECT version, checksum FROM schema_migrations ORDER BY version")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i32>(0)?, row.get::<_, String>(1)?)))?;
    for row in rows {
        let (version, found) = row?;
        let ours = schema.migrations().iter().find(|migration| migration.version == version);
        if ours.is_some_and(|migration| checksum(migration) != found) {
            return Err(DbError::Sqlite {
                kind: ErrorKind::Foreign,
                code: 0,
                text: format!("it has another schema: its step {version} is not this program's"),
            });
        }
    }
    Ok(())
}

/// SHA-256 of the step, in hexadecimal.
fn checksum(migration: &Migration) -> String {
    let texts = match migration.up {
        Step::Sql(sql) => [sql, ""],
        Step::SqlThen { sql, revision, .. } => [sql, revision],
        Step::Code { revision, .. } => [revision, ""],
    };
    let mut hasher = Sha256::new();
    hasher.update(migration.version.to_le_bytes());
    hasher.update(texts.concat().as_bytes());
    hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn user_version(conn: &Connection) -> Result<i32> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}
