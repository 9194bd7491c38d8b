//! The statements that copy one kind of row in one scope, made once and run for each chunk.
//!
//! A chunk is a range of source rows. What can be known without the lock is worked out in a temporary table;
//! inside the lock there is one statement for each table that gets rows.

use std::fmt::Write as _;

use super::Scope;
use super::kinds::Kind;

/// What becomes of a row of the chunk.
pub(crate) const NEW: i64 = 0;
pub(crate) const EQUAL: i64 = 1;
pub(crate) const CHANGED: i64 = 2;
pub(crate) const REFUSED: i64 = 3;

/// The temporary tables of a copy. `chunk` holds what was worked out of the source rows, `wanted` the runs that
/// its new rows need, `placed` where each row is, `touched` the runs of all chunks.
pub(crate) const TEMPORARY: &str = "
CREATE TEMP TABLE IF NOT EXISTS chunk(
  id INTEGER PRIMARY KEY, name TEXT, spec TEXT, stage TEXT, run_key TEXT, at INTEGER, until INTEGER,
  ended INTEGER,
  timeless INTEGER NOT NULL DEFAULT 0, agent TEXT, keyless INTEGER NOT NULL, valid INTEGER, model TEXT,
  bytes INTEGER NOT NULL, ordinal INTEGER NOT NULL, rank INTEGER NOT NULL, legacy INTEGER, target INTEGER,
  action INTEGER NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS wanted(run_key, spec, stage, at, until, first);
CREATE TEMP TABLE IF NOT EXISTS placed(id INTEGER PRIMARY KEY, run INTEGER, sequence INTEGER, target INTEGER);
CREATE TEMP TABLE IF NOT EXISTS touched(run INTEGER PRIMARY KEY);
CREATE TEMP TABLE IF NOT EXISTS planned(run_key, spec, stage, PRIMARY KEY(run_key, spec, stage)) WITHOUT ROWID;
CREATE TEMP TABLE IF NOT EXISTS answered(
  run_key, spec, stage, agent, PRIMARY KEY(run_key, spec, stage, agent)) WITHOUT ROWID;
DELETE FROM temp.touched; DELETE FROM temp.planned; DELETE FROM temp.answered;";

/// Begins a chunk.
pub(crate) const CLEAR: [&str; 3] =
    ["DELETE FROM temp.chunk", "DELETE FROM temp.wanted", "DELETE FROM temp.placed"];

/// The runs that the rows of the chunk need.
pub(crate) const WANT_RUNS: [&str; 2] = [
    "DELETE FROM temp.wanted",
    "INSERT INTO temp.wanted SELECT run_key, spec, stage, min(at), max(until), min(id) FROM temp.chunk
     WHERE action IN (0, 2) GROUP BY run_key, spec, stage",
];

/// Moves the times of runs that were there before to those of their new rows.
pub(crate) const EXTEND_RUNS: &str = "
UPDATE consensus_runs SET
  run_timestamp = ifnull(min(run_timestamp, w.at), ifnull(run_timestamp, w.at)),
  started_at = ifnull(min(started_at, w.at), ifnull(started_at, w.at)),
  updated_at = ifnull(max(updated_at, w.until), ifnull(updated_at, w.until))
FROM temp.wanted AS w
WHERE consensus_runs.run_key = w.run_key AND consensus_runs.spec_id = w.spec AND consensus_runs.stage = w.stage
  AND (w.at < ifnull(run_timestamp, w.at + 1) OR w.until > ifnull(updated_at, w.until - 1))";

#[derive(Debug)]
pub(crate) struct Statements {
    /// Ids and bytes of the rows from ?1 on, at most ?2.
    pub(crate) measure: String,
    /// Fills the chunk with the rows from ?1 up to ?2.
    pub(crate) derive: String,
    /// Whether any row from ?1 up to ?2 may be here already, or its id be taken.
    pub(crate) known: Option<String>,
    /// Tells new rows from equal and changed ones.
    pub(crate) classify: Vec<String>,
    /// Gives new rows a free id on the legacy side.
    pub(crate) free_ids: Vec<String>,
    pub(crate) copy_legacy: Option<String>,
    pub(crate) create_runs: String,
    /// Gives new rows their run, their id and their number within (run, agent): where all rows are new, and
    /// where not all are.
    pub(crate) place_all: String,
    pub(crate) place_some: String,
    pub(crate) copy: String,
    pub(crate) remember: Option<String>,
    /// Makes row ?1 of the chunk equal on the legacy and on the new side.
    pub(crate) change_legacy: Option<String>,
    pub(crate) change: String,
    /// Rows of the chunk whose copies do not compare equal.
    pub(crate) differing: String,
    /// Sets the backfill's cursor to ?1. An import has none: it looks at every row every time.
    pub(crate) cursor: Option<String>,
}

impl Statements {
    pub(crate) fn new(kind: &Kind, scope: &Scope) -> Self {
        let Kind { view, legacy, new, legacy_key, chunk_key, equal, .. } = kind;
        let by_id = *chunk_key == "id";
        let importing = scope.source.is_some();
        let source = scope.source.map_or_else(|| "NULL".to_owned(), |source| source.to_string());
        let name = if scope.later && kind.name == "artifact" {
            "output"
        } else if scope.later {
            "run"
        } else {
            kind.name
        };
        Self {
            measure: format!(
                "SELECT s.id, {} FROM temp.{view} s WHERE s.id >= ?1 ORDER BY s.id LIMIT ?2",
                octets(kind)
            ),
            derive: derive(kind, scope),
            // Few rows of the other kinds are worth a short way of their own.
            known: (kind.name == "artifact" && !scope.later).then(|| known(kind, scope)),
            classify: classify(kind, scope, name, &source),
            free_ids: free_ids(kind, scope, &source),
            copy_legacy: scope.to_legacy.then(|| copy_legacy(kind)),
            create_runs: create_runs(&source),
            place_all: place_all(kind),
            place_some: place_some(kind),
            copy: copy(kind, scope, &source),
            remember: importing.then(|| {
                let kept = match (by_id, scope.later) {
                    (_, true) => "1".to_owned(),
                    (true, false) if !scope.to_legacy => "1".to_owned(),
                    (true, false) => "c.legacy <> c.id".to_owned(),
                    (false, false) => "c.name <> CAST(s.agent_id AS TEXT)".to_owned(),
                };
                let key = if by_id { "c.id" } else { "CAST(s.agent_id AS TEXT)" };
                format!(
                    "INSERT INTO imported_rows(kind, source_row, source_id, target_id)
                     SELECT '{name}', {key}, {source}, p.target FROM temp.chunk c
                     CROSS JOIN temp.placed p ON p.id = c.id CROSS JOIN temp.{view} s ON s.id = c.id WHERE c.action = 0 AND {kept}
                     ON CONFLICT(kind, source_row, source_id) DO UPDATE SET target_id = excluded.target_id"
                )
            }),
            change_legacy: scope.to_legacy.then(|| {
                let list = kind.legacy_columns.join(", ");
                let key = if by_id { "legacy_id" } else { "agent_id" };
                format!(
                    "UPDATE main.{legacy} SET ({list}) = (SELECT {list} FROM temp.{view} WHERE id = ?1)
                     WHERE {legacy_key} = (SELECT o.{key} FROM {new} o
                       WHERE o.id = (SELECT target FROM temp.chunk WHERE id = ?1))"
                )
            }),
            change: change(kind, scope),
            differing: {
                let mut sql = format!(
                    "SELECT count(*) FROM temp.chunk c CROSS JOIN temp.placed p ON p.id = c.id
                     WHERE c.action IN (0, 2) AND NOT EXISTS (SELECT 1 FROM temp.{view} s CROSS JOIN {new} o CROSS JOIN consensus_runs r "
                );
                if scope.to_legacy {
                    let key = if by_id { "o.legacy_id" } else { "o.agent_id" };
                    let _ = write!(sql, "CROSS JOIN main.{legacy} l ON l.{legacy_key} = {key} ");
                }
                let _ = write!(sql, "WHERE s.id = c.id AND o.id = p.target AND r.id = o.run_id AND {equal}");
                if scope.to_legacy {
                    let _ = write!(sql, " AND {}", kind.legacy_equal);
                }
                sql + ")"
            },
            cursor: (!importing)
                .then(|| format!("UPDATE migration_state SET {} = ?1 WHERE id = 1", kind.cursor)),
        }
    }
}

/// The bytes of a row, which SQLite reads from the row's header alone.
fn octets(kind: &Kind) -> String {
    kind.bytes.iter().map(|name| format!("ifnull(octet_length(s.{name}), 0)")).collect::<Vec<_>>().join(" + ")
}

fn derive(kind: &Kind, scope: &Scope) -> String {
    use crate::store::canonical;
    let (names, values): (Vec<&str>, Vec<&str>) =
        kind.derived.iter().map(|(name, value)| (*name, value.as_str())).unzip();
    let mut refused = kind.needed.iter().map(|name| format!("s.{name} IS NULL")).collect::<Vec<_>>();
    if kind.chunk_key == "id" && scope.to_legacy && !scope.later {
        // In the legacy table it would be the last row ever: no id is behind it.
        refused.push(format!("s.id = {}", i64::MAX));
    }
    if kind.chunk_key != "id" && scope.source.is_none() {
        // As the triggers do: cast to text, two ids of the state's own rows could be one.
        refused.push(format!("typeof(s.{}) = 'blob'", kind.legacy_key));
    }
    let refused = refused.join(" OR ");
    let agent = if kind.name == "synthesis" { "NULL" } else { "CAST(s.agent_name AS TEXT)" };
    // On the legacy side a row keeps its id unless that is found to be taken.
    format!(
        "INSERT INTO temp.chunk(id, legacy, spec, stage, agent, keyless, bytes, action, {names}, ordinal, rank)
         SELECT d.id, d.id, d.spec, d.stage, d.agent, d.keyless, d.bytes, d.action, {names},
           row_number() OVER (ORDER BY d.id),
           row_number() OVER (PARTITION BY d.run_key, d.spec, d.stage, d.agent ORDER BY d.id)
         FROM (SELECT s.id AS id, CAST(s.spec_id AS TEXT) AS spec, {stage} AS stage, {agent} AS agent,
             CASE WHEN s.run_id IS NULL THEN 1 WHEN CAST(s.run_id AS TEXT) = '' THEN 2 ELSE 0 END AS keyless,
             {bytes} AS bytes, CASE WHEN {refused} THEN {REFUSED} ELSE {NEW} END AS action, {values}
           FROM temp.{view} s WHERE s.id >= ?1 AND s.id <= ?2 ORDER BY s.id) AS d",
        names = names.join(", "),
        stage = canonical::stage("s.stage"),
        bytes = octets(kind),
        values = names.iter().zip(&values).map(|(name, value)| format!("{value} AS {name}")).collect::<Vec<_>>().join(", "),
        view = kind.view
    )
}

fn known(kind: &Kind, scope: &Scope) -> String {
    let mut sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE legacy_id >= ?1 AND legacy_id <= ?2)
         OR EXISTS (SELECT 1 FROM imported_rows
           WHERE kind = '{}' AND source_row >= ?1 AND source_row <= ?2)",
        kind.new, kind.name
    );
    if scope.to_legacy {
        let _ = write!(sql, " OR EXISTS (SELECT 1 FROM main.{} WHERE id >= ?1 AND id <= ?2)", kind.legacy);
    }
    sql
}

