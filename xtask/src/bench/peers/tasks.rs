//! A plain task store, as one writes it in an afternoon: the line as text, the columns that queries need, one table of
//! edges. Our pragmas, but no audit of fields, no words, no labels, and nobody's bytes are checked twice.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use serde_json::Value;

use super::pool::CONNECTION;
use crate::outcome::Outcome;

pub(crate) const IMPORT: &str = "rusqlite: one transaction, serde_json, extracted columns, edges";
pub(crate) const READ: &str = "held connection, prepared SELECT of the record alone";
pub(crate) const READY: &str =
    "held connection, the recursive query of bd 0.49 with UNION, rows by serde_json";
pub(crate) const UPDATE: &str = "rusqlite: BEGIN IMMEDIATE, serde_json, one event";
pub(crate) const EXPORT: &str = "rusqlite: SELECT … ORDER BY id";
pub(crate) const DEPEND: &str = "rusqlite: BEGIN IMMEDIATE, recursive query with UNION, INSERT";
pub(crate) const CLAIMS: &str = "busy_timeout, BEGIN IMMEDIATE";

const TABLES: &str = "PRAGMA journal_mode=WAL;
    CREATE TABLE issue(id TEXT PRIMARY KEY NOT NULL, record TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
      priority INTEGER NOT NULL, issue_type TEXT NOT NULL, assignee TEXT, created_at TEXT NOT NULL,
      updated_at TEXT NOT NULL, closed_at TEXT, close_reason TEXT, defer_until TEXT, pinned INTEGER NOT NULL,
      ephemeral INTEGER NOT NULL) STRICT;
    CREATE INDEX issue_status ON issue(status, priority, created_at);
    CREATE TABLE edge(issue TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL,
      PRIMARY KEY (issue, target, kind)) STRICT, WITHOUT ROWID;
    CREATE INDEX edge_target ON edge(target, kind);
    CREATE TABLE event(number INTEGER PRIMARY KEY, issue TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
      old TEXT, new TEXT) STRICT;";

/// Ready by the rules of bd 0.49, its query with `UNION` where it had `UNION ALL` (which does not end in cycles).
const READY_QUERY: &str = "WITH RECURSIVE blocked(id) AS (
    SELECT e.issue FROM edge e JOIN issue b ON b.id = e.target
      WHERE e.kind = 'blocks' AND b.status IN ('open', 'in_progress', 'blocked', 'deferred', 'hooked')
    UNION
    SELECT e.issue FROM blocked JOIN edge e ON e.target = blocked.id AND e.kind = 'parent-child')
  SELECT i.id, i.record,
    (SELECT count(*) FROM edge e JOIN issue t ON t.id = e.target WHERE e.issue = i.id),
    (SELECT count(*) FROM edge WHERE target = i.id),
    (SELECT target FROM edge WHERE issue = i.id AND kind = 'parent-child' LIMIT 1)
  FROM issue i
  WHERE i.status = 'open' AND NOT i.pinned AND NOT i.ephemeral AND i.defer_until IS NULL
    AND i.issue_type NOT IN ('merge-request', 'gate', 'molecule', 'message', 'agent', 'role', 'rig')
    AND i.id NOT LIKE '%-mol-%' AND i.id NOT LIKE '%-wisp-%' AND i.id NOT IN blocked
  ORDER BY i.priority, i.created_at, i.id LIMIT ?1";

/// A connection to such a file.
#[derive(Debug)]
pub(crate) struct Store(Connection);

impl Store {
    /// Creates the file with its tables.
    pub(crate) fn create(path: &Path) -> Outcome<Self> {
        let store = Self::open(path)?;
        store.0.execute_batch(TABLES)?;
        Ok(store)
    }

