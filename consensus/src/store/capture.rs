//! Capture triggers: what an older program writes into the legacy tables is mirrored in the same transaction.
//!
//! The triggers run inside the older program's process, on its SQLite, under its settings. So they are made of
//! built-in functions up to SQLite 3.38, and they never make its statement fail and never lose a row:
//!
//! - Every value is cast, since the new tables are STRICT. What cannot be mirrored is noted in
//!   `migration_pending`.
//! - No statement relies on a conflict clause of its own: the outer statement's policy replaces it
//!   (<https://sqlite.org/lang_createtrigger.html>), and under REPLACE a conflict would delete the run. Nothing
//!   here can conflict, since each insert asks first whether the row is there.
//! - Nothing relies on cascades, which a plain client has switched off.
//! - A REPLACE deletes rows without their delete trigger unless `recursive_triggers` is on, so an insert may find
//!   its id mapped: that row is changed in place, and keeps what only the new side has.
//!
//! Our own dual-writes put a row into `capture_off` for the length of their transaction.

use conclave_db::sql::params;
use conclave_db::{ReadConn, WriteTx};

use super::copy::kinds::{self, Kind};
use super::{canonical, runs, shape};
use crate::error::Result;

/// The time of the trigger, ms.
const NOW: &str = "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)";
/// The runs that are to follow their rows again.
const TOUCHED: &str = "IN (SELECT run FROM capture_runs)";

/// The event that a trigger is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Insert,
    Update,
    Delete,
}

impl Event {
    const ALL: [Self; 3] = [Self::Insert, Self::Update, Self::Delete];

    const fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Whether the triggers stand between the legacy and the new tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// There are no legacy tables to watch.
    NothingToWatch,
    /// All are there, as this program makes them.
    On,
    /// Some are missing or other than this program makes them.
    Broken,
}

/// A trigger: its name and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trigger {
    name: String,
    sql: String,
}

/// Makes the legacy tables complete, and their triggers where they are not as they should be.
pub(crate) fn install(tx: &WriteTx<'_>) -> Result<()> {
    shape::ensure_legacy_tables(tx)?;
    if state(tx)? == Capture::On {
        return Ok(());
    }
    for trigger in triggers(tx)? {
        tx.execute_batch(&format!("DROP TRIGGER IF EXISTS {}; {};", trigger.name, trigger.sql))?;
    }
    Ok(())
}

/// What the triggers are like.
pub(crate) fn state(conn: &ReadConn<'_>) -> Result<Capture> {
    let wanted = triggers(conn)?;
    if wanted.is_empty() {
        return Ok(Capture::NothingToWatch);
    }
    let query = "SELECT sql FROM main.sqlite_schema WHERE type = 'trigger' AND name = ?1";
    for trigger in wanted {
        let found: Option<String> = conn.query_optional(query, [&trigger.name], |row| row.get(0))?;
        if found.as_deref() != Some(&trigger.sql) {
            return Ok(Capture::Broken);
        }
    }
    Ok(Capture::On)
}

/// Keeps the triggers silent for the rest of a transaction; [`resume`] must follow before its commit.
pub(crate) fn suspend(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("INSERT INTO capture_off(id, never) VALUES(1, 1)", [])?;
    Ok(())
}

pub(crate) fn resume(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM capture_off", [])?;
    Ok(())
}

/// Notes a row that we changed on both sides, for a comparison that is under way.
pub(crate) fn note_changed(tx: &WriteTx<'_>, table: &str, key: &dyn conclave_db::sql::ToSql) -> Result<()> {
    tx.execute(
        "INSERT INTO capture_changed(legacy_table, legacy_key)
         SELECT ?1, ?2 WHERE (SELECT comparing FROM migration_state WHERE id = 1) = 1
         ON CONFLICT(legacy_table, legacy_key) DO NOTHING",
        params![table, key],
    )?;
    Ok(())
}

/// All triggers for the legacy tables as they are.
fn triggers(conn: &ReadConn<'_>) -> Result<Vec<Trigger>> {
    let mut triggers = Vec::new();
    for kind in kinds::all() {
        let Some(columns) = shape::values_of(conn, kind.legacy, "NEW")? else { continue };
        let body = Body::new(&kind, &columns);
        for event in Event::ALL {
            let name = format!("capture_{}_{}", kind.legacy, event.word());
            let sql = format!(
                "CREATE TRIGGER {name} AFTER {} ON {} WHEN NOT EXISTS (SELECT 1 FROM capture_off) BEGIN\n  {};\nEND",
                event.word().to_uppercase(),
                kind.legacy,
                body.statements(event).join(";\n  ")
            );
            triggers.push(Trigger { name, sql });
        }
    }
    Ok(triggers)
}

/// The parts of the triggers of one table.
struct Body<'kind> {
    kind: &'kind Kind,
    /// The written row as `s`, and what is derived from it as `c`.
    source: String,
    /// Whether the written row cannot be mirrored.
    refused: String,
    by_id: bool,
}

