//! Both sides of one kind of row as two queries with the same columns: what both schemas hold, in canonical form.

mod one;
pub(crate) mod refused;

use std::hash::{DefaultHasher, Hasher};

use conclave_db::ReadConn;
use conclave_db::sql::{Row, Value, ValueRef, params};

use super::{canonical, control, remade, shape};
use crate::error::Result;
use crate::migrate::{Finding, FindingKind};

/// One kind of row on both sides.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) table: &'static str,
    /// `key`, then the fields.
    legacy: String,
    /// `key`, then the fields, then `new_id`.
    new: String,
    /// The new table and the condition that a row of it mirrors a legacy row.
    mirrored: (&'static str, &'static str),
    key: &'static str,
    fields: &'static [&'static str],
    /// Whether somebody has dropped the legacy table, in a phase that has it.
    gone: bool,
}

/// The key of a row, as stored. The order of the variants is that of SQLite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    Number(i64),
    /// Text that may be no UTF-8.
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Key {
    /// The key in a column; NULL is none.
    pub(crate) fn of(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(number) => Some(Self::Number(number)),
            ValueRef::Text(bytes) => Some(Self::Text(bytes.to_vec())),
            ValueRef::Blob(bytes) => Some(Self::Blob(bytes.to_vec())),
            ValueRef::Null | ValueRef::Real(_) => None,
        }
    }

    /// The parameter of this number, so that it compares as what it is: text that is no UTF-8 can only be bound
    /// as a blob.
    pub(crate) fn parameter(&self, number: usize) -> String {
        if matches!(self, Self::Text(_)) { format!("CAST(?{number} AS TEXT)") } else { format!("?{number}") }
    }

    /// The key as a finding names it.
    pub(crate) fn into_finding(self) -> (Option<i64>, Option<String>) {
        match self {
            Self::Number(id) => (Some(id), None),
            Self::Text(bytes) | Self::Blob(bytes) => {
                (None, Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Number(number) => Value::Integer(*number),
            Self::Text(bytes) | Self::Blob(bytes) => Value::Blob(bytes.clone()),
        }
    }
}

/// A range of keys: behind `low`, or from the first one on, up to `high`.
#[derive(Debug, Clone)]
pub(crate) struct Range {
    low: Option<Key>,
    pub(crate) high: Key,
}

impl Range {
    /// The condition that `key` is in the range, whose ends are the parameters 1 and 2.
    fn holds(&self, key: &str) -> String {
        format!("{} AND {key} <= {}", behind(self.low.as_ref(), key), self.high.parameter(2))
    }

    fn values(&self) -> [Value; 2] {
        [self.low.as_ref().map_or(Value::Null, Key::value), self.high.value()]
    }
}

/// The condition that `key` lies behind `low`, which is parameter 1.
fn behind(low: Option<&Key>, key: &str) -> String {
    match low {
        Some(low) => format!("{key} > {}", low.parameter(1)),
        // NULL is no key. The parameter must be there all the same, since its neighbours are counted from it.
        None => format!("{key} IS NOT NULL AND ?1 IS NULL"),
    }
}

/// What one side holds in a range: how many rows, and the sum of their hashes, which no order changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: u128,
}

impl Digest {
    /// Adds a row. Each field goes in with its type and length, so that no two rows are alike by where their
    /// fields end.
    fn add(&mut self, row: &Row<'_>, columns: usize) -> std::result::Result<(), conclave_db::sql::Error> {
        let mut hasher = DefaultHasher::new();
        for index in 0..columns {
            let (kind, bytes): (u8, &[u8]) = match row.get_ref(index)? {
                ValueRef::Null => (0, &[]),
                ValueRef::Integer(number) => {
                    hasher.write_i64(number);
                    (1, &[])
                }
                ValueRef::Real(number) => {
                    hasher.write_u64(number.to_bits());
                    (2, &[])
                }
                ValueRef::Text(bytes) => (3, bytes),
                ValueRef::Blob(bytes) => (4, bytes),
            };
            hasher.write_u8(kind);
            hasher.write_usize(bytes.len());
            hasher.write(bytes);
        }
        let first = hasher.finish();
        hasher.write_u8(1);
        let both = (u128::from(first) << 64) | u128::from(hasher.finish());
        self.rows += 1;
        self.sum = self.sum.wrapping_add(both);
        Ok(())
    }
}

