//! Rows of the new tables as the legacy tables would hold them: the way back from phase 4, and the repair where
//! the new side leads.
//!
//! A row that came from a legacy table is spelled as it was there, as far as that still means the same; any other
//! as the original would have written it. What a legacy row cannot say (an attempt that was lost, an answer whose
//! time its run's key contradicts) is not said wrongly: it stays in the new tables.

use conclave_db::sql::Value;
use conclave_db::{ReadConn, WriteTx};

use super::canonical;
use super::chunk::{self, Chunk};
use super::copy::kinds::{self, Kind};
use crate::error::{ConsensusError, Result};

/// The stages whose legacy spelling has `spec-` before it.
const PREFIXED: &str =
    "'plan', 'tasks', 'implement', 'validate', 'audit', 'unlock', 'clarify', 'analyze', 'checklist'";
/// The milliseconds of the years 0 to 9999, which text can say.
const TEXT_TIMES: &str = "BETWEEN -62167219200000 AND 253402300799999";
/// The temporary table of rows on their way: their id in the new table, and the legacy row.
pub(crate) const TEMPORARY: &str = "CREATE TEMP TABLE IF NOT EXISTS back(
  id INTEGER PRIMARY KEY, legacy, spec, stage, run_id, at, until)";

/// Moves one kind of row from the new to the legacy side.
#[derive(Debug)]
pub(crate) struct Returner {
    pub(crate) kind: Kind,
    by_id: bool,
    /// The rows of the new table `o` and their runs `r` that a legacy row can say, with what it says.
    fitting: String,
    /// The column of the cursor.
    cursor: String,
}

/// All kinds, in the order in which they go back.
pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Returner>> {
    Ok(kinds::of_state(conn)?.into_iter().map(Returner::new).collect())
}

/// The text of a moment, to the millisecond where it has any, as the original writes it.
fn time_text(ms: &str) -> String {
    let fraction = format!("((({ms}) % 1000 + 1000) % 1000)");
    format!(
        "CASE WHEN {ms} {TEXT_TIMES} THEN strftime('%Y-%m-%d %H:%M:%S', ({ms} - {fraction}) / 1000, 'unixepoch') \
         || CASE {fraction} WHEN 0 THEN '' ELSE printf('.%03d', {fraction}) END ELSE {ms} END"
    )
}

/// The time that all rows of a run without run id have, as its key says.
const TIME_OF_KEY: &str = "CASE WHEN r.run_key GLOB '@text:*' THEN substr(r.run_key, 7) \
     WHEN r.run_key GLOB '@integer:*' THEN CAST(substr(r.run_key, 10) AS INTEGER) \
     WHEN r.run_key GLOB '@real:*' THEN CAST(substr(r.run_key, 7) AS REAL) END";
const KEYLESS: &str = "(substr(r.run_key, 1, 1) = '@' AND substr(r.run_key, 1, 4) <> '@id:')";
const RUN_ID: &str = "CASE WHEN substr(r.run_key, 1, 4) = '@id:' THEN substr(r.run_key, 5) \
     WHEN substr(r.run_key, 1, 1) = '@' THEN NULL ELSE r.run_key END";