fn classify(kind: &Kind, scope: &Scope, name: &str, source: &str) -> Vec<String> {
    let Kind { view, new, mirrors, chunk_key, equal, .. } = kind;
    let mut own = String::new();
    if scope.source.is_some() {
        let _ = write!(
            own,
            "(SELECT o.id FROM imported_rows i JOIN {new} o ON o.id = i.target_id
              WHERE i.kind = '{name}' AND i.source_row = chunk.{chunk_key} AND i.source_id = {source})"
        );
        if !scope.later {
            // A row of this source that lies under another id there is not the one of this id.
            let _ = write!(
                own,
                ", (SELECT o.id FROM {new} o WHERE {mirrors} AND o.source_id = {source}
                    AND NOT EXISTS (SELECT 1 FROM imported_rows i WHERE i.target_id = o.id AND i.kind = '{name}'))"
            );
        }
        own = format!("coalesce({own}, NULL)");
    } else {
        let _ = write!(own, "(SELECT o.id FROM {new} o WHERE {mirrors})");
    }
    let mut steps = vec![
        format!("UPDATE temp.chunk SET action = {NEW}, target = NULL WHERE action <> {REFUSED}"),
        format!("UPDATE temp.chunk SET target = {own} WHERE action = {NEW}"),
        format!(
            "UPDATE temp.chunk SET action = CASE WHEN EXISTS (
               SELECT 1 FROM temp.{view} s CROSS JOIN {new} o CROSS JOIN consensus_runs r
               WHERE s.id = chunk.id AND o.id = chunk.target AND r.id = o.run_id AND {equal})
             THEN {EQUAL} ELSE {} END WHERE action = {NEW} AND target IS NOT NULL",
            if scope.overwrite { CHANGED } else { EQUAL }
        ),
    ];
    if scope.source.is_some() {
        // A row of the same table and id with equal content from another path is the same row.
        let mut other = format!(
            "SELECT o.id FROM temp.{view} s CROSS JOIN imported_rows i
             JOIN {new} o ON o.id = i.target_id JOIN consensus_runs r ON r.id = o.run_id
             WHERE s.id = chunk.id AND i.kind = '{name}' AND i.source_row = chunk.{chunk_key} AND {equal}"
        );
        if !scope.later {
            let _ = write!(
                other,
                " UNION ALL SELECT o.id FROM temp.{view} s CROSS JOIN {new} o JOIN consensus_runs r ON r.id = o.run_id
                  WHERE s.id = chunk.id AND {mirrors} AND {equal}"
            );
        }
        steps.push(format!(
            "UPDATE temp.chunk SET target = ({other} LIMIT 1) WHERE action = {NEW} AND target IS NULL"
        ));
        steps.push(format!(
            "UPDATE temp.chunk SET action = {EQUAL} WHERE action = {NEW} AND target IS NOT NULL"
        ));
    }
    let number = kind.numbered.map_or_else(|| "NULL".to_owned(), |column| format!("o.{column}"));
    steps.push("DELETE FROM temp.placed".into());
    steps.push(format!(
        "INSERT INTO temp.placed SELECT c.id, o.run_id, {number}, o.id
         FROM temp.chunk c CROSS JOIN {new} o ON o.id = c.target WHERE c.action = {EQUAL}"
    ));
    steps
}

