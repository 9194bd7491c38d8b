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
use super::runs::Claimed;
use super::{canonical, changed, control, mend, parted, remade, runs, shape};
use crate::error::Result;

/// The time of the trigger, ms.
const NOW: &str = "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)";
/// The runs that are to follow their rows again.
const TOUCHED: &str = "IN (SELECT run FROM capture_runs)";

/// Whether the triggers stand between the legacy and the new tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capture {
    /// There are no legacy tables to watch.
    NothingToWatch,
    /// All are there, as this program makes them.
    On,
    /// Some are missing, silenced or other than this program makes them, or a table of a phase that has it is gone.
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
    let missing = remade::missing(tx)?;
    shape::ensure_legacy_tables(tx)?;
    remade::keep_made(tx, &missing)?;
    install_on_existing(tx)?;
    Ok(())
}

/// Makes the triggers of those legacy tables that are there, where they are not as they should be; gives whether
/// any was made.
pub(crate) fn install_on_existing(tx: &WriteTx<'_>) -> Result<bool> {
    if state(tx)? != Capture::Broken {
        return Ok(false);
    }
    shape::refuse_unfit_tables(tx)?;
    tx.execute("DELETE FROM capture_off", [])?;
    let unaware =
        "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND sql LIKE '%NULL AS branch_id%'";
    if tx.query_row(unaware, [], |row| row.get(0))? {
        suspend(tx)?;
        mend::give_branches(tx)?;
        resume(tx)?;
    }
    parted::part(tx)?;
    for trigger in triggers(tx)? {
        tx.execute_batch(&format!("DROP TRIGGER IF EXISTS {}; {};", trigger.name, trigger.sql))?;
    }
    // What was written without them may have no counterpart.
    for table in control::legacy_tables(tx)? {
        tx.execute(
            &format!("UPDATE migration_state SET mapped = 0 WHERE EXISTS (SELECT 1 FROM main.{table})"),
            [],
        )?;
    }
    Ok(true)
}

/// Takes away what the dropped legacy tables have left of their triggers.
pub(crate) fn remove(tx: &WriteTx<'_>) -> Result<()> {
    for kind in kinds::all() {
        tx.execute_batch(&format!("DROP TRIGGER IF EXISTS capture_{}", kind.name))?;
    }
    Ok(())
}

/// The legacy tables and their triggers as the schema has them, to be asked for again in a transaction that may
/// not ask for columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(Vec<(String, String)>);