    /// Opens a file that exists. Waits for locks as long as a storm may last: nothing fails.
    #[expect(clippy::disallowed_methods, reason = "a peer of core/db")]
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch(CONNECTION)?;
        conn.busy_timeout(Duration::from_mins(2))?;
        Ok(Self(conn))
    }

    /// All lines of a file. Durable when it returns; gives how many there are.
    pub(crate) fn import(&self, file: &Path) -> Outcome<u64> {
        let text = std::fs::read_to_string(file)?;
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let mut records = 0;
        {
            let mut issue = self.0.prepare_cached(
                "INSERT INTO issue VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?;
            let mut edge = self.0.prepare_cached("INSERT OR IGNORE INTO edge VALUES(?1, ?2, ?3)")?;
            for line in text.lines() {
                let record: Value = serde_json::from_str(line)?;
                let text = |key: &str| record[key].as_str();
                let id = text("id").ok_or("a line without id")?;
                issue.execute(rusqlite::params![
                    id,
                    line,
                    text("title").unwrap_or_default(),
                    text("status").unwrap_or("open"),
                    record["priority"].as_i64().unwrap_or(0),
                    text("issue_type").unwrap_or("task"),
                    text("assignee"),
                    text("created_at").unwrap_or_default(),
                    text("updated_at").unwrap_or_default(),
                    text("closed_at"),
                    text("close_reason"),
                    text("defer_until"),
                    record["pinned"].as_bool().unwrap_or(false),
                    record["ephemeral"].as_bool().unwrap_or(false),
                ])?;
                for dependency in record["dependencies"].as_array().into_iter().flatten() {
                    let target = dependency["depends_on_id"].as_str().unwrap_or_default();
                    edge.execute((id, target, dependency["type"].as_str().unwrap_or("blocks")))?;
                }
                records += 1;
            }
        }
        self.0.execute_batch("COMMIT")?;
        Ok(records)
    }

    /// The record with this id; gives its length.
    pub(crate) fn read(&self, id: &str) -> Outcome<usize> {
        let mut statement = self.0.prepare_cached("SELECT record FROM issue WHERE id = ?1")?;
        let record: String = statement.query_row((id,), |row| row.get(0))?;
        Ok(record.len())
    }

    /// What is ready, as JSON, and the ids.
    pub(crate) fn ready(&self, limit: i64) -> Outcome<(String, Vec<String>)> {
        let mut statement = self.0.prepare_cached(READY_QUERY)?;
        let mut rows = statement.query((limit,))?;
        let (mut records, mut ids) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next()? {
            let mut record: Value = serde_json::from_str(row.get_ref(1)?.as_str()?)?;
            let comments = record["comments"].as_array().map_or(0, Vec::len);
            record["dependency_count"] = row.get::<_, i64>(2)?.into();
            record["dependent_count"] = row.get::<_, i64>(3)?.into();
            record["comment_count"] = comments.into();
            record["parent"] = row.get::<_, Option<String>>(4)?.into();
            records.push(record);
            ids.push(row.get(0)?);
        }
        Ok((serde_json::to_string(&records)?, ids))
    }

    /// Changes one field, durably.
    pub(crate) fn update(&self, id: &str, notes: &str, now: &str) -> Outcome {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let record: String = self
            .0
            .prepare_cached("SELECT record FROM issue WHERE id = ?1")?
            .query_row((id,), |row| row.get(0))?;
        let mut record: Value = serde_json::from_str(&record)?;
        (record["notes"], record["updated_at"]) = (notes.into(), now.into());
        self.0.prepare_cached("UPDATE issue SET record = ?2, updated_at = ?3 WHERE id = ?1")?.execute((
            id,
            record.to_string(),
            now,
        ))?;
        self.event(id, "bench", "updated", notes)?;
        Ok(self.0.execute_batch("COMMIT")?)
    }

    /// All lines in the order of ids.
    pub(crate) fn export(&self) -> Outcome<Vec<u8>> {
        let mut statement = self.0.prepare_cached("SELECT record FROM issue ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut bytes = Vec::new();
        while let Some(row) = rows.next()? {
            bytes.extend(row.get_ref(0)?.as_str()?.as_bytes());
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// Adds an edge unless it makes a cycle, durably; gives whether it did.
    pub(crate) fn depend(&self, issue: &str, target: &str) -> Outcome<bool> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let mut reached = self.0.prepare_cached(
            "WITH RECURSIVE reached(id) AS (VALUES(?1) UNION
               SELECT e.target FROM reached JOIN edge e ON e.issue = reached.id
               WHERE e.kind IN ('blocks', 'parent-child', 'conditional-blocks', 'waits-for'))
             SELECT ?2 IN reached",
        )?;
        if reached.query_row((target, issue), |row| row.get(0))? {
            self.0.execute_batch("ROLLBACK")?;
            return Ok(false);
        }
        self.0.prepare_cached("INSERT INTO edge VALUES(?1, ?2, 'blocks')")?.execute((issue, target))?;
        self.event(issue, "bench", "dependency_added", target)?;
        self.0.execute_batch("COMMIT")?;
        Ok(true)
    }

    /// Takes an edge away.
    pub(crate) fn undepend(&self, issue: &str, target: &str) -> Outcome {
        self.0
            .prepare_cached("DELETE FROM edge WHERE issue = ?1 AND target = ?2")?
            .execute((issue, target))?;
        Ok(())
    }

    /// Claims the first open task, durably; gives its id.
    pub(crate) fn claim(&self, who: &str) -> Outcome<Option<String>> {
        self.0.execute_batch("BEGIN IMMEDIATE")?;
        let first: Option<(String, String)> = self
            .0
            .prepare_cached(
                "SELECT id, record FROM issue WHERE status = 'open' AND assignee IS NULL
                 ORDER BY priority, created_at, id LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((id, record)) = &first {
            let mut record: Value = serde_json::from_str(record)?;
            (record["status"], record["assignee"]) = ("in_progress".into(), who.into());
            self.0
                .prepare_cached(
                    "UPDATE issue SET status = 'in_progress', assignee = ?2, record = ?3 WHERE id = ?1",
                )?
                .execute((id, who, record.to_string()))?;
            self.event(id, who, "claimed", who)?;
        }
        self.0.execute_batch("COMMIT")?;
        Ok(first.map(|(id, _)| id))
    }

    fn event(&self, id: &str, who: &str, what: &str, new: &str) -> Outcome {
        let sql = "INSERT INTO event(issue, who, what, new) VALUES(?1, ?2, ?3, ?4)";
        self.0.prepare_cached(sql)?.execute((id, who, what, new))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