impl Returner {
    fn new(kind: Kind) -> Self {
        let by_id = kind.chunk_key == "id";
        let (time, written_time) = match kind.name {
            "artifact" => ("o.output_timestamp", "o.legacy_created_at"),
            "synthesis" => ("o.created_at", "o.legacy_created_at"),
            _ => ("o.spawned_at", "o.legacy_spawned_at"),
        };
        // A synthesis without run id may have a run of its own for its source, see `part_by_source`.
        let same_run = |run_id: &str, at: &str| {
            let key = canonical::run_key(run_id, at);
            if kind.name == "synthesis" {
                format!("r.run_key IN ({key}, {key} || '@source:' || o.source_id)")
            } else {
                format!("r.run_key = {key}")
            }
        };
        let as_written = format!(
            "(o.legacy_stage IS NOT NULL AND {} IS r.stage AND {} AND {} IS {time})",
            canonical::stage("o.legacy_stage"),
            same_run("o.legacy_run_id", written_time),
            canonical::time_ms(written_time)
        );
        let made_at = format!("CASE WHEN {KEYLESS} THEN {TIME_OF_KEY} ELSE {} END", time_text(time));
        let until = match kind.name {
            "execution" => format!(
                "CASE WHEN {} IS o.completed_at AND (o.legacy_completed_at IS NULL) = (o.completed_at IS NULL) \
                 THEN o.legacy_completed_at WHEN o.completed_at IS NULL AND {as_written} THEN o.legacy_completed_at \
                 ELSE {} END",
                canonical::time_ms("o.legacy_completed_at"),
                time_text("o.completed_at")
            ),
            _ => "NULL".to_owned(),
        };
        let made = format!(
            "SELECT o.*, r.spec_id AS back_spec, r.stage AS run_stage, r.run_key AS run_key, {time} AS back_time,
               CASE WHEN {as_written} THEN o.legacy_stage WHEN r.stage IN ({PREFIXED}) THEN 'spec-' || r.stage
                 ELSE r.stage END AS back_stage,
               CASE WHEN {as_written} THEN o.legacy_run_id ELSE {RUN_ID} END AS back_run_id,
               CASE WHEN {as_written} THEN {written_time} ELSE {made_at} END AS back_at, {until} AS back_until
             FROM {} o CROSS JOIN consensus_runs r ON r.id = o.run_id",
            kind.new
        );
        let mut fits = vec![
            format!("{} IS r.run_stage", canonical::stage("r.back_stage")),
            same_run("r.back_run_id", "r.back_at").replace("o.source_id", "r.source_id"),
            format!("{} IS r.back_time", canonical::time_ms("r.back_at")),
        ];
        match kind.name {
            "synthesis" => fits.push("r.output_markdown IS NOT NULL AND r.status IS NOT NULL".into()),
            "execution" => fits.push(format!(
                "r.phase_type IS NOT NULL AND typeof(r.back_at) IN ('text', 'blob') \
                 AND {} IS r.completed_at \
                 AND CASE WHEN r.state IN ('timed_out', 'cancelled', 'lost') THEN 'failed' ELSE r.state END \
                   = CASE WHEN r.extraction_error IS NOT NULL THEN 'failed' \
                 WHEN r.back_until IS NOT NULL THEN 'completed' ELSE 'spawned' END",
                canonical::time_ms("r.back_until")
            )),
            _ => {}
        }
        let fitting = format!("SELECT * FROM ({made}) AS r WHERE {}", fits.join(" AND "));
        let cursor = kind.cursor.replace("_cursor", "_back");
        Self { kind, by_id, fitting, cursor }
    }