fn free_ids(kind: &Kind, scope: &Scope, source: &str) -> Vec<String> {
    let Kind { view, legacy, new, .. } = kind;
    if kind.chunk_key != "id" {
        if scope.source.is_none() {
            return Vec::new();
        }
        let mut taken = format!("EXISTS (SELECT 1 FROM {new} o WHERE o.agent_id = chunk.name)");
        if scope.to_legacy {
            let _ = write!(taken, " OR EXISTS (SELECT 1 FROM main.{legacy} l WHERE l.agent_id = chunk.name)");
        }
        return vec![format!(
            "UPDATE temp.chunk SET name = name || '#' || {source} WHERE action = {NEW} AND ({taken})"
        )];
    }
    if scope.source.is_none() || !scope.to_legacy {
        return Vec::new();
    }
    let kept = if scope.later {
        String::new()
    } else {
        format!(" AND EXISTS (SELECT 1 FROM main.{legacy} l WHERE l.id = chunk.id)")
    };
    let mut steps = vec![format!("UPDATE temp.chunk SET legacy = NULL WHERE action = {NEW}{kept}")];
    // Behind every id that was ever used on the legacy side and every id that the source may still bring.
    steps.push(format!(
        "UPDATE temp.chunk SET legacy = n.legacy FROM (
           SELECT id, row_number() OVER (ORDER BY id) + max(
             ifnull((SELECT seq FROM main.sqlite_sequence WHERE name = '{legacy}'), 0),
             ifnull((SELECT max(id) FROM main.{legacy}), 0),
             ifnull((SELECT max(id) FROM temp.{view} WHERE id < {}), 0)) AS legacy
           FROM temp.chunk WHERE action = {NEW} AND legacy IS NULL) AS n
         WHERE n.id = chunk.id",
        i64::MAX
    ));
    steps
}