impl<'kind> Body<'kind> {
    fn new(kind: &'kind Kind, columns: &str) -> Self {
        let by_id = kind.chunk_key == "id";
        let row = format!("(SELECT {columns}) AS s");
        let agent = if kind.name == "synthesis" { "NULL" } else { "CAST(s.agent_name AS TEXT)" };
        // The older program's SQLite knows no function of ours: its own opinion on JSON is recomputed by us.
        let valid = "ifnull(json_valid(CAST(s.content_json AS TEXT)), 0)";
        let derived = kind
            .derived
            .iter()
            .map(|(name, value)| match *name {
                "valid" => format!("{valid} AS valid"),
                "model" => {
                    format!("{} AS model", canonical::model_version("CAST(s.content_json AS TEXT)", valid))
                }
                name => format!("{value} AS {name}"),
            })
            .collect::<Vec<_>>()
            .join(", ");
        let stage = canonical::stage("s.stage");
        let source = format!(
            "{row} CROSS JOIN (SELECT CAST(s.spec_id AS TEXT) AS spec, {stage} AS stage, {agent} AS agent, {derived} \
             FROM {row}) AS c"
        );
        let mut refused: Vec<String> = kind.needed.iter().map(|name| format!("NEW.{name} IS NULL")).collect();
        if !by_id {
            // Cast to text, two ids could be one.
            refused.push(format!("typeof(NEW.{}) = 'blob'", kind.legacy_key));
        }
        Self { kind, source, refused: format!("({})", refused.join(" OR ")), by_id }
    }

    /// The condition that a row of the new table is that of the legacy row `row`. No alias: a trigger's UPDATE
    /// and DELETE take none.
    fn is_of(&self, row: &str) -> String {
        let Kind { new, legacy_key, .. } = self.kind;
        let column = if self.by_id { "legacy_id" } else { "agent_id" };
        format!("{new}.{column} = {row}.{legacy_key}")
    }

    /// The same, where the new row is known to mirror a legacy one.
    fn mirrors(&self, row: &str) -> String {
        let of = self.is_of(row);
        if self.by_id { of } else { format!("{of} AND {}.mirrored = 1", self.kind.new) }
    }

    fn statements(&self, event: Event) -> Vec<String> {
        let Kind { legacy, new, .. } = self.kind;
        let mut steps = Vec::new();
        for row in [(Event::Insert, "OLD"), (Event::Delete, "NEW")].iter().filter(|(but, _)| *but != event) {
            let row = row.1;
            steps.push(format!(
                "INSERT INTO capture_runs(run) SELECT run_id FROM {new} WHERE {} \
                 AND NOT EXISTS (SELECT 1 FROM capture_runs WHERE run = {new}.run_id)",
                self.is_of(row)
            ));
            steps.push(format!(
                "DELETE FROM migration_pending WHERE legacy_table = '{legacy}' AND legacy_rowid = {row}.rowid"
            ));
        }
        // A REPLACE may have deleted rows that no trigger has seen.
        steps.push(format!(
            "DELETE FROM migration_pending WHERE legacy_table = '{legacy}' \
             AND NOT EXISTS (SELECT 1 FROM {legacy} WHERE {legacy}.rowid = legacy_rowid)"
        ));
        match event {
            Event::Insert => steps.extend(self.mirror()),
            Event::Update => {
                steps.extend(self.change_key());
                steps.extend(self.mirror());
            }
            Event::Delete => steps.push(format!("DELETE FROM {new} WHERE {}", self.mirrors("OLD"))),
        }
        if self.kind.name == "synthesis" {
            steps.extend(runs::follow_syntheses(TOUCHED));
        }
        steps.extend(runs::follow_rows(TOUCHED));
        steps.push("DELETE FROM capture_runs".into());
        steps.push(format!(
            "UPDATE capture_seen SET writes = writes + 1, \
             late_writes = late_writes + (SELECT phase >= 4 FROM migration_state), \
             last_at = {NOW}, sqlite_version = sqlite_version()"
        ));
        let rows: &[&str] = match event {
            Event::Insert => &["NEW"],
            Event::Update => &["OLD", "NEW"],
            Event::Delete => &["OLD"],
        };
        for row in rows {
            let key = format!("{row}.{}", self.kind.legacy_key);
            steps.push(format!(
                "INSERT INTO capture_changed(legacy_table, legacy_key) SELECT '{legacy}', {key} \
                 WHERE {key} IS NOT NULL AND (SELECT comparing FROM migration_state) = 1 AND NOT EXISTS \
                 (SELECT 1 FROM capture_changed WHERE legacy_table = '{legacy}' AND legacy_key = {key})"
            ));
        }
        steps
    }

