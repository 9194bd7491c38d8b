//! Bringing another file's rows into the project.
//!
//! The source is attached read-only to a write connection of its own, and rows go from schema to schema by one
//! statement for each table and chunk. Each chunk is one durable transaction that takes up at most a few
//! milliseconds of everyone's write lock. Every row of the source is looked at every time: one that is here and
//! equal is left alone, so an import that was killed goes on by being run again, and one that is complete writes
//! nothing.

use std::path::Path;
use std::time::Duration;

use conclave_db::Db;
use serde::Serialize;

pub use self::pace::LockTimes;
use crate::error::Result;

pub(crate) mod pace;
pub(crate) mod pass;
mod run;
mod source_file;

/// How an import goes about it.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Count only: nothing is written.
    pub dry_run: bool,
    /// The time that one chunk may hold the write lock while others write too; chunks grow and shrink to stay
    /// below it. Alone they may take twice as long.
    pub chunk_time: Duration,
    /// The most rows of one chunk, whatever time there is; at least 1.
    pub chunk_rows: u64,
    /// Who does it, for the record of events.
    pub actor: String,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            chunk_time: Duration::from_millis(10),
            chunk_rows: u64::MAX,
            actor: "unknown".into(),
        }
    }
}

/// How far long work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub done_rows: u64,
    /// Rows in all, as counted at the start.
    pub total_rows: u64,
    /// What is being done.
    pub phase: &'static str,
}

/// A row of the source that deserves a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedRow {
    /// Its table in the source.
    pub table: &'static str,
    /// Its id there.
    pub id: String,
    /// Its run in the project, where it has one.
    pub run: Option<String>,
}

/// What the source holds and what became of it. All counts are of the source's rows, so that an import that
/// was interrupted and run again reports the same; only `already_present` and `updated` tell them apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The file, with its path resolved.
    pub source: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Rows read: artifacts, syntheses and executions.
    pub rows: u64,
    /// Runs that the rows belong to.
    pub runs: u64,
    /// Outputs.
    pub outputs: u64,
    /// Syntheses.
    pub syntheses: u64,
    /// Executions.
    pub executions: u64,
    /// Outputs whose content is no JSON; kept byte for byte.
    pub invalid_json: u64,
    /// Rows whose time is unknown.
    pub unknown_times: u64,
    /// Outputs of an agent that has an earlier one in the same run.
    pub duplicates: u64,
    /// Artifacts whose run id is NULL or empty.
    pub rows_without_run_id: u64,
    /// Bytes of content and response text of the artifacts.
    pub bytes: u64,
    /// Rows that were here before, with equal content.
    pub already_present: u64,
    /// Rows that were here before with other content and have the source's now.
    pub updated: u64,
    /// Of `rows_without_run_id`: those where it is NULL.
    pub null_run_ids: u64,
    /// Of `rows_without_run_id`: those where it is empty.
    pub empty_run_ids: u64,
    /// Rows that the schema cannot hold, such as an execution without an id; left in the source.
    pub refused: u64,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The first outputs whose content is no JSON.
    pub invalid_json_rows: Vec<ListedRow>,
    /// The first rows whose time is unknown.
    pub unknown_time_rows: Vec<ListedRow>,
    /// The first outputs of an agent that has an earlier one.
    pub duplicate_rows: Vec<ListedRow>,
    /// The first syntheses that became a run of their own, without outputs.
    pub lone_syntheses: Vec<ListedRow>,
    /// The first rows that the schema cannot hold.
    pub refused_rows: Vec<ListedRow>,
    /// How long the write lock was held.
    #[serde(skip)]
    pub locks: LockTimes,
}

/// Refuses a file that [`import_file`] would refuse for what it is or holds, without a project to import it
/// into. The file is only read.
pub fn check_source(path: &Path) -> Result<()> {
    source_file::contents_of(path).map(drop)
}

/// Brings the rows of a legacy database, or of one of the original's later schema, into the project. The
/// source is only read. Killed anywhere, the next import of the file goes on; done again, it changes nothing.
/// Durable when this returns.
pub fn import_file(
    db: &Db,
    source: &Path,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportReport> {
    run::import(db, source, options, progress)
}

/// A path as a shell takes it for one word, for messages that name a command.
pub fn quoted(path: &str) -> String {
    let is_plain =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '/' | '.' | '_' | '-' | '+' | ',' | '@');
    if !path.is_empty() && path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_stays_one_word_of_a_shell() {
        assert_eq!(quoted("/srv/a-b/c.db"), "/srv/a-b/c.db");
        assert_eq!(quoted("/srv/a b's.db"), "'/srv/a b'\\''s.db'");
    }
}