fn copy_legacy(kind: &Kind) -> String {
    let key = if kind.chunk_key == "id" { "c.legacy" } else { "c.name" };
    let (columns, values) = (kind.legacy_columns.join(", "), kind.legacy_columns.join(", s."));
    format!(
        "INSERT INTO main.{}({}, {columns}) SELECT {key}, s.{values}
         FROM temp.chunk c CROSS JOIN temp.{} s ON s.id = c.id WHERE c.action = {NEW} ORDER BY c.id",
        kind.legacy, kind.legacy_key, kind.view
    )
}

/// The runs that are not there yet. An upsert would do both in one statement, but use up a number for each run
/// that is there already, so that numbers would depend on where chunks end.
fn create_runs(source: &str) -> String {
    format!(
        "INSERT INTO consensus_runs(run_key, spec_id, stage, run_timestamp, started_at, updated_at, origin, source_id)
         SELECT w.run_key, w.spec, w.stage, w.at, w.at, w.until, 'legacy', {source} FROM temp.wanted w
         WHERE NOT EXISTS (SELECT 1 FROM consensus_runs r
           WHERE r.run_key = w.run_key AND r.spec_id = w.spec AND r.stage = w.stage) ORDER BY w.first"
    )
}

/// The run `r` of a row `c` of the chunk.
const ITS_RUN: &str =
    "CROSS JOIN consensus_runs r ON r.run_key = c.run_key AND r.spec_id = c.spec AND r.stage = c.stage";