impl Pair {
    /// The pairs whose legacy table the state file has or should have, with what is a difference in its phase: from phase 4 on a
    /// legacy row does not hear of the end of its execution.
    pub(crate) fn all(conn: &ReadConn<'_>) -> Result<Vec<Self>> {
        let ends = control::phase(conn)?.has_legacy_side();
        Self::pairs(conn, if ends { executions } else { unended_executions })
    }

    /// The same as if the legacy side were to hold everything.
    pub(crate) fn strict(conn: &ReadConn<'_>) -> Result<Vec<Self>> {
        Self::pairs(conn, executions)
    }

    fn pairs(conn: &ReadConn<'_>, executions: fn(&str, bool) -> Self) -> Result<Vec<Self>> {
        let missing = remade::missing(conn)?;
        let mut pairs = Vec::new();
        let branches = shape::has_branches(conn)?;
        for table in super::schema::LEGACY_TABLES {
            // What was dropped before its time holds nothing of what is mirrored.
            let gone = missing.contains(table);
            let select = if gone {
                Some(shape::nothing_of(table))
            } else {
                shape::legacy_select(conn, "main", table)?
            };
            if let Some(select) = select {
                let pair = match *table {
                    "consensus_artifacts" => artifacts(&select),
                    "consensus_synthesis" => syntheses(&select),
                    _ => executions(&select, branches),
                };
                pairs.push(Self { gone, ..pair });
            }
        }
        Ok(pairs)
    }

    /// How many rows there are to compare.
    pub(crate) fn rows(&self, conn: &ReadConn<'_>) -> Result<u64> {
        if self.gone {
            return Ok(0);
        }
        Ok(conn.query_row(&format!("SELECT count(*) FROM main.{}", self.table), [], |row| row.get(0))?)
    }

    /// The next range behind `low` of at most `rows` rows on either side.
    pub(crate) fn next(&self, conn: &ReadConn<'_>, low: Option<&Key>, rows: u32) -> Result<Option<Range>> {
        let value = low.map_or(Value::Null, Key::value);
        let end = |from: &str, key: &str| {
            let query = format!(
                "SELECT max(k) FROM (SELECT {key} AS k FROM {from} WHERE {} ORDER BY {key} LIMIT ?2)",
                behind(low, key)
            );
            conn.query_row(&query, params![value, rows], |row| Ok(Key::of(row.get_ref(0)?)))
        };
        let (table, key) = self.mirrored;
        let own = if self.key == "id" { "id" } else { "agent_id" };
        let legacy = if self.gone { None } else { end(&format!("main.{}", self.table), own)? };
        let ends = [legacy, end(table, key)?];
        let high = ends.into_iter().flatten().min();
        Ok(high.map(|high| Range { low: low.cloned(), high }))
    }

    /// What both sides hold in the range.
    pub(crate) fn digests(&self, conn: &ReadConn<'_>, range: &Range) -> Result<(Digest, Digest)> {
        let digest = |select: &str| {
            let mut digest = Digest::default();
            let query = format!("SELECT * FROM ({select}) WHERE {}", range.holds("key"));
            conn.for_each::<crate::ConsensusError, _>(&query, range.values(), |row| {
                digest.add(row, self.fields.len() + 1).map_err(conclave_db::DbError::from)?;
                Ok(())
            })?;
            Ok::<_, crate::ConsensusError>(digest)
        };
        Ok((digest(&self.legacy)?, digest(&self.new)?))
    }