    /// The condition that a row has no counterpart.
    const fn only_new(&self) -> &'static str {
        if self.by_id { "legacy_id IS NULL" } else { "mirrored = 0" }
    }

    pub(crate) fn cursor(&self, conn: &ReadConn<'_>) -> Result<i64> {
        let query = format!("SELECT ifnull({}, 0) FROM migration_state WHERE id = 1", self.cursor);
        Ok(conn.query_row(&query, [], |row| row.get(0))?)
    }

    /// How many rows have no counterpart, and how many of them a legacy row can say.
    pub(crate) fn counts(&self, conn: &ReadConn<'_>) -> Result<(u64, u64)> {
        let only_new = self.only_new();
        let all = format!("SELECT count(*) FROM {} WHERE {only_new}", self.kind.new);
        let fit = format!("SELECT count(*) FROM ({}) WHERE {only_new}", self.fitting);
        Ok((conn.query_row(&all, [], |row| row.get(0))?, conn.query_row(&fit, [], |row| row.get(0))?))
    }

    /// The next rows behind `low` without counterpart, at most `rows` of them, that weigh about `budget`, but at
    /// least one.
    pub(crate) fn measure(
        &self,
        conn: &ReadConn<'_>,
        low: i64,
        budget: u64,
        rows: u64,
    ) -> Result<Option<Chunk>> {
        let bytes = match self.kind.name {
            "artifact" => "octet_length(content) + ifnull(octet_length(response_text), 0)",
            "synthesis" => "ifnull(octet_length(output_markdown), 0)",
            _ => "ifnull(octet_length(response_text), 0)",
        };
        let query = format!(
            "SELECT id, {bytes} FROM {} WHERE id > ?1 AND {} ORDER BY id LIMIT ?2",
            self.kind.new,
            self.only_new()
        );
        chunk::measure(conn, &query, low, budget, rows)
    }

    /// Gives the rows of the chunk that have none their legacy row, and moves the cursor. The triggers must be
    /// silent. Gives how many rows went.
    pub(crate) fn copy(&self, tx: &WriteTx<'_>, chunk: &Chunk) -> Result<u64> {
        let only_new = self.only_new();
        let copied = self.stage(
            tx,
            &format!("id > ?1 AND id <= ?2 AND {only_new}"),
            &[Value::Integer(chunk.low), Value::Integer(chunk.high)],
        )?;
        if copied > 0 {
            self.number(tx)?;
            self.insert(tx)?;
            self.keep_spelling(tx)?;
        }
        tx.execute(&format!("UPDATE migration_state SET {} = ?1 WHERE id = 1", self.cursor), [chunk.high])?;
        Ok(copied)
    }

    /// Makes the legacy row of one row of the new table hold what that holds, whether it is there or not; whether
    /// a legacy row can say it. The triggers must be silent.
    pub(crate) fn put(&self, tx: &WriteTx<'_>, id: i64) -> Result<bool> {
        if self.stage(tx, "id = ?1", &[Value::Integer(id)])? == 0 {
            return Ok(false);
        }
        let Kind { legacy, new, legacy_key, .. } = self.kind;
        let known = if self.by_id { "legacy_id" } else { "agent_id" };
        let there = format!(
            "SELECT EXISTS (SELECT 1 FROM main.{legacy} WHERE {legacy_key} = (SELECT {known} FROM {new} WHERE id = ?1))"
        );
        if self.by_id {
            tx.execute(
                &format!("UPDATE temp.back SET legacy = (SELECT legacy_id FROM {new} WHERE id = ?1)"),
                [id],
            )?;
            if tx.query_row("SELECT legacy IS NULL FROM temp.back", [], |row| row.get(0))? {
                self.number(tx)?;
            }
        }
        if tx.query_row(&there, [id], |row| row.get(0))? {
            let names = self.kind.legacy_columns.join(", ");
            tx.execute(
                &format!(
                    "UPDATE main.{legacy} SET ({names}) = (SELECT {} {})
                     WHERE {legacy_key} = (SELECT {known} FROM {new} WHERE id = ?1)",
                    self.values().join(", "),
                    self.rows()
                ),
                [id],
            )?;
        } else {
            self.insert(tx)?;
        }
        self.keep_spelling(tx)?;
        Ok(true)
    }

    fn stage(&self, tx: &WriteTx<'_>, which: &str, values: &[Value]) -> Result<u64> {
        tx.execute("DELETE FROM temp.back", [])?;
        let staged = tx.execute(
            // The inner condition is that of the new table: its rows are found by their id.
            &format!(
                "INSERT INTO temp.back(id, spec, stage, run_id, at, until)
                 SELECT id, back_spec, back_stage, back_run_id, back_at, back_until FROM ({}) WHERE {which}",
                self.fitting
            ),
            conclave_db::sql::params_from_iter(values),
        )?;
        Ok(staged as u64)
    }

    /// Numbers behind every id that was ever used on the legacy side.
    fn number(&self, tx: &WriteTx<'_>) -> Result<()> {
        if !self.by_id {
            return Ok(());
        }
        let legacy = self.kind.legacy;
        tx.execute(
            &format!(
                "UPDATE temp.back SET legacy = n.legacy FROM (
                   SELECT id, row_number() OVER (ORDER BY id) + max(
                     ifnull((SELECT seq FROM main.sqlite_sequence WHERE name = '{legacy}'), 0),
                     ifnull((SELECT max(id) FROM main.{legacy}), 0)) AS legacy FROM temp.back) AS n
                 WHERE n.id = back.id"
            ),
            [],
        )?;
        let overflow = "SELECT EXISTS (SELECT 1 FROM temp.back WHERE typeof(legacy) = 'real')";
        if tx.query_row(overflow, [], |row| row.get(0))? {
            return Err(ConsensusError::Invalid(format!("{legacy} of the state has no free id left")));
        }
        Ok(())
    }

    /// The values of the legacy columns over the staged row `b` and the new row `o`.
    fn values(&self) -> Vec<String> {
        let value = |name: &&str| match *name {
            "spec_id" => "b.spec".to_owned(),
            "stage" => "b.stage".to_owned(),
            "run_id" => "b.run_id".to_owned(),
            "created_at" | "spawned_at" => "b.at".to_owned(),
            "completed_at" => "b.until".to_owned(),
            "content_json" => "o.content".to_owned(),
            name => format!("o.{name}"),
        };
        self.kind.legacy_columns.iter().map(value).collect()
    }

    fn rows(&self) -> String {
        format!("FROM temp.back b CROSS JOIN {} o ON o.id = b.id", self.kind.new)
    }

    fn insert(&self, tx: &WriteTx<'_>) -> Result<()> {
        let Kind { legacy, legacy_key, .. } = self.kind;
        let key = if self.by_id { "b.legacy" } else { "o.agent_id" };
        // An execution of this id that is there already is made equal afterwards, see `put`.
        let free = format!("NOT EXISTS (SELECT 1 FROM main.{legacy} l WHERE l.{legacy_key} = {key})");
        tx.execute(
            &format!(
                "INSERT INTO main.{legacy}({legacy_key}, {}) SELECT {key}, {} {} WHERE {free} ORDER BY b.id",
                self.kind.legacy_columns.join(", "),
                self.values().join(", "),
                self.rows()
            ),
            [],
        )?;
        Ok(())
    }

    /// The new rows know their legacy row, and its spelling as it is stored.
    fn keep_spelling(&self, tx: &WriteTx<'_>) -> Result<()> {
        let Kind { legacy, new, .. } = self.kind;
        let (names, values, its) = if self.by_id {
            ("legacy_id, legacy_created_at", "l.id, l.created_at", "l.id = b.legacy".to_owned())
        } else {
            (
                "mirrored, legacy_spawned_at, legacy_completed_at",
                "1, l.spawned_at, l.completed_at",
                format!("l.agent_id = {new}.agent_id"),
            )
        };
        // With UPDATE FROM the planner may look through the whole table for the few rows of the chunk.
        tx.execute(
            &format!(
                "UPDATE {new} SET ({names}, legacy_stage, legacy_run_id) = (
                   SELECT {values}, l.stage, l.run_id FROM temp.back b CROSS JOIN main.{legacy} l ON {its}
                   WHERE b.id = {new}.id)
                 WHERE id IN (SELECT id FROM temp.back)"
            ),
            [],
        )?;
        Ok(())
    }
}

/// What the legacy tables have no place for, in words, each with how many there are.
pub(crate) fn stays(conn: &ReadConn<'_>) -> Result<Vec<(u64, &'static str)>> {
    let mut found = Vec::new();
    for (query, what) in [
        (
            "SELECT count(*) FROM consensus_runs r WHERE NOT EXISTS (SELECT 1 FROM agent_outputs WHERE run_id = r.id)
               AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = r.id)
               AND NOT EXISTS (SELECT 1 FROM run_attempts WHERE run_id = r.id)",
            "runs without any row",
        ),
        (
            "SELECT count(*) FROM run_attempts WHERE exit_code IS NOT NULL OR signal IS NOT NULL",
            "exit codes and signals of attempts",
        ),
        (
            "SELECT count(*) FROM consensus_runs r WHERE status <> 'unknown'
               AND NOT EXISTS (SELECT 1 FROM run_syntheses WHERE run_id = r.id)",
            "verdicts of runs without synthesis",
        ),
    ] {
        let count: u64 = conn.query_row(query, [], |row| row.get(0))?;
        if count > 0 {
            found.push((count, what));
        }
    }
    Ok(found)
}