    /// An update may move a row to another key, also to one whose row a REPLACE has just deleted.
    fn change_key(&self) -> Vec<String> {
        let new = self.kind.new;
        let key = self.kind.legacy_key;
        let moved = format!("OLD.{key} IS NOT NEW.{key}");
        if self.by_id {
            return vec![
                format!("DELETE FROM {new} WHERE {moved} AND {}", self.is_of("NEW")),
                format!("UPDATE {new} SET legacy_id = NEW.id WHERE {moved} AND {}", self.is_of("OLD")),
            ];
        }
        // An attempt that only we know may have the key already: it is taken in place.
        vec![
            format!("DELETE FROM {new} WHERE {moved} AND {}", self.mirrors("NEW")),
            format!(
                "UPDATE {new} SET agent_id = NEW.{key} WHERE {moved} AND NOT {} AND {} \
                 AND NOT EXISTS (SELECT 1 FROM {new} WHERE agent_id = NEW.{key})",
                self.refused,
                self.mirrors("OLD")
            ),
            format!("DELETE FROM {new} WHERE {moved} AND {}", self.mirrors("OLD")),
        ]
    }

    /// Makes the new side hold the written row.
    fn mirror(&self) -> Vec<String> {
        let Kind { legacy, new, .. } = self.kind;
        let (refused, source) = (&self.refused, &self.source);
        let run = "(SELECT r.id FROM consensus_runs r \
                    WHERE r.run_key = c.run_key AND r.spec_id = c.spec AND r.stage = c.stage)";
        vec![
            format!(
                "INSERT INTO migration_pending(legacy_table, legacy_rowid, reason, noticed_at) \
                 SELECT '{legacy}', NEW.rowid, 'a column that the new tables need has no usable value', {NOW} \
                 WHERE {refused}"
            ),
            format!("DELETE FROM {new} WHERE {refused} AND {}", self.mirrors("NEW")),
            format!(
                "INSERT INTO consensus_runs(run_key, spec_id, stage, origin) \
                 SELECT c.run_key, c.spec, c.stage, 'legacy' FROM {source} \
                 WHERE NOT {refused} AND {run} IS NULL"
            ),
            format!(
                "UPDATE {new} SET {} FROM {source} WHERE NOT {refused} AND {}",
                self.in_place(run),
                self.is_of("NEW")
            ),
            self.insert(run),
            format!(
                "INSERT INTO capture_runs(run) SELECT run_id FROM {new} WHERE {} \
                 AND NOT EXISTS (SELECT 1 FROM capture_runs WHERE run = {new}.run_id)",
                self.is_of("NEW")
            ),
        ]
    }

    /// The number behind the rows of the agent in the run, in the attempt where rows have one.
    fn next(&self, column: &str, run: &str, attempt: &str) -> String {
        let same = if column == "sequence" { format!(" AND n.attempt = {attempt}") } else { String::new() };
        format!(
            "1 + ifnull((SELECT max(n.{column}) FROM {} n WHERE n.run_id = {run} AND n.agent_name = c.agent{same}), 0)",
            self.kind.new
        )
    }

    fn insert(&self, run: &str) -> String {
        let (mut names, mut values): (Vec<&str>, Vec<String>) =
            self.kind.columns.iter().map(|(name, value)| (*name, value.clone())).unzip();
        if let Some(column) = self.kind.numbered {
            names.push(column);
            values.push(self.next(column, run, "1"));
        }
        let (mapped, value) = if self.by_id { ("legacy_id", "NEW.id") } else { ("mirrored", "1") };
        format!(
            "INSERT INTO {new}(run_id, {names}, {mapped}, captured_phase) \
             SELECT {run}, {values}, {value}, (SELECT phase FROM migration_state) FROM {source} \
             WHERE NOT {refused} AND NOT EXISTS (SELECT 1 FROM {new} WHERE {is})",
            new = self.kind.new,
            names = names.join(", "),
            values = values.join(", "),
            source = self.source,
            refused = self.refused,
            is = self.is_of("NEW")
        )
    }

    /// What an update or a REPLACE changes in the row that is there: all that the legacy schema has a column for.
    fn in_place(&self, run: &str) -> String {
        let new = self.kind.new;
        let mut set: Vec<String> = self
            .kind
            .columns
            .iter()
            .filter(|(name, _)| *name != "agent_id")
            .map(|(name, value)| match *name {
                // What became of an agent may be known better than by the legacy columns, which are asked only
                // when they say something new.
                "state" => format!(
                    "state = CASE WHEN {new}.mirrored = 1 AND {new}.legacy_completed_at IS s.completed_at \
                     AND {new}.extraction_error IS CAST(s.extraction_error AS TEXT) THEN {new}.state \
                     ELSE {value} END"
                ),
                name => format!("{name} = {value}"),
            })
            .collect();
        if let Some(column) = self.kind.numbered {
            set.push(format!(
                "{column} = CASE WHEN {new}.run_id = {run} AND {new}.agent_name = c.agent THEN {new}.{column} \
                 ELSE {} END",
                self.next(column, run, &format!("{new}.attempt"))
            ));
        }
        set.push(format!("run_id = {run}"));
        if !self.by_id {
            set.push("mirrored = 1".into());
        }
        set.join(", ")
    }
}