    /// The rows of the range that differ, exactly, with their keys.
    pub(crate) fn differences(&self, conn: &ReadConn<'_>, range: &Range) -> Result<Vec<(Key, Finding)>> {
        let first = self
            .fields
            .iter()
            .enumerate()
            .map(|(index, name)| format!("WHEN l.{name} IS NOT n.{name} THEN {index}"))
            .collect::<Vec<_>>()
            .join(" ");
        let (legacy, new) = (
            format!("(SELECT * FROM ({}) WHERE {})", self.legacy, range.holds("key")),
            format!("(SELECT * FROM ({}) WHERE {})", self.new, range.holds("key")),
        );
        let query = format!(
            "SELECT l.key, n.new_id, CASE WHEN n.new_id IS NULL THEN -1 {first} END AS field
             FROM {legacy} AS l LEFT JOIN {new} AS n ON n.key = l.key WHERE field IS NOT NULL
             UNION ALL
             SELECT n.key, n.new_id, -2 FROM {new} AS n LEFT JOIN {legacy} AS l ON l.key = n.key
             WHERE l.key IS NULL ORDER BY 1"
        );
        let rows = conn.query_all(&query, range.values(), |row| {
            let field: i64 = row.get(2)?;
            let key = Key::of(row.get_ref(0)?);
            let finding = self.finding(key.clone(), row.get(1)?, field);
            Ok(key.map(|key| (key, finding)))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Executions without an id, which nothing can mirror.
    pub(crate) fn nameless(&self, conn: &ReadConn<'_>) -> Result<Vec<Finding>> {
        if self.gone || self.key == "id" {
            return Ok(Vec::new());
        }
        let query = "SELECT rowid FROM main.agent_executions WHERE agent_id IS NULL";
        let rows = conn.query_all(query, [], |row| row.get::<_, i64>(0))?;
        let refused = |rowid| Finding {
            rowid: Some(rowid),
            reason: Some(refused::NULL),
            ..self.finding(None, None, -1)
        };
        Ok(rows.into_iter().map(refused).collect())
    }

    fn finding(&self, key: Option<Key>, output_id: Option<i64>, field: i64) -> Finding {
        let (legacy_id, agent_id) = key.map_or((None, None), Key::into_finding);
        let (kind, field) = match usize::try_from(field) {
            Ok(index) => (FindingKind::Different, self.fields.get(index).copied()),
            Err(_) if field == -1 => (FindingKind::MissingInNew, None),
            Err(_) => (FindingKind::MissingInLegacy, None),
        };
        Finding { kind, table: self.table, legacy_id, agent_id, output_id, field, rowid: None, reason: None }
    }
}

/// A select over `from` whose columns are the fields with their expressions.
fn select(key: &str, fields: &[&str], values: &[String], more: &str, from: &str) -> String {
    let list: Vec<String> =
        fields.iter().zip(values).map(|(name, value)| format!("{value} AS {name}")).collect();
    format!("SELECT {key} AS key, {}{more} FROM {from}", list.join(", "))
}

fn text(name: &str) -> String {
    format!("CAST({name} AS TEXT)")
}

fn artifacts(rows: &str) -> Pair {
    const FIELDS: &[&str] =
        &["spec", "stage", "run_key", "agent", "content", "response", "time", "written_time"];
    let legacy = [
        text("s.spec_id"),
        canonical::stage("s.stage"),
        canonical::run_key("s.run_id", "s.created_at"),
        text("s.agent_name"),
        text("s.content_json"),
        text("s.response_text"),
        canonical::time_ms("s.created_at"),
        // Texts that are no time are NULL in canonical form, and differ all the same.
        "s.created_at".into(),
    ];
    let new = [
        "r.spec_id",
        "r.stage",
        "r.run_key",
        "o.agent_name",
        "o.content",
        "o.response_text",
        "o.output_timestamp",
        "o.legacy_created_at",
    ]
    .map(str::to_owned);
    Pair {
        table: "consensus_artifacts",
        legacy: select("s.id", FIELDS, &legacy, "", &format!("({rows}) s")),
        new: select(
            "o.legacy_id",
            FIELDS,
            &new,
            ", o.id AS new_id",
            "agent_outputs o JOIN consensus_runs r ON r.id = o.run_id",
        ),
        mirrored: ("agent_outputs", "legacy_id"),
        key: "id",
        fields: FIELDS,
        gone: false,
    }
}

fn syntheses(rows: &str) -> Pair {
    const FIELDS: &[&str] = &[
        "spec",
        "stage",
        "run_key",
        "output_markdown",
        "output_path",
        "status",
        "artifacts_count",
        "agreements",
        "conflicts",
        "degraded",
        "time",
        "written_time",
    ];
    let legacy = [
        text("s.spec_id"),
        canonical::stage("s.stage"),
        canonical::run_key("s.run_id", "s.created_at"),
        text("s.output_markdown"),
        text("s.output_path"),
        text("s.status"),
        "s.artifacts_count".into(),
        text("s.agreements"),
        text("s.conflicts"),
        "s.degraded".into(),
        canonical::time_ms("s.created_at"),
        "s.created_at".into(),
    ];
    // One without run id that another file brought has a run of its own, see `part_by_source`.
    let key = canonical::run_key("o.legacy_run_id", "o.legacy_created_at");
    let run_key =
        format!("CASE WHEN r.run_key = {key} || '@source:' || o.source_id THEN {key} ELSE r.run_key END");
    let new = [
        "r.spec_id",
        "r.stage",
        &run_key,
        "o.output_markdown",
        "o.output_path",
        "o.status",
        "o.artifacts_count",
        "o.agreements",
        "o.conflicts",
        "o.degraded",
        "o.created_at",
        "o.legacy_created_at",
    ]
    .map(str::to_owned);
    Pair {
        table: "consensus_synthesis",
        legacy: select("s.id", FIELDS, &legacy, "", &format!("({rows}) s")),
        new: select(
            "o.legacy_id",
            FIELDS,
            &new,
            ", o.id AS new_id",
            "run_syntheses o JOIN consensus_runs r ON r.id = o.run_id",
        ),
        mirrored: ("run_syntheses", "legacy_id"),
        key: "id",
        fields: FIELDS,
        gone: false,
    }
}

/// With those columns of an execution that only the new side has as the legacy side knows them: the end is not
/// there, and whatever its row says beside is no answer to it.
fn unended_executions(rows: &str, branches: bool) -> Pair {
    let ahead = "o.completed_at IS NOT NULL AND o.legacy_completed_at IS NULL";
    let known = |name: &str| {
        let written = text(&format!("l.{name}"));
        let written = format!("(SELECT {written} FROM ({rows}) l WHERE l.agent_id = o.agent_id)");
        format!("CASE WHEN {ahead} THEN {written} ELSE o.{name} END")
    };
    let completed = format!("CASE WHEN {ahead} THEN NULL ELSE o.completed_at END");
    executions_with(rows, branches, [completed, known("response_text"), known("extraction_error")])
}

fn executions(rows: &str, branches: bool) -> Pair {
    executions_with(
        rows,
        branches,
        ["completed_at", "response_text", "extraction_error"].map(|name| format!("o.{name}")),
    )
}

/// `branches` is whether the legacy table has that column; where it has none, nothing can be said to differ.
fn executions_with(rows: &str, branches: bool, [completed, response, error]: [String; 3]) -> Pair {
    const FIELDS: &[&str] = &[
        "spec",
        "stage",
        "run_key",
        "agent",
        "phase_type",
        "spawned_at",
        "completed_at",
        "response",
        "extraction_error",
        "branch_id",
        "written_start",
        "written_end",
    ];
    let legacy = [
        text("s.spec_id"),
        canonical::stage("s.stage"),
        canonical::run_key("s.run_id", "s.spawned_at"),
        text("s.agent_name"),
        text("s.phase_type"),
        canonical::time_ms("s.spawned_at"),
        canonical::time_ms("s.completed_at"),
        text("s.response_text"),
        text("s.extraction_error"),
        if branches { text("s.branch_id") } else { "NULL".into() },
        "s.spawned_at".into(),
        "s.completed_at".into(),
    ];
    let new = [
        "r.spec_id",
        "r.stage",
        "r.run_key",
        "o.agent_name",
        "o.phase_type",
        "o.spawned_at",
        &completed,
        &response,
        &error,
        if branches { "o.branch_id" } else { "NULL" },
        "o.legacy_spawned_at",
        "o.legacy_completed_at",
    ]
    .map(str::to_owned);
    Pair {
        table: "agent_executions",
        legacy: select("s.agent_id", FIELDS, &legacy, "", &format!("({rows}) s")),
        new: select(
            "o.agent_id",
            FIELDS,
            &new,
            ", o.id AS new_id",
            "run_attempts o JOIN consensus_runs r ON r.id = o.run_id AND o.mirrored = 1",
        ),
        mirrored: ("run_attempts", "agent_id"),
        key: "agent_id",
        fields: FIELDS,
        gone: false,
    }
}