/// What the legacy tables and their triggers look like now.
pub(crate) fn fingerprint(conn: &ReadConn<'_>) -> Result<Fingerprint> {
    let query = "SELECT name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN
      ('consensus_artifacts', 'consensus_synthesis', 'agent_executions', 'capture_row') ORDER BY name";
    Ok(Fingerprint(conn.query_all(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?))
}

/// Whether every legacy row has its counterpart or its notice: as the last who looked knew, and the triggers have
/// stood since.
pub(crate) fn all_mapped(conn: &ReadConn<'_>) -> Result<bool> {
    let mapped = "SELECT mapped FROM migration_state WHERE id = 1";
    Ok(conn.query_row(mapped, [], |row| row.get(0))? && state(conn)? == Capture::On)
}

/// Keeps that every legacy row has its counterpart or its notice. Only while the triggers stand.
pub(crate) fn keep_all_mapped(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("UPDATE migration_state SET mapped = 1 WHERE id = 1", [])?;
    Ok(())
}

/// What the triggers are like.
pub(crate) fn state(conn: &ReadConn<'_>) -> Result<Capture> {
    if !remade::missing(conn)?.is_empty() {
        return Ok(Capture::Broken);
    }
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
    // What silences them belongs into a transaction of ours, and cannot be committed with it.
    if conn.query_row("SELECT EXISTS (SELECT 1 FROM capture_off)", [], |row| row.get(0))? {
        return Ok(Capture::Broken);
    }
    Ok(Capture::On)
}

/// Keeps the triggers silent for the rest of a transaction; [`resume`] must follow before its commit.
pub(crate) fn suspend(tx: &WriteTx<'_>) -> Result<()> {
    // A client without foreign keys may have left a marker. Ours can never be committed, so that is not one.
    tx.execute("UPDATE migration_state SET mapped = 0 WHERE EXISTS (SELECT 1 FROM capture_off)", [])?;
    tx.execute("INSERT OR REPLACE INTO capture_off(id, never) VALUES(1, 1)", [])?;
    Ok(())
}

pub(crate) fn resume(tx: &WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM capture_off", [])?;
    Ok(())
}

/// Notes a mirrored row that we changed on both sides, or in phase 4 on the new one, for a comparison that is
/// under way.
pub(crate) fn note_changed(tx: &WriteTx<'_>, table: &str, key: &dyn conclave_db::sql::ToSql) -> Result<()> {
    tx.execute(
        &format!(
            "INSERT INTO capture_changed(legacy_table, legacy_key) SELECT ?1, ?2 WHERE {}",
            changed::IS_WANTED
        ),
        params![table, key],
    )?;
    Ok(())
}

/// All triggers for the legacy tables as they are. Every connection of every program that opens the file parses
/// them, so what is long stands in one trigger for each table: those of the table itself only say what changed.
fn triggers(conn: &ReadConn<'_>) -> Result<Vec<Trigger>> {
    let mut triggers = Vec::new();
    for kind in kinds::of_state(conn)? {
        let Kind { name, legacy, legacy_key: key, .. } = kind;
        let Some(columns) = shape::values_of(conn, legacy)? else { continue };
        let body = Body { kind: &kind, columns, by_id: kind.chunk_key == "id" };
        triggers.push(Trigger::new(
            format!("capture_{name}"),
            &format!("AFTER INSERT ON capture_row WHEN NEW.kind = '{name}'"),
            &body.statements(),
        ));
        for (event, before, after) in [
            ("insert", "NULL, NULL".to_owned(), format!("NEW.{key}, NEW.rowid")),
            ("update", format!("OLD.{key}, OLD.rowid"), format!("NEW.{key}, NEW.rowid")),
            ("delete", format!("OLD.{key}, OLD.rowid"), "NULL, NULL".to_owned()),
        ] {
            triggers.push(Trigger::new(
                format!("capture_{legacy}_{event}"),
                &format!(
                    "AFTER {} ON {legacy} WHEN NOT EXISTS (SELECT 1 FROM capture_off)",
                    event.to_uppercase()
                ),
                &[
                    // Left there only where somebody has dropped the trigger that takes it away.
                    "DELETE FROM capture_row".into(),
                    format!(
                        "INSERT INTO capture_row(kind, before, before_rowid, after, after_rowid) \
                         VALUES('{name}', {before}, {after})"
                    ),
                ],
            ));
        }
    }
    Ok(triggers)
}

impl Trigger {
    fn new(name: String, event: &str, statements: &[String]) -> Self {
        let sql = format!("CREATE TRIGGER {name} {event} BEGIN\n  {};\nEND", statements.join(";\n  "));
        Self { name, sql }
    }
}

/// The statements that mirror one changed row of a table; `NEW` is its row in `capture_row`.
struct Body<'kind> {
    kind: &'kind Kind,
    /// The columns of the legacy table, each under the name that a whole one would have.
    columns: String,
    by_id: bool,
}