/// The greatest number that the agent of row `c` has in run `r`.
fn last_number(kind: &Kind) -> Option<String> {
    let column = kind.numbered?;
    let first = if column == "sequence" { " AND o.attempt = 1" } else { "" };
    Some(format!(
        "ifnull((SELECT max(o.{column}) FROM {} o
           WHERE o.run_id = r.id AND o.agent_name = c.agent{first}), 0)",
        kind.new
    ))
}

fn last_id(kind: &Kind) -> String {
    format!("ifnull((SELECT seq FROM main.sqlite_sequence WHERE name = '{}'), 0)", kind.new)
}

fn place_all(kind: &Kind) -> String {
    let sequence = last_number(kind).map_or_else(|| "NULL".to_owned(), |last| format!("c.rank + {last}"));
    format!(
        "INSERT INTO temp.placed SELECT c.id, r.id, {sequence}, c.ordinal + {}
         FROM temp.chunk c {ITS_RUN}",
        last_id(kind)
    )
}

/// Ranks are of the whole chunk, so they are taken anew of its new rows alone.
fn place_some(kind: &Kind) -> String {
    let sequence = last_number(kind).map_or_else(
        || "NULL".to_owned(),
        |last| format!("{last} + row_number() OVER (PARTITION BY r.id, c.agent ORDER BY c.id)"),
    );
    format!(
        "INSERT INTO temp.placed SELECT c.id, r.id, {sequence}, row_number() OVER (ORDER BY c.id) + {}
         FROM temp.chunk c {ITS_RUN} WHERE c.action = {NEW}
         UNION ALL SELECT c.id, r.id, NULL, c.target FROM temp.chunk c {ITS_RUN} WHERE c.action = {CHANGED}",
        last_id(kind)
    )
}

/// What ties a row to the legacy side.
fn tie(kind: &Kind, scope: &Scope) -> (&'static str, &'static str) {
    let mirrored = scope.to_legacy || scope.source.is_none();
    match (kind.chunk_key, mirrored) {
        ("id", true) => ("legacy_id", "c.legacy"),
        ("id", false) => ("legacy_id", "NULL"),
        (_, true) => ("mirrored", "1"),
        (_, false) => ("mirrored", "0"),
    }
}

fn copy(kind: &Kind, scope: &Scope, source: &str) -> String {
    let (mut names, mut values): (Vec<&str>, Vec<&str>) =
        kind.columns.iter().map(|(name, value)| (*name, value.as_str())).unzip();
    if let Some(column) = kind.numbered {
        names.push(column);
        values.push("p.sequence");
    }
    let (tie, value) = tie(kind, scope);
    format!(
        "INSERT INTO {}(id, run_id, {}, {tie}, source_id) SELECT p.target, p.run, {}, {value}, {source} FROM temp.chunk c
         CROSS JOIN temp.placed p ON p.id = c.id CROSS JOIN temp.{} s ON s.id = c.id WHERE c.action = {NEW} ORDER BY c.id",
        kind.new,
        names.join(", "),
        values.join(", "),
        kind.view
    )
}

fn change(kind: &Kind, scope: &Scope) -> String {
    let Kind { view, new, .. } = kind;
    let mut set: Vec<String> = kind
        .columns
        .iter()
        .filter(|(name, _)| *name != "agent_id")
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    set.push("run_id = p.run".into());
    if let Some(column) = kind.numbered {
        let first = if column == "sequence" { " AND n.attempt = 1" } else { "" };
        set.push(format!(
            "{column} = CASE WHEN {new}.run_id = p.run AND {new}.agent_name = c.agent THEN {new}.{column}
             ELSE 1 + ifnull((SELECT max(n.{column}) FROM {new} n
               WHERE n.run_id = p.run AND n.agent_name = c.agent{first}), 0) END"
        ));
    }
    if let ("mirrored", "1") = tie(kind, scope) {
        set.push("mirrored = 1".into());
    }
    format!(
        "UPDATE {new} SET {} FROM temp.chunk c CROSS JOIN temp.placed p ON p.id = c.id
         CROSS JOIN temp.{view} s ON s.id = c.id WHERE c.id = ?1 AND {new}.id = c.target",
        set.join(", ")
    )
}