impl Body<'_> {
    fn statements(&self) -> Vec<String> {
        let Kind { name, legacy, new, .. } = self.kind;
        let own = self.own_key();
        let mut steps = vec![
            format!(
                "INSERT INTO capture_runs(run) SELECT DISTINCT run_id FROM {new} WHERE {own} IN (NEW.before, NEW.after)"
            ),
            // A REPLACE may have deleted rows that no trigger has seen.
            format!(
                "DELETE FROM migration_pending WHERE legacy_table = '{legacy}' \
                 AND (legacy_rowid IN (NEW.before_rowid, NEW.after_rowid) \
                   OR NOT EXISTS (SELECT 1 FROM {legacy} WHERE {legacy}.rowid = legacy_rowid))"
            ),
            self.derive(),
        ];
        steps.extend(self.change_key());
        steps.extend(self.mirror());
        if *name == "synthesis" {
            steps.extend(runs::follow_syntheses(TOUCHED, Claimed::All));
        }
        steps.extend(runs::follow_rows(TOUCHED));
        steps.push("DELETE FROM capture_runs".into());
        steps.push(format!(
            "UPDATE capture_seen SET writes = writes + 1, \
             late_writes = late_writes + ifnull((SELECT phase >= 4 FROM migration_state), 0), \
             last_at = {NOW}, sqlite_version = sqlite_version()"
        ));
        steps.push(format!(
            "INSERT INTO capture_changed(legacy_table, legacy_key) \
             SELECT '{legacy}', k FROM (SELECT NEW.before AS k UNION SELECT NEW.after) \
             WHERE k IS NOT NULL AND {}",
            changed::IS_WANTED
        ));
        steps.push("DELETE FROM capture_row".into());
        steps
    }

    /// The column of the new table that holds the legacy key. No alias stands before it anywhere: the UPDATE and
    /// DELETE of a trigger take none.
    fn own_key(&self) -> String {
        format!("{}.{}", self.kind.new, if self.by_id { "legacy_id" } else { "agent_id" })
    }

    /// Whether a row of the new table is known to mirror a legacy one.
    fn is_mirror(&self) -> String {
        if self.by_id { String::new() } else { format!(" AND {}.mirrored = 1", self.kind.new) }
    }

    /// Works the changed row out as it is stored now. Without one, all stays absent and refused.
    fn derive(&self) -> String {
        let Kind { needed, derived, columns, .. } = self.kind;
        let mut refused: Vec<String> = needed.iter().map(|name| format!("s.{name} IS NULL")).collect();
        if !self.by_id {
            // Cast to text, two ids could be one.
            refused.push(format!("typeof(s.{}) = 'blob'", self.kind.legacy_key));
        }
        let agent = if self.kind.name == "synthesis" { "NULL" } else { "CAST(s.agent_name AS TEXT)" };
        // The older program's SQLite knows no function of ours: its own opinion on JSON is recomputed by us.
        let content = "CAST(s.content_json AS TEXT)";
        let valid = format!("ifnull(json_valid({content}), 0)");
        let used = |name: &str| {
            let name = format!("c.{name}");
            name == "c.run_key" || columns.iter().any(|(_, value)| *value == name)
        };
        let (names, values): (Vec<&str>, Vec<String>) = derived
            .iter()
            .filter(|(name, _)| used(name))
            .map(|(name, value)| match *name {
                "valid" => ("valid", valid.clone()),
                "model" => ("model", canonical::model_version(content, &valid)),
                name => (name, value.clone()),
            })
            .unzip();
        format!(
            "UPDATE capture_row SET (refused, spec, stage, agent, {}) = \
             (SELECT {}, CAST(s.spec_id AS TEXT), {}, {agent}, {} FROM {}) \
             WHERE NEW.after_rowid IS NOT NULL",
            names.join(", "),
            refused.join(" OR "),
            canonical::stage("s.stage"),
            values.join(", "),
            self.row()
        )
    }

    /// A row that went, or moved to another key, also to one whose row a REPLACE has just deleted.
    fn change_key(&self) -> Vec<String> {
        let Kind { new, .. } = self.kind;
        let (own, mirror) = (self.own_key(), self.is_mirror());
        let column = if self.by_id { "legacy_id" } else { "agent_id" };
        let mut steps = self.let_go(&format!("NEW.before <> NEW.after AND {own} = NEW.after"));
        // An attempt that only we know may have the key already: it is taken in place.
        steps.push(format!(
            "UPDATE {new} SET {column} = NEW.after WHERE NEW.before <> NEW.after AND {own} = NEW.before{mirror} \
             AND NOT (SELECT refused FROM capture_row) \
             AND NOT EXISTS (SELECT 1 FROM {new} WHERE {own} = NEW.after)"
        ));
        steps.extend(self.let_go(&format!("{own} = NEW.before AND NEW.before IS NOT NEW.after")));
        steps
    }

    /// The mirrored rows of this condition have lost their legacy row and go with it. An attempt whose end only we
    /// know stays, as one that only we know.
    fn let_go(&self, which: &str) -> Vec<String> {
        let new = self.kind.new;
        let mut steps = Vec::new();
        if !self.by_id {
            steps.push(format!(
                "UPDATE {new} SET mirrored = 0, legacy_stage = NULL, legacy_run_id = NULL, \
                 legacy_spawned_at = NULL, captured_phase = NULL WHERE {which}{} AND {}",
                self.is_mirror(),
                self.ended_alone()
            ));
        }
        steps.push(format!("DELETE FROM {new} WHERE {which}{}", self.is_mirror()));
        steps
    }

    /// Whether the attempt has ended on the new side alone.
    fn ended_alone(&self) -> String {
        let new = self.kind.new;
        format!("{new}.completed_at IS NOT NULL AND {new}.legacy_completed_at IS NULL")
    }

    /// Makes the new side hold the changed row.
    fn mirror(&self) -> Vec<String> {
        let Kind { legacy, new, .. } = self.kind;
        let own = self.own_key();
        let run_of = |row: &str| {
            format!(
                "SELECT r.id FROM consensus_runs r \
                 WHERE r.run_key = {row}.run_key AND r.spec_id = {row}.spec AND r.stage = {row}.stage"
            )
        };
        let mut steps = vec![format!(
            "INSERT INTO migration_pending(legacy_table, legacy_rowid, reason, noticed_at) \
             SELECT '{legacy}', NEW.after_rowid, 'a column that the new tables need has no usable value', {NOW} \
             FROM capture_row WHERE refused AND NEW.after_rowid IS NOT NULL"
        )];
        steps.extend(self.let_go(&format!("(SELECT refused FROM capture_row) AND {own} = NEW.after")));
        steps.extend([
            format!(
                "INSERT INTO consensus_runs(run_key, spec_id, stage, origin) \
                 SELECT c.run_key, c.spec, c.stage, 'legacy' FROM capture_row c \
                 WHERE NOT c.refused AND NOT EXISTS ({})",
                run_of("c")
            ),
            format!("UPDATE capture_row SET run = ({})", run_of("capture_row")),
            format!(
                "UPDATE {new} SET {} FROM {} WHERE NOT c.refused AND {own} = NEW.after",
                self.in_place(),
                self.source()
            ),
            self.insert(),
            "INSERT INTO capture_runs(run) SELECT c.run FROM capture_row c WHERE NOT c.refused \
             AND NOT EXISTS (SELECT 1 FROM capture_runs WHERE run = c.run)"
                .into(),
        ]);
        steps
    }

    /// The changed row as it is stored.
    fn row(&self) -> String {
        format!("(SELECT {} FROM {} WHERE rowid = NEW.after_rowid) AS s", self.columns, self.kind.legacy)
    }

    /// The same, and what it was worked out to.
    fn source(&self) -> String {
        format!("{} CROSS JOIN capture_row AS c", self.row())
    }

    /// The number behind the rows of the agent in the run, in the attempt where rows have one.
    fn next(&self, column: &str, attempt: &str) -> String {
        let same = if column == "sequence" { format!(" AND n.attempt = {attempt}") } else { String::new() };
        format!(
            "1 + ifnull((SELECT max(n.{column}) FROM {} n \
             WHERE n.run_id = c.run AND n.agent_name = c.agent{same}), 0)",
            self.kind.new
        )
    }

    fn insert(&self) -> String {
        let (mut names, mut values): (Vec<&str>, Vec<String>) =
            self.kind.columns.iter().map(|(name, value)| (*name, value.clone())).unzip();
        if let Some(column) = self.kind.numbered {
            names.push(column);
            values.push(self.next(column, "1"));
        }
        let (mapped, value) = if self.by_id { ("legacy_id", "NEW.after") } else { ("mirrored", "1") };
        format!(
            "INSERT INTO {new}(run_id, {names}, {mapped}, captured_phase) \
             SELECT c.run, {values}, {value}, (SELECT phase FROM migration_state) FROM {source} \
             WHERE NOT c.refused AND NOT EXISTS (SELECT 1 FROM {new} WHERE {own} = NEW.after)",
            new = self.kind.new,
            names = names.join(", "),
            values = values.join(", "),
            source = self.source(),
            own = self.own_key()
        )
    }

    /// What an update or a REPLACE changes in the row that is there: all that the legacy schema has a column for.
    fn in_place(&self) -> String {
        let new = self.kind.new;
        // An end that only we know is acknowledged: it stands until the legacy row tells one of its own. Where the
        // new side has no legacy row yet, it leads from phase 4 on.
        let stands = format!(
            "{new}.completed_at IS NOT NULL AND s.completed_at IS NULL AND CASE {new}.mirrored \
             WHEN 1 THEN {new}.legacy_completed_at IS NULL ELSE (SELECT phase >= 4 FROM migration_state) END"
        );
        let mut set: Vec<String> = self
            .kind
            .columns
            .iter()
            .filter(|(name, _)| *name != "agent_id")
            .map(|(name, value)| match *name {
                // What became of an agent may be known better than by the legacy columns, which are asked only
                // when they say something new.
                "state" => format!(
                    "state = CASE WHEN {stands} OR ({new}.mirrored = 1 \
                     AND {new}.legacy_completed_at IS s.completed_at \
                     AND {new}.extraction_error IS CAST(s.extraction_error AS TEXT)) THEN {new}.state \
                     ELSE {value} END"
                ),
                "completed_at" | "response_text" | "extraction_error" if !self.by_id => {
                    format!("{name} = CASE WHEN {stands} THEN {new}.{name} ELSE {value} END")
                }
                name => format!("{name} = {value}"),
            })
            .collect();
        if let Some(column) = self.kind.numbered {
            set.push(format!(
                "{column} = CASE WHEN {new}.run_id = c.run AND {new}.agent_name = c.agent THEN {new}.{column} \
                 ELSE {} END",
                self.next(column, &format!("{new}.attempt"))
            ));
        }
        set.push("run_id = c.run".into());
        set.push("captured_phase = (SELECT phase FROM migration_state)".into());
        if !self.by_id {
            set.push("mirrored = 1".into());
        }
        set.join(", ")
    }
}
